//! The texnet program.
fn main() {}
