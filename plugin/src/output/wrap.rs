//! Sentences on a terminal.

/// Breaks a text between words so that lines fit; the indent is before each. Ends with a line end.
pub(crate) fn wrap(text: &str, room: usize, indent: &str) -> String {
    let room = room.saturating_sub(indent.chars().count()).max(10);
    // What fits stays as it is, columns of a list among it.
    if !text.is_empty() && !text.contains('\n') && text.chars().count() <= room {
        return format!("{indent}{text}\n");
    }
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push('\n');
            used = 0;
        }
        if used == 0 {
            lines.push_str(indent);
        } else {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(wrap("one two  three four", 13, "  "), "  one two\n  three four\n");
        assert_eq!(wrap("a-very-long-word b", 4, ""), "a-very-long-word\nb\n");
        assert_eq!(wrap("as long as it likes", usize::MAX, "  "), "  as long as it likes\n");
        assert_eq!(wrap("", 80, ""), "\n");
    }
}
