//! Pictures in and out: formats, orientation, alpha, colour profiles, writing by rows.
