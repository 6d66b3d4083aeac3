//! Execution: Go's `text/template` walk over the tree.
//!
//! Go reports an error at the node that it looked at last, not at the one that failed; the walk
//! here looks at the same nodes in the same order.

mod args;
mod builtins;
mod calls;
mod compare;
mod eval;
mod fields;
mod place;
#[cfg(test)]
mod tests;
mod walk;

use std::rc::Rc;

pub(crate) use calls::Callee;
use place::At;

use crate::ast::{Place, Tree};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Message};
use crate::fmt;
use crate::limits::{LimitExceeded, Limits};
use crate::template::Template;
use crate::value::{Element, List, MAX_NESTING, Map, Value};

/// How many steps pass between two looks at the clock.
const STEPS_PER_LOOK: u32 = 256;

/// Executes `template` on `data`.
pub(crate) fn execute(
    template: &Template,
    data: &Value,
    environment: &mut dyn Environment,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let tree = template.trees.get(template.name.as_bytes());
    let mut state = State {
        template,
        tree,
        at: At::Nowhere,
        variables: Vec::with_capacity(8),
        frame: 0,
        depth: 0,
        output: Vec::with_capacity(template.text.len()),
        environment,
        limits,
        steps_left: limits.steps,
        value_bytes_left: limits.value_bytes,
        until_look: STEPS_PER_LOOK,
    };
    let result = if let Some(tree) = tree {
        state.run(tree, &Slot::plain(own_copy(data, 0)))
    } else {
        let name = fmt::quote(template.name.as_bytes());
        Err(state.error(format!("{name} is an incomplete or empty template")))
    };
    match result {
        Ok(()) => Ok(state.output),
        Err(error) => Err(*error),
    }
}

/// What a step of the walk yields, or the error that ends it all.
type Outcome<T> = Result<T, Box<Error>>;

/// Go's `reflect.Value`: a value, and what is known about where it comes from.
#[derive(Clone)]
struct Slot {
    value: Value,
    /// Its static type is `interface {}`: an element of a `[]interface {}`, say. Go's errors name
    /// that type, until a pipeline takes the value out.
    boxed: bool,
    /// A constant of the template, and so no secret.
    literal: bool,
}

impl Slot {
    /// A value of its own type.
    const fn plain(value: Value) -> Self {
        Self { value, boxed: false, literal: false }
    }

    const fn literal(value: Value) -> Self {
        Self { value, boxed: false, literal: true }
    }

    /// An element of a container with this static type.
    const fn element(value: Value, element: Element) -> Self {
        Self { value, boxed: element.is_interface(), literal: false }
    }

    /// Go's zero `reflect.Value`.
    const fn absent() -> Self {
        Self::plain(Value::Absent)
    }

    /// Takes the value out of its interface; a nil interface leaves nothing.
    fn unboxed(mut self) -> Self {
        self.boxed = false;
        if matches!(self.value, Value::Nil) {
            self.value = Value::Absent;
        }
        self
    }

    /// Go's static type.
    fn type_name(&self) -> &'static str {
        if self.boxed || matches!(self.value, Value::Nil) {
            "interface {}"
        } else {
            self.value.type_name()
        }
    }
}

/// One execution.
struct State<'t> {
    template: &'t Template,
    /// The tree that is being executed.
    tree: Option<&'t Tree>,
    /// What was looked at last, for errors.
    at: At<'t>,
    /// The variables in scope, innermost last.
    variables: Vec<(&'t str, Slot)>,
    /// Where the variables of the current tree begin.
    frame: usize,
    depth: usize,
    output: Vec<u8>,
    environment: &'t mut dyn Environment,
    limits: &'t Limits,
    steps_left: u64,
    value_bytes_left: usize,
    until_look: u32,
}

#[expect(clippy::unnecessary_box_returns, reason = "an error is boxed in an outcome")]
impl<'t> State<'t> {
    fn run(&mut self, tree: &'t Tree, data: &Slot) -> Outcome<()> {
        self.variables.push(("$", data.clone()));
        self.list(data, &tree.root).map(drop)
    }

    /// Counts one step.
    fn step(&mut self) -> Outcome<()> {
        let Some(left) = self.steps_left.checked_sub(1) else {
            return Err(self.limit(LimitExceeded::Steps));
        };
        self.steps_left = left;
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = STEPS_PER_LOOK;
            if self.environment.expired() {
                return Err(self.limit(LimitExceeded::Deadline));
            }
        }
        Ok(())
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= self.limits.depth {
            return Err(self.limit(LimitExceeded::Depth));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        if bytes.len() > self.limits.output_bytes.saturating_sub(self.output.len()) {
            return Err(self.limit(LimitExceeded::Output));
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    /// An error at the last node, in Go's words.
    fn error(&self, text: impl Into<Message>) -> Box<Error> {
        self.failure(ErrorKind::Execute, text.into())
    }

    fn limit(&self, exceeded: LimitExceeded) -> Box<Error> {
        self.failure(ErrorKind::Limit(exceeded), exceeded.to_string().into())
    }

    /// Adds a part of the template's own text, which is secret if the template is.
    fn own_text(&self, message: Message, text: impl Into<Vec<u8>>) -> Message {
        if self.template.options.secret_text {
            return message.secret(text);
        }
        match String::from_utf8(text.into()) {
            Ok(text) => message.text(text),
            Err(error) => message.secret(error.into_bytes()),
        }
    }

    /// `before`, a part of the template's own text, `after`.
    fn with_own_text(&self, before: &str, text: impl Into<Vec<u8>>, after: &str) -> Message {
        self.own_text(before.into(), text).text(after)
    }

    fn failure(&self, kind: ErrorKind, text: Message) -> Box<Error> {
        let Template { name, text: source, .. } = self.template;
        let Some(pos) = self.at.pos() else {
            let message = Message::from(format!("template: {name}: ")).then(text);
            return Box::new(Error { kind, message, line: 0, column: None });
        };
        let place = Place::of(pos, source);
        let (parse_name, tree_name) =
            self.tree.map_or((name, name.as_bytes()), |tree| (&tree.parse_name, &tree.name));
        let mut message = Message::from(format!("template: {parse_name}:{place}: executing "));
        let quoted = fmt::quote(tree_name);
        message = if tree_name == name.as_bytes() {
            message.text(quoted)
        } else {
            self.own_text(message, quoted)
        };
        message = self.own_text(message.text(" at <"), self.at.source()).text(">: ").then(text);
        Box::new(Error { kind, message, line: place.line, column: Some(place.column) })
    }
}

/// The caller's data with maps of its own wherever a template could change one.
fn own_copy(value: &Value, depth: usize) -> Value {
    if depth > MAX_NESTING {
        return value.clone();
    }
    match value {
        Value::Map(map) if map.element.is_interface() => {
            let entries = map.entries.borrow();
            let copies =
                entries.iter().map(|(key, item)| (Rc::clone(key), own_copy(item, depth + 1)));
            let mut copy = Map::new(map.element, copies);
            copy.nil = map.nil;
            Value::Map(copy)
        }
        // `sortAlpha` sorts a list of strings in place.
        Value::List(list) => {
            let items = list.items();
            let mut copy =
                List::new(list.element, items.iter().map(|item| own_copy(item, depth + 1)));
            copy.nil = list.nil;
            Value::List(copy)
        }
        other => other.clone(),
    }
}
