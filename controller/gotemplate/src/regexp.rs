//! Go's regular expressions (RE2 syntax) on the `regex` crate.
