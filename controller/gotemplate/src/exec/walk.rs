//! The nodes of a template: text, actions, control structures, calls of other templates.

use std::rc::Rc;

use super::{At, Outcome, Slot, State};
use crate::ast::{Branch, Node, Pipe};
use crate::error::Message;
use crate::fmt;
use crate::limits::LimitExceeded;
use crate::value::{Element, Value};

/// Whether a list of nodes came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> State<'t> {
    pub(super) fn list(&mut self, dot: &Slot, nodes: &'t [Node]) -> Outcome<Flow> {
        for node in nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Slot, node: &'t Node) -> Outcome<Flow> {
        self.step()?;
        self.at = At::Node(node);
        match node {
            Node::Text { text, .. } => self.write(text)?,
            Node::Action { pipe, .. } => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.at = At::Node(node);
                    self.print(&value.value)?;
                }
            }
            Node::If(branch) => return self.condition(dot, branch, false),
            Node::With(branch) => return self.condition(dot, branch, true),
            Node::Range(branch) => {
                let mark = self.variables.len();
                let flow = self.deeper(|state| state.range(dot, branch));
                self.variables.truncate(mark);
                return flow;
            }
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
            Node::Template { name, pipe, .. } => self.call_template(dot, name, pipe.as_ref())?,
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value) -> Outcome<()> {
        match value {
            Value::Nil | Value::Absent => self.write(b"<no value>"),
            Value::String(bytes) => self.write(bytes),
            other => fmt::print_to(&mut self.output, self.limits.output_bytes, other)
                .map_err(|exceeded| self.limit(exceeded)),
        }
    }

    /// `if` and `with`. A chain of `else if` is as deep as its first.
    fn condition(&mut self, dot: &Slot, branch: &'t Branch, with: bool) -> Outcome<Flow> {
        let mark = self.variables.len();
        let flow = self.deeper(|state| state.condition_chain(dot, branch, with));
        self.variables.truncate(mark);
        flow
    }

    fn condition_chain(
        &mut self,
        dot: &Slot,
        mut branch: &'t Branch,
        mut with: bool,
    ) -> Outcome<Flow> {
        loop {
            let value = self.pipeline(dot, &branch.pipe)?;
            if value.value.truth() {
                return self.list(if with { &value } else { dot }, &branch.list);
            }
            let Some(otherwise) = &branch.else_list else { return Ok(Flow::Next) };
            (branch, with) = match otherwise.as_slice() {
                [node @ Node::If(next)] => {
                    self.step()?;
                    self.at = At::Node(node);
                    (next, false)
                }
                [node @ Node::With(next)] => {
                    self.step()?;
                    self.at = At::Node(node);
                    (next, true)
                }
                nodes => return self.list(dot, nodes),
            };
        }
    }

    fn range(&mut self, dot: &Slot, branch: &'t Branch) -> Outcome<Flow> {
        let value = self.pipeline(dot, &branch.pipe)?.value;
        let ran = match &value {
            Value::Int(count, kind) => {
                self.count(branch, &value, *count, |number| Value::Int(number, *kind))?
            }
            Value::Duration(count) => self.count(branch, &value, *count, Value::Duration)?,
            Value::Uint(count, kind) => {
                let limit = i64::try_from(*count).unwrap_or(i64::MAX);
                self.count(branch, &value, limit, |number| {
                    Value::Uint(number.cast_unsigned(), *kind)
                })?
            }
            Value::List(list) => {
                for index in 0..list.len() {
                    let Some(item) = list.get(index) else { break };
                    let number = Value::Int(
                        i64::try_from(index).unwrap_or(i64::MAX),
                        crate::value::IntType::Int,
                    );
                    let item = Slot::element(item, list.element);
                    if self.iteration(branch, Slot::plain(number), &item)? {
                        break;
                    }
                }
                !list.is_empty()
            }
            Value::Map(map) => {
                // What the body changes in the map is not seen by the loop.
                let entries: Vec<_> = map
                    .entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| (Rc::clone(key), value.clone()))
                    .collect();
                let ran = !entries.is_empty();
                for (key, item) in entries {
                    let key = Slot::element(Value::String(key), Element::String);
                    if self.iteration(branch, key, &Slot::element(item, map.element))? {
                        break;
                    }
                }
                ran
            }
            Value::Nil | Value::Absent => false,
            other => {
                let shown = self.shown(other);
                return Err(self.error(Message::from("range can't iterate over ").secret(shown)));
            }
        };
        match &branch.else_list {
            // A break in here ends this loop, and a continue the one around it.
            Some(otherwise) if !ran => match self.list(dot, otherwise)? {
                Flow::Break => Ok(Flow::Next),
                flow => Ok(flow),
            },
            _ => Ok(Flow::Next),
        }
    }

    /// `range` over a number. Whether there was any iteration.
    fn count(
        &mut self,
        branch: &'t Branch,
        value: &Value,
        count: i64,
        element: impl Fn(i64) -> Value,
    ) -> Outcome<bool> {
        if branch.pipe.decl.len() > 1 {
            let shown = self.shown(value);
            let message = Message::from("can't use ").secret(shown);
            return Err(self.error(message.text(" to iterate over more than one variable")));
        }
        for number in 0..count {
            if self.iteration(branch, Slot::absent(), &Slot::plain(element(number)))? {
                break;
            }
        }
        Ok(count > 0)
    }

    /// One round of a loop. Whether it was the last.
    fn iteration(&mut self, branch: &'t Branch, index: Slot, item: &Slot) -> Outcome<bool> {
        self.step()?;
        let mark = self.variables.len();
        let pipe: &'t Pipe = &branch.pipe;
        match (pipe.decl.as_slice(), pipe.assign) {
            ([], _) => {}
            ([only], true) => self.assign(variable_name(only), item.clone())?,
            ([first, second, ..], true) => {
                self.assign(variable_name(first), index)?;
                self.assign(variable_name(second), item.clone())?;
            }
            ([_], false) => self.set_from_top(1, item.clone()),
            ([_, _, ..], false) => {
                self.set_from_top(1, item.clone());
                self.set_from_top(2, index);
            }
        }
        let flow = self.list(item, &branch.list)?;
        self.variables.truncate(mark);
        Ok(flow == Flow::Break)
    }

    fn set_from_top(&mut self, place: usize, value: Slot) {
        let index = self.variables.len().checked_sub(place);
        if let Some((_, slot)) = index.and_then(|index| self.variables.get_mut(index)) {
            *slot = value;
        }
    }

    fn call_template(&mut self, dot: &Slot, name: &'t [u8], pipe: Option<&'t Pipe>) -> Outcome<()> {
        let Some(tree) = self.template.trees.get(name) else {
            let name = fmt::quote(name);
            return Err(self.error(self.with_own_text("template ", name, " not defined")));
        };
        if self.depth >= self.limits.depth {
            return Err(self.limit(LimitExceeded::Depth));
        }
        // Variables that the pipeline declares stay.
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Slot::absent(),
        };
        let caller = self.tree.replace(tree);
        let frame = std::mem::replace(&mut self.frame, self.variables.len());
        self.variables.push(("$", dot.clone()));
        self.deeper(|state| state.list(&dot, &tree.root))?;
        self.variables.truncate(self.frame);
        self.frame = frame;
        self.tree = caller;
        Ok(())
    }

    /// What `%v` prints, for an error message.
    pub(super) fn shown(&self, value: &Value) -> Vec<u8> {
        let mut text = Vec::new();
        match fmt::print_to(&mut text, self.limits.output_bytes, value) {
            Ok(()) => text,
            Err(_) => b"...".to_vec(),
        }
    }
}

pub(super) fn variable_name(variable: &crate::ast::Variable) -> &str {
    variable.idents.first().map_or("", String::as_str)
}
