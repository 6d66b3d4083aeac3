//! White space as YAML, JSON and Go's templates have it: blanks, tabs and line ends. Whatever else is
//! white to Unicode is content there, and must not be lost.

/// What may be taken away from the ends of a text.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// [`str::trim`] and its kin, of [`BLANKS`] only.
pub(crate) trait Blank {
    /// Without blanks at both ends.
    fn trim_blanks(&self) -> &str;
    /// Without blanks at the start.
    fn trim_blanks_start(&self) -> &str;
    /// Without blanks at the end.
    fn trim_blanks_end(&self) -> &str;
}

impl Blank for str {
    fn trim_blanks(&self) -> &str {
        self.trim_matches(BLANKS)
    }

    fn trim_blanks_start(&self) -> &str {
        self.trim_start_matches(BLANKS)
    }

    fn trim_blanks_end(&self) -> &str {
        self.trim_end_matches(BLANKS)
    }
}
