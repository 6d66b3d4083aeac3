//! What a document shows of a program, compared with what the program prints.

use std::sync::LazyLock;

use regex::Regex;

/// Times, hashes and the like: what no two runs have alike.
static CHANGING: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\b(?:(?:\d+[dhms])+|\d+ s|[0-9a-f]{8})\b|https?://\S+|\bv1\.\d+\.\d+\b|-[0-9a-z]{8,10}-[0-9a-z]{5}\b";
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
});

/// A line without what changes from run to run, and without the width of its columns.
pub fn normalized(line: &str) -> String {
    // Columns are as wide as what is in them.
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    CHANGING.replace_all(&line, "_").into_owned()
}

/// Whether lines are other lines without what stands for `...`: any lines, or any part of one.
pub fn is_shortened(short: &[String], full: &[String]) -> bool {
    match short {
        [] => full.is_empty(),
        [dots] if dots == "..." => true,
        [dots, rest @ ..] if dots == "..." => {
            (0..full.len()).any(|skipped| is_shortened(rest, &full[skipped..]))
        }
        [line, rest @ ..] => {
            full.first().is_some_and(|it| is_part(line, it)) && is_shortened(rest, &full[1..])
        }
    }
}

/// The same for the parts of one line.
fn is_part(short: &str, full: &str) -> bool {
    let mut parts = short.split("...");
    let Some(mut rest) = parts.next().and_then(|first| full.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    // What ends with dots may go on; a last part may stand at the end once more.
    rest.is_empty() || last.is_some_and(|part| part.is_empty() || rest.ends_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(normalized).collect()
    }

    fn fits(short: &str, full: &str) -> bool {
        is_shortened(&lines(short), &lines(full))
    }

    #[test]
    fn dots_are_any_lines_or_any_part_of_one() {
        let full = "NAME   AGE\ndb     12m\nmail   3h5m\n2 objects";
        assert!(fits(full, full));
        assert!(fits("NAME AGE\n...\n2 objects", full));
        assert!(fits("NAME AGE\ndb 1s\n...", full));
        assert!(fits("N...E\n...", full));
        assert!(fits("...\n2 ob...", full));
        assert!(!fits("NAME AGE\n2 objects", full));
        assert!(!fits("NAME AGE\n...\n3 objects", full));
        assert!(!fits("N...X\n...", full));
        assert!(!fits("NAME AGE\ndb 12m\nmail 3h5m", full));
    }

    #[test]
    fn what_changes_is_all_the_same() {
        assert_eq!(normalized("  version b13035e1,  10s ago, in 1 s"), "version _, _ ago, in _");
        assert_eq!(
            normalized("pod eso-6d4cf56db6-x7k2p: v1.33.1 at https://10.0.0.1:6443/"),
            "pod eso_: _ at _"
        );
        assert_eq!(normalized("11 objects"), "11 objects");
    }
}
