//! From the path of a field to where it stands.

use extsecret_manifest::node::Node;
use extsecret_manifest::source::Span;

/// The span of a field such as `spec.data[2].remoteRef`, or of the nearest part of the path that is
/// there. A member whose name has dots stands in brackets: `annotations[a.b/c]`.
pub(crate) fn span(object: &Node, path: &str) -> Span {
    let mut node = object;
    let mut span = object.span;
    let mut found_any = false;
    for step in steps(path) {
        let by_index = step.parse::<usize>().ok();
        let next = match (by_index, node.as_sequence()) {
            (Some(index), Some(items)) => items.get(index).map(|item| (item, item.span)),
            _ => node.entry(step).map(|entry| {
                let whole = &entry.value;
                // An absent value has no place of its own; its key has.
                let span = if whole.span.is_empty() { entry.key_span } else { whole.span };
                (whole, span)
            }),
        };
        let Some((inner, place)) = next else { break };
        node = inner;
        span = place;
        found_any = true;
    }
    if found_any { span } else { first_line(object) }
}

/// Where the key of a field stands, if it is there.
pub(crate) fn key(object: &Node, path: &[&str]) -> Option<Span> {
    let (last, before) = path.split_last()?;
    Some(object.at(before)?.entry(last)?.key_span)
}

/// The whole object is too much to underline.
fn first_line(object: &Node) -> Span {
    object.entry("kind").map_or(object.span, |entry| entry.value.span)
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('.');
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = inner.split_once(']').unwrap_or((inner, ""));
            rest = after;
            return Some(step);
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (step, after) = rest.split_at(end);
        rest = after;
        Some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_steps() {
        let all = |path| steps(path).collect::<Vec<_>>();
        assert_eq!(all("spec.data[2].remoteRef"), ["spec", "data", "2", "remoteRef"]);
        assert_eq!(all("a[b.c/d].e"), ["a", "b.c/d", "e"]);
        assert_eq!(all(""), [] as [&str; 0]);
        assert_eq!(all("a[b"), ["a", "b"]);
    }
}
