//! Pipelines, commands and operands.

use super::walk::variable_name;
use super::{At, Outcome, Slot, State};
use crate::ast::{Arg, Command, Number, Pipe, Source as _, Variable};
use crate::value::Value;

impl<'t> State<'t> {
    /// The value of a pipeline. Variables that it declares stay on the stack.
    pub(super) fn pipeline(&mut self, dot: &Slot, pipe: &'t Pipe) -> Outcome<Slot> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or_else(Slot::absent);
        for variable in &pipe.decl {
            let name = variable_name(variable);
            if pipe.assign {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// A pipeline in parentheses.
    pub(super) fn inner_pipeline(&mut self, dot: &Slot, pipe: &'t Pipe) -> Outcome<Slot> {
        self.deeper(|state| state.pipeline(dot, pipe))
    }

    /// `last` is what the command before it in the pipeline yielded.
    fn command(&mut self, dot: &Slot, command: &'t Command, last: Option<Slot>) -> Outcome<Slot> {
        self.step()?;
        let Some((first, rest)) = command.args.split_first() else {
            return Err(self.error("empty command"));
        };
        match first {
            Arg::Field { idents, .. } => {
                self.at = At::Arg(first);
                return self.fields(dot, dot.clone(), first, idents, rest, last);
            }
            Arg::Chain { node, fields, .. } => {
                return self.chain(dot, first, node, fields, rest, last);
            }
            Arg::Identifier { callee, .. } => {
                self.at = At::Arg(first);
                return self.function(dot, *callee, At::Command(command), rest, last);
            }
            Arg::Pipe(pipe) => {
                self.not_a_function(first, rest, last.as_ref())?;
                return self.inner_pipeline(dot, pipe);
            }
            Arg::Variable(variable) => {
                return self.variable(dot, first, variable, rest, last);
            }
            _ => {}
        }
        self.at = At::Arg(first);
        self.not_a_function(first, rest, last.as_ref())?;
        match first {
            Arg::Bool { value, .. } => Ok(Slot::literal(Value::Bool(*value))),
            Arg::Dot { .. } => Ok(dot.clone()),
            Arg::Nil { .. } => Err(self.error("nil is not a command")),
            Arg::Number(number) => self.constant(number),
            Arg::String { text, .. } => Ok(Slot::literal(Value::string(text))),
            _ => {
                let text = crate::fmt::quote(&first.source());
                Err(self.error(self.with_own_text("can't evaluate command ", text, "")))
            }
        }
    }

    fn not_a_function(&self, first: &Arg, rest: &[Arg], last: Option<&Slot>) -> Outcome<()> {
        if rest.is_empty() && last.is_none() {
            return Ok(());
        }
        let text = first.source();
        Err(self.error(self.with_own_text("can't give argument to non-function ", text, "")))
    }

    /// A number where no type is asked for: the way it is written decides.
    pub(super) fn constant(&self, number: &Number) -> Outcome<Slot> {
        let text = number.text.as_slice();
        let has = |wanted: &[u8]| text.iter().any(|byte| wanted.contains(byte));
        let hexadecimal = matches!(text, [b'0', b'x' | b'X', _, ..]) && !has(b"pP");
        let looks_like_float = !hexadecimal && !text.starts_with(b"'") && has(b".eEpP");
        Ok(match number {
            Number { float: Some(float), .. } if looks_like_float => {
                Slot::literal(Value::Float(*float))
            }
            Number { int: Some(int), .. } => Slot::literal(Value::int(*int)),
            Number { uint: Some(_), .. } => {
                return Err(self.error(self.with_own_text("", text, " overflows int")));
            }
            _ => Slot::absent(),
        })
    }

    /// `(pipe).field`
    pub(super) fn chain(
        &mut self,
        dot: &Slot,
        chain: &'t Arg,
        node: &'t Arg,
        fields: &'t [String],
        rest: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        self.at = At::Arg(chain);
        if matches!(node, Arg::Nil { .. }) {
            let text = chain.source();
            let message = self.with_own_text("indirection through explicit nil in ", text, "");
            return Err(self.error(message));
        }
        let receiver = self.operand(dot, node)?;
        self.fields(dot, receiver, chain, fields, rest, last)
    }

    /// `$x` or `$x.field`
    pub(super) fn variable(
        &mut self,
        dot: &Slot,
        node: &'t Arg,
        variable: &'t Variable,
        rest: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        self.at = At::Arg(node);
        let name = variable_name(variable);
        let scope = self.variables.get(self.frame..).unwrap_or_default();
        let found = scope.iter().rev().find(|(known, _)| *known == name);
        let Some((_, value)) = found else {
            return self.undefined(name);
        };
        let value = value.clone();
        match variable.idents.get(1..) {
            None | Some([]) => {
                self.not_a_function(node, rest, last.as_ref())?;
                Ok(value)
            }
            Some(fields) => self.fields(dot, value, node, fields, rest, last),
        }
    }

    pub(super) fn assign(&mut self, name: &'t str, value: Slot) -> Outcome<()> {
        let scope = self.variables.get_mut(self.frame..).unwrap_or_default();
        match scope.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.undefined(name),
        }
    }

    fn undefined<T>(&self, name: &str) -> Outcome<T> {
        Err(self.error(self.with_own_text("undefined variable: ", name, "")))
    }
}
