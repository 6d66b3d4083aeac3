//! Go's replacement templates: `$1`, `${1}`, `$name`, `${name}`, `$$`.

use super::{TooLong, append, class};

/// A parsed replacement.
pub(super) struct Replacement<'r> {
    parts: Vec<Part<'r>>,
}

enum Part<'r> {
    Text(&'r [u8]),
    /// The first of these groups that took part in the match; a name may belong to several.
    Groups(Vec<usize>),
}

impl<'r> Replacement<'r> {
    pub(super) fn new(mut template: &'r [u8], names: &[String]) -> Self {
        let mut parts = Vec::new();
        while let Some(dollar) = template.iter().position(|byte| *byte == b'$') {
            let (text, rest) = template.split_at(dollar);
            parts.push(Part::Text(text));
            let (sign, after) = rest.split_at(1);
            if after.starts_with(b"$") {
                parts.push(Part::Text(sign));
                template = after.get(1..).unwrap_or_default();
            } else if let Some((name, rest)) = reference(after) {
                parts.push(Part::Groups(groups(name, names)));
                template = rest;
            } else {
                parts.push(Part::Text(sign));
                template = after;
            }
        }
        parts.push(Part::Text(template));
        Self { parts }
    }

    /// Appends the replacement, with `group` giving the text of each group that took part.
    pub(super) fn expand<'s>(
        &self,
        limit: usize,
        out: &mut Vec<u8>,
        group: impl Fn(usize) -> Option<&'s [u8]>,
    ) -> Result<(), TooLong> {
        for part in &self.parts {
            match part {
                Part::Text(text) => append(out, text, limit)?,
                Part::Groups(groups) => {
                    let text = groups.iter().find_map(|index| group(*index));
                    append(out, text.unwrap_or_default(), limit)?;
                }
            }
        }
        Ok(())
    }
}

/// The name behind a `$`, in braces or as long as it can be, and what follows.
fn reference(template: &[u8]) -> Option<(&str, &[u8])> {
    let (text, braces) = match template.strip_prefix(b"{") {
        Some(inner) => (inner, true),
        None => (template, false),
    };
    let valid = text.utf8_chunks().next()?.valid();
    let end = valid.find(|c| c != '_' && !class::is_letter_or_digit(c)).unwrap_or(valid.len());
    let name = valid.get(..end).filter(|name| !name.is_empty())?;
    let rest = text.get(end..).unwrap_or_default();
    if braces { rest.strip_prefix(b"}").map(|rest| (name, rest)) } else { Some((name, rest)) }
}

fn groups(name: &str, names: &[String]) -> Vec<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    // Go stops counting at ten digits and looks for a group of that name.
    if digits && name.len() < 10 && (name == "0" || !name.starts_with('0')) {
        return name.parse().into_iter().collect();
    }
    let numbered = names.iter().enumerate().filter(|(_, known)| *known == name);
    numbered.map(|(index, _)| index + 1).collect()
}
