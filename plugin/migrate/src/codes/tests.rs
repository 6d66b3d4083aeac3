use std::collections::BTreeSet;

use super::*;

#[test]
fn ids_are_sorted_unique_and_agree_with_their_severity() {
    let ids: Vec<_> = ALL.iter().map(|code| code.id).collect();
    let sorted: Vec<_> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(ids, sorted);

    for code in ALL {
        let letter = match code.severity {
            Severity::Error => "E",
            Severity::Warning => "W",
            Severity::Info => "I",
        };
        let number = code.id.strip_prefix(letter);
        assert!(
            number.is_some_and(|n| n.len() == 2 && n.bytes().all(|b| b.is_ascii_digit())),
            "{} is of severity {:?}",
            code.id,
            code.severity
        );
    }
}

#[test]
fn no_number_is_left_out() {
    for letter in ["E", "I", "W"] {
        let count = ALL.iter().filter(|code| code.id.starts_with(letter)).count();
        for number in 1..=count {
            let id = format!("{letter}{number:02}");
            assert!(find(&id).is_some(), "{id} is missing");
        }
    }
    // What the specification lists, at least.
    assert!(find("E18").is_some() && find("W32").is_some() && find("I06").is_some());
}

#[test]
fn texts_are_fit_to_print() {
    for code in ALL {
        let Code { id, title, why, action, .. } = code;
        assert!(!title.is_empty() && !title.ends_with('.'), "{id}: title");
        for text in [why, action] {
            assert!(text.ends_with('.'), "{id}: no full stop at the end of {text:?}");
            assert!(text.starts_with(|c: char| !c.is_lowercase()), "{id}: {text:?}");
        }
        for text in [title, why, action] {
            assert!(!text.contains("  ") && !text.contains('\n'), "{id}: {text:?}");
            assert_eq!(text.matches('`').count() % 2, 0, "{id}: open backtick in {text:?}");
        }
    }
}

#[test]
fn codes_are_found_in_any_case() {
    assert_eq!(find("e07"), Some(&E07));
    assert_eq!(find(" W12 "), Some(&W12));
    assert_eq!(find("E99"), None);
    assert_eq!(find(""), None);
}
