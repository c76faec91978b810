//! Speed against the peers.
