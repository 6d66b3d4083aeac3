//! Every code that the command can print, and how to find one by what people type.

use extsecret_manifest::diagnostic::{Code, Severity};

/// A file of a directory has nothing in it.
pub(crate) static EMPTY: Code = Code {
    id: "F01",
    severity: Severity::Warning,
    title: "file without objects",
    why: "The file is empty or holds only comments. Nothing is lost, but a file that somebody \
          commented out while migrating is easily forgotten.",
    action: "Delete the file, or restore what was in it and run again.",
};

/// A file that must stay as it is.
pub(crate) static UNEDITABLE: Code = Code {
    id: "F02",
    severity: Severity::Error,
    title: "file cannot be edited in place",
    why: "Only the converted objects may change in the file. The result of the edit is read again \
          and compared; here it would not have read as intended, or the file is no regular UTF-8 \
          file. Nothing of it was written.",
    action: "Convert this file with --output-dir and take the objects over by hand, or write its \
             KES objects as plain documents of their own.",
};

/// Codes about files as a whole, which only this crate handles.
static FILES: &[&Code] = &[&EMPTY, &UNEDITABLE];

/// All codes, sorted by id.
pub(crate) fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = extsecret_manifest::codes::ALL
        .iter()
        .chain(extsecret_migrate::codes::ALL)
        .chain(extsecret_migrate::handover::codes::ALL)
        .chain(FILES)
        .chain(crate::render::codes::ALL)
        .chain(crate::validation::codes::ALL)
        .copied()
        .chain(extsecret_validate::codes::all())
        .collect();
    codes.sort_by_key(|code| code.id);
    codes
}

/// The code that is meant: upper or lower case, with or without leading zeros.
pub(crate) fn find(word: &str) -> Option<&'static Code> {
    let wanted = normal(word)?;
    all().into_iter().find(|code| normal(code.id).as_ref() == Some(&wanted))
}

/// Codes that may have been meant instead: the same number or a neighbour, or a title with the
/// word in it. At most ten.
pub(crate) fn near(word: &str) -> Vec<&'static Code> {
    let word_lower = word.trim().to_lowercase();
    let wanted = normal(word);
    let close = |code: &&'static Code| {
        if let (Some((letter, number)), Some((l, n))) = (wanted, normal(code.id)) {
            return number == n || (letter == l && number.abs_diff(n) <= 1);
        }
        word_lower.len() >= 3 && code.title.to_lowercase().contains(&word_lower)
    };
    all().into_iter().filter(close).take(10).collect()
}

/// `e7` and `E07` are the same letter and number.
fn normal(word: &str) -> Option<(char, u32)> {
    let word = word.trim();
    let mut chars = word.chars();
    let letter = chars.next()?.to_ascii_uppercase();
    let number = chars.as_str().parse().ok()?;
    letter.is_ascii_uppercase().then_some((letter, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_found_by_loose_spelling() {
        let all = all();
        let mut ids: Vec<_> = all.iter().map(|code| code.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), all.len());
        for code in all {
            let short = code.id.replace('0', "").to_lowercase();
            if code.id.starts_with(|c: char| c.is_ascii_uppercase())
                && code.id.as_bytes()[1] == b'0'
            {
                assert_eq!(find(&short).map(|c| c.id), Some(code.id));
            }
            assert_eq!(find(code.id).map(|c| c.id), Some(code.id));
        }
    }

    #[test]
    fn near_misses_are_offered() {
        assert!(find("Q07").is_none());
        assert!(near("Q07").iter().any(|code| code.id == "E07"));
        assert!(near("backend").iter().any(|code| code.id == "E01"));
        assert!(near("nothing like it").is_empty());
    }
}
