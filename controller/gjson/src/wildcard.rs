//! Matching with `*` and `?`, as `github.com/tidwall/match` does for gjson.

use crate::limits::{Budget, LimitExceeded};
use crate::text::{first_rune, last_rune};

/// gjson's own limit: so many attempts for each byte of the text, then it is no match.
const ATTEMPTS_PER_BYTE: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Match,
    NoMatch,
    GivenUp,
}

/// Whether the whole text matches the pattern.
pub(crate) fn matches(
    budget: &mut Budget,
    text: &[u8],
    pattern: &[u8],
) -> Result<bool, LimitExceeded> {
    if pattern == b"*" {
        return Ok(true);
    }
    let most = text.len().saturating_mul(ATTEMPTS_PER_BYTE);
    let mut attempts = Attempts { made: 0, most };
    Ok(attempt(budget, &mut attempts, text, pattern)? == Outcome::Match)
}

struct Attempts {
    made: usize,
    most: usize,
}

fn attempt(
    budget: &mut Budget,
    attempts: &mut Attempts,
    mut text: &[u8],
    mut pattern: &[u8],
) -> Result<Outcome, LimitExceeded> {
    if attempts.made > attempts.most {
        return Ok(Outcome::GivenUp);
    }
    attempts.made += 1;
    while !pattern.is_empty() {
        // Costs about as much as skipping over so many bytes.
        budget.work(8)?;
        let (wanted, mut wanted_length) = first_rune(pattern);
        let (rune, length) = first_rune(text);
        match wanted {
            '?' => {
                if length == 0 {
                    return Ok(Outcome::NoMatch);
                }
            }
            '*' => {
                while let [b'*', b'*', ..] = pattern {
                    pattern = pattern.get(1..).unwrap_or_default();
                }
                if pattern.len() == 1 {
                    return Ok(Outcome::Match);
                }
                let Some(trimmed) = trim_suffix(budget, text, pattern)? else {
                    return Ok(Outcome::NoMatch);
                };
                (text, pattern) = trimmed;
                if pattern.len() == 1 {
                    return Ok(Outcome::Match);
                }
                budget.enter()?;
                let rest = pattern.get(1..).unwrap_or_default();
                let outcome = attempt(budget, attempts, text, rest)?;
                budget.leave();
                if outcome != Outcome::NoMatch {
                    return Ok(outcome);
                }
                if text.is_empty() {
                    return Ok(Outcome::NoMatch);
                }
                // The star takes one more rune.
                wanted_length = 0;
            }
            _ => {
                if length == 0 {
                    return Ok(Outcome::NoMatch);
                }
                let mut wanted = wanted;
                if wanted == '\\' {
                    pattern = pattern.get(1..).unwrap_or_default();
                    (wanted, wanted_length) = first_rune(pattern);
                    if wanted_length == 0 {
                        return Ok(Outcome::NoMatch);
                    }
                }
                if rune != wanted {
                    return Ok(Outcome::NoMatch);
                }
            }
        }
        text = text.get(length..).unwrap_or_default();
        pattern = pattern.get(wanted_length..).unwrap_or_default();
    }
    Ok(if text.is_empty() { Outcome::Match } else { Outcome::NoMatch })
}

type TextAndPattern<'t, 'p> = (&'t [u8], &'p [u8]);

/// Takes what the pattern ends with, after its last star, off both; nothing if the text ends
/// otherwise. The pattern begins with a star.
fn trim_suffix<'t, 'p>(
    budget: &mut Budget,
    mut text: &'t [u8],
    mut pattern: &'p [u8],
) -> Result<Option<TextAndPattern<'t, 'p>>, LimitExceeded> {
    while !text.is_empty() && pattern.len() > 1 {
        let (wanted, mut wanted_length) = last_rune(pattern);
        let before = pattern.get(..pattern.len() - wanted_length).unwrap_or_default();
        let backslashes = before.iter().rev().take_while(|&&byte| byte == b'\\').count();
        budget.work(backslashes.saturating_add(8))?;
        let escaped = backslashes % 2 == 1;
        if escaped {
            wanted_length += 1;
        }
        if wanted == '*' && !escaped {
            break;
        }
        let (rune, length) = last_rune(text);
        if !(wanted == '?' && !escaped || wanted == rune) {
            return Ok(None);
        }
        text = text.get(..text.len() - length).unwrap_or_default();
        pattern = pattern.get(..pattern.len() - wanted_length).unwrap_or_default();
    }
    Ok(Some((text, pattern)))
}
