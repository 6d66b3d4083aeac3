//! `kubectl extsecret`: scaffolds, validates and migrates external secrets.
fn main() {}
