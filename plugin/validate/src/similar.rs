//! The word that was meant.

/// Changes of one character after which a word is still the same word, written wrongly.
const FARTHEST: usize = 3;

/// The known word that is nearest to what was written, if one is near.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Whoever writes an essay for a name did not mistype it.
    if written.chars().count() > 64 {
        return None;
    }
    let lower = written.to_ascii_lowercase();
    let allowed = (written.chars().count() / 3).clamp(1, FARTHEST);
    let near = known.into_iter().filter_map(|word| {
        let distance = distance(&lower, &word.to_ascii_lowercase());
        (distance <= allowed).then_some((distance, word))
    });
    near.min().map(|(_, word)| word)
}

/// How many characters have to be changed, added, left out or exchanged with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best =
                (at(&row, j) + usize::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let crossed =
                i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if crossed {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = row;
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_wins() {
        let known = ["secretStoreRef", "refreshInterval", "target", "data", "dataFrom"];
        for (written, meant) in [
            ("secretstoreref", Some("secretStoreRef")),
            ("secretStorRef", Some("secretStoreRef")),
            ("refreshInterwal", Some("refreshInterval")),
            ("tagret", Some("target")),
            ("datafrom", Some("dataFrom")),
            ("dat", Some("data")),
            ("backendType", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }

    proptest::proptest! {
        #[test]
        fn a_word_is_near_itself(word in "[a-z]{1,20}") {
            proptest::prop_assert_eq!(distance(&word, &word), 0);
            proptest::prop_assert_eq!(nearest(&word, [word.as_str()]), Some(word.as_str()));
        }
    }
}
