//! Commands for maintainers.
fn main() {}
