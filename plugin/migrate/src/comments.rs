//! Comments move with what they are about.
//!
//! Each comment of the old object is carried to the field that took its field's place. Where none
//! did, it goes to the nearest field above, and W30 says so; none is dropped.

use std::collections::BTreeMap;

use extsecret_manifest::node::{Comments, Node, Value};
use extsecret_manifest::source::Span;
use extsecret_manifest::stream;

/// One comment on its way: where its field went, and what is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Carried {
    /// The old field, for W30.
    pub(crate) field: String,
    /// Where the old field stands.
    pub(crate) span: Span,
    /// Keys and indices in the new object.
    target: Vec<String>,
    /// The field itself has a place in the new object, not only one of its parents.
    exact: bool,
    comments: Comments,
}

/// Where fields went. The first entry that names a field decides.
///
/// Most objects have no comments, and then nothing need be remembered.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// By the old field, with their order.
    list: BTreeMap<String, (usize, Move)>,
    enabled: bool,
}

#[derive(Debug)]
struct Move {
    target: Vec<String>,
    /// Children went along under their own names.
    whole: bool,
    fields: &'static [Field],
}

/// A field of an item and the steps to its new place below the item's.
pub(crate) type Field = (&'static str, &'static [&'static str]);

impl Moves {
    /// For one object: remembers moves only when there is something to carry.
    pub(crate) fn of(object: &Node) -> Self {
        Self { list: BTreeMap::new(), enabled: any_comments(object) }
    }

    /// False when moves are not worth naming.
    pub(crate) fn enabled(&self) -> bool {
        self.enabled
    }

    /// The field alone went to `target`.
    pub(crate) fn field(&mut self, source: impl Into<String>, target: &[&str]) {
        self.add(source.into(), target, false, &[]);
    }

    /// The field went to `target` with everything in it.
    pub(crate) fn tree(&mut self, source: impl Into<String>, target: &[&str]) {
        self.add(source.into(), target, true, &[]);
    }

    /// The field went to `target`, and those of its own fields that are listed to places below it.
    pub(crate) fn item(&mut self, source: &str, target: &[&str], fields: &'static [Field]) {
        self.add(source.to_owned(), target, false, fields);
    }

    fn add(&mut self, source: String, target: &[&str], whole: bool, fields: &'static [Field]) {
        if self.enabled {
            let target = target.iter().map(|&step| step.to_owned()).collect();
            let order = self.list.len();
            self.list.entry(source).or_insert((order, Move { target, whole, fields }));
        }
    }

    /// Takes over the moves of another part of the same object.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let first = self.list.len();
        for (source, (order, entry)) in std::mem::take(&mut other.list) {
            self.list.entry(source).or_insert((first + order, entry));
        }
    }

    /// The new place of a field, and whether its own fields keep their names below it.
    fn find(&self, source: &str) -> Option<(Vec<String>, bool)> {
        let own = self.list.get(source);
        let below = source.rsplit_once('.').and_then(|(parent, name)| {
            let (order, entry) = self.list.get(parent)?;
            let (_, steps) = entry.fields.iter().find(|(field, _)| *field == name)?;
            Some((*order, entry, *steps))
        });
        match (own, below) {
            (Some((order, entry)), below) if below.is_none_or(|(other, ..)| *order < other) => {
                Some((entry.target.clone(), entry.whole))
            }
            (_, Some((_, entry, steps))) => {
                let steps = steps.iter().map(|&step| step.to_owned());
                Some((entry.target.iter().cloned().chain(steps).collect(), false))
            }
            _ => None,
        }
    }
}

/// Deals comments out whose targets begin with the number of an object, among so many objects.
/// One that names none goes to the first.
pub(crate) fn deal(carried: Vec<Carried>, objects: usize) -> Vec<Vec<Carried>> {
    let mut out: Vec<Vec<Carried>> = (0..objects).map(|_| Vec::new()).collect();
    for mut entry in carried {
        let number = entry.target.first().and_then(|step| step.parse::<usize>().ok());
        if number.is_some() {
            entry.target.remove(0);
        }
        if let Some(list) = out.get_mut(number.unwrap_or_default()) {
            list.push(entry);
        }
    }
    out
}

/// Collects the comments of an object with their new places.
pub(crate) fn collect(object: &Node, moves: &Moves) -> Vec<Carried> {
    let mut out = Vec::new();
    walk(object, "", object.span, Some((Vec::new(), true)), moves, &mut out, true);
    out
}

/// `place` is the new place of this node, and whether children keep their names below it.
fn walk(
    node: &Node,
    field: &str,
    span: Span,
    place: Option<(Vec<String>, bool)>,
    moves: &Moves,
    out: &mut Vec<Carried>,
    exact: bool,
) {
    let Some((target, whole)) = place else { return };
    if let Some(comments) = node.comments.as_ref().filter(|comments| !comments.is_empty()) {
        out.push(Carried {
            field: field.to_owned(),
            span,
            target: target.clone(),
            exact,
            comments: comments.as_ref().clone(),
        });
    }
    let mut visit = |child: &Node, path: String, step: String, span: Span| {
        let (place, exact) = match moves.find(&path) {
            Some(found) => (found, true),
            None if whole && !field.is_empty() => {
                let mut target = target.clone();
                target.push(step);
                ((target, true), exact)
            }
            None => ((target.clone(), false), false),
        };
        walk(child, &path, span, Some(place), moves, out, exact);
    };
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries.iter().filter(|entry| any_comments(&entry.value)) {
                let path = if field.is_empty() {
                    entry.key.clone()
                } else {
                    format!("{field}.{}", entry.key)
                };
                visit(&entry.value, path, entry.key.clone(), entry.key_span);
            }
        }
        Value::Sequence(items) => {
            for (i, item) in items.iter().enumerate().filter(|(_, item)| any_comments(item)) {
                visit(item, format!("{field}[{i}]"), i.to_string(), item.span);
            }
        }
        _ => {}
    }
}

/// True when there is a comment at the node or in it.
fn any_comments(node: &Node) -> bool {
    node.comments.is_some()
        || match &node.value {
            Value::Mapping(entries) => entries.iter().any(|entry| any_comments(&entry.value)),
            Value::Sequence(items) => items.iter().any(any_comments),
            _ => false,
        }
}

/// The comments of a List outside its items, none when the node is no List.
pub(crate) fn around_items(list: &Node) -> Vec<String> {
    fn outside(node: &Node, lines: &mut Vec<String>) {
        if let Some(comments) = &node.comments {
            lines.extend(into_lines(comments));
        }
        for entry in node.as_mapping().unwrap_or_default() {
            if entry.key == "items" && entry.value.as_sequence().is_some() {
                if let Some(comments) = &entry.value.comments {
                    lines.extend(into_lines(comments));
                }
            } else {
                outside(&entry.value, lines);
            }
        }
        for item in node.as_sequence().unwrap_or_default() {
            outside(item, lines);
        }
    }
    let mut lines = Vec::new();
    if stream::items(list).is_some() {
        outside(list, &mut lines);
    }
    lines
}

/// Writes the comments into the new object. Returns those that stand elsewhere than their field.
pub(crate) fn place(object: &mut Node, carried: Vec<Carried>) -> Vec<Carried> {
    let mut strays = Vec::new();
    for entry in carried {
        let depth = reachable(object, &entry.target);
        let exact = entry.exact && depth == entry.target.len();
        let step = entry.target.get(..depth).and_then(<[String]>::last);
        let item = step.is_some_and(|step| step.parse::<usize>().is_ok());
        match descend(object, entry.target.get(..depth).unwrap_or_default()) {
            Some(at) if exact => attach(at, entry.comments, item),
            at => {
                let at = match at {
                    Some(at) => at,
                    None => object,
                };
                at.comments_mut().before.extend(into_lines(&entry.comments));
                strays.push(entry);
            }
        }
    }
    strays
}

fn reachable(object: &Node, path: &[String]) -> usize {
    let mut node = object;
    for (depth, step) in path.iter().enumerate() {
        let next = match &node.value {
            Value::Mapping(_) => node.get(step),
            Value::Sequence(items) => step.parse().ok().and_then(|i: usize| items.get(i)),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return depth,
        }
    }
    path.len()
}

fn descend<'n>(node: &'n mut Node, path: &[String]) -> Option<&'n mut Node> {
    let Some((step, rest)) = path.split_first() else { return Some(node) };
    let next = match &mut node.value {
        Value::Mapping(entries) => &mut entries.iter_mut().find(|entry| &entry.key == step)?.value,
        Value::Sequence(items) => items.get_mut(step.parse::<usize>().ok()?)?,
        _ => return None,
    };
    descend(next, rest)
}

fn attach(node: &mut Node, comments: Comments, item: bool) {
    let Comments { before, mut trailing, after } = comments;
    // `- # text` above an item's fields reads worse than the end of its first value's line.
    if item
        && trailing.is_some()
        && let Some(first) = first_scalar(node)
    {
        let slot = &mut first.comments_mut().trailing;
        if slot.is_none() {
            *slot = trailing.take();
        }
    }
    let collection = !is_scalar(node);
    let own = node.comments_mut();
    own.before.extend(before);
    match trailing {
        Some(text) if own.trailing.is_none() => own.trailing = Some(text),
        Some(text) => own.before.push(text),
        None => {}
    }
    if collection {
        own.after.extend(after);
    } else {
        own.before.extend(after);
    }
    if own.is_empty() {
        node.comments = None;
    }
}

/// The scalar that ends the first line with a value in a block mapping.
fn first_scalar(node: &mut Node) -> Option<&mut Node> {
    let Value::Mapping(entries) = &mut node.value else { return None };
    let first = &mut entries.first_mut()?.value;
    if is_scalar(first) { Some(first) } else { first_scalar(first) }
}

fn is_scalar(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(entries) => entries.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        _ => true,
    }
}

fn into_lines(comments: &Comments) -> Vec<String> {
    let mut lines = comments.before.clone();
    lines.extend(comments.trailing.clone());
    lines.extend(comments.after.clone());
    lines
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::read::{Content, Limits, read};
    use extsecret_manifest::source::{FileId, SourceFile};
    use extsecret_manifest::write::write;

    use super::*;

    fn node(text: &str) -> Node {
        let file = SourceFile::new("f", text);
        let document = read(FileId(0), &file, &Limits::default()).remove(0);
        match document.content {
            Content::Node(node) => node,
            _ => panic!("no document"),
        }
    }

    fn carry(old: &str, new: &str, moves: &[(&str, &[&str], bool)]) -> (String, usize) {
        let old = node(old);
        let mut to = Moves::of(&old);
        for (source, target, whole) in moves {
            to.add((*source).to_owned(), target, *whole, &[]);
        }
        let mut new = node(new);
        let strays = place(&mut new, collect(&old, &to));
        (write(&new), strays.len())
    }

    #[test]
    fn comments_follow_their_field() {
        let (text, strays) = carry(
            "# head\na: 1 # one\nb:\n# above\n- x\n- z # why\n",
            "p: 1\nq:\n- r: x\n- r: z\n",
            &[
                ("a", &["p"], false),
                ("b", &["q"], false),
                ("b[0]", &["q", "0"], false),
                ("b[1]", &["q", "1"], false),
            ],
        );
        assert_eq!(text, "# head\np: 1 # one\nq:\n# above\n- r: x\n- r: z # why\n");
        assert_eq!(strays, 0);
    }

    #[test]
    fn a_tree_takes_its_fields_along() {
        let (text, strays) = carry("m:\n  k: 1 # one\n", "t:\n  k: 1\n", &[("m", &["t"], true)]);
        assert_eq!(text, "t:\n  k: 1 # one\n");
        assert_eq!(strays, 0);
    }

    #[test]
    fn no_comment_is_lost_when_its_field_is() {
        let (text, strays) =
            carry("m:\n  gone: 1 # one\n# two\nalso: 2\n", "t: 1\n", &[("m", &["t"], true)]);
        assert!(text.contains("# one") && text.contains("# two"), "{text}");
        assert_eq!(strays, 2);
    }

    #[test]
    fn two_comments_for_one_line_both_stay() {
        let (text, _) = carry(
            "a: 1 # one\nb: 2 # two\n",
            "t: 1\n",
            &[("a", &["t"], false), ("b", &["t"], false)],
        );
        assert_eq!(text, "# two\nt: 1 # one\n");
    }
}
