//! What JavaScript makes of a template, by the translator's own intermediate form.
//!
//! This walks the tree of a translated template and computes the text that lodash would have
//! rendered. It is no JavaScript engine: there are no functions, prototypes or globals in the
//! tree, and every walk has a budget of steps and of output.

mod call;
mod encode;
mod method;
mod operator;
mod regex;
mod yaml_dump;
mod yaml_load;

use std::rc::Rc;

use super::js::{Js, Object, Stop, Text, utf16};
use crate::lodash::ir::{
    Binding, Each, Expr, ExprKind, Function, Program, Stmt, StmtKind, VariableId,
};

/// Steps of one template: expressions, turns of loops, and units of text that are made.
const MAX_STEPS: usize = 4_000_000;
/// Units of text that one template may render. A Secret holds 1 MiB.
const MAX_OUTPUT: usize = 2 << 20;
/// Nesting of statements and expressions that is followed.
const MAX_DEPTH: usize = 200;

/// The text that `program` renders on `data`.
pub(super) fn render(program: &Program, data: &Js) -> Result<Text, Stop> {
    let mut evaluator = Evaluator {
        data,
        variables: vec![Js::Undefined; program.variables.len()],
        out: Vec::new(),
        steps: MAX_STEPS,
        depth: 0,
    };
    match evaluator.block(&program.body) {
        Ok(_) => Ok(evaluator.out.into()),
        Err(Halt::Stop(stop)) => Err(stop),
        // Only a chain makes it, and every chain ends it.
        Err(Halt::Short) => Err(Stop::Unmodelled("a chain without its end")),
    }
}

/// Why evaluation of an expression ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    Stop(Stop),
    /// A `?.` found null or undefined.
    Short,
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

const fn throws(what: &'static str) -> Halt {
    Halt::Stop(Stop::Throws(what))
}

const fn unmodelled(what: &'static str) -> Halt {
    Halt::Stop(Stop::Unmodelled(what))
}

/// How a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Continue,
    Break,
}

struct Evaluator<'a> {
    data: &'a Js,
    variables: Vec<Js>,
    out: Vec<u16>,
    steps: usize,
    depth: usize,
}

impl Evaluator<'_> {
    /// Takes steps off the budget.
    fn spend(&mut self, steps: usize) -> Result<(), Halt> {
        self.steps = self.steps.checked_sub(steps).ok_or(Halt::Stop(Stop::TooMuch))?;
        Ok(())
    }

    /// A new string, paid for.
    fn string(&mut self, text: Vec<u16>) -> Result<Js, Halt> {
        self.spend(text.len())?;
        Ok(Js::String(text.into()))
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Halt>) -> Result<T, Halt> {
        if self.depth >= MAX_DEPTH {
            return Err(Halt::Stop(Stop::TooMuch));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn block(&mut self, body: &[Stmt]) -> Result<Flow, Halt> {
        self.deeper(|this| {
            for statement in body {
                let flow = this.statement(statement)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }

    fn statement(&mut self, statement: &Stmt) -> Result<Flow, Halt> {
        self.spend(1)?;
        match &statement.kind {
            StmtKind::Text(text) => {
                self.out.extend(text.encode_utf16());
                self.printed(text.len())?;
            }
            StmtKind::Print(value) => {
                let value = self.expr(value)?;
                if !value.is_nullish() {
                    let before = self.out.len();
                    value.write(&mut self.out);
                    self.printed(self.out.len().saturating_sub(before))?;
                }
            }
            StmtKind::PrintEscaped(value) => {
                let value = self.expr(value)?;
                let escaped = call::escape(&value);
                self.out.extend_from_slice(&escaped);
                self.printed(escaped.len())?;
            }
            StmtKind::Let { variable, value } => {
                let value = match value {
                    Some(value) => self.expr(value)?,
                    None => Js::Undefined,
                };
                self.set(*variable, value);
            }
            StmtKind::Assign { variable, value } => {
                let value = self.expr(value)?;
                self.set(*variable, value);
            }
            StmtKind::Push { variable, value } => {
                let value = self.expr(value)?;
                match self.variables.get_mut(variable.0) {
                    Some(Js::Array(items)) => Rc::make_mut(items).push(value),
                    _ => return Err(throws("push is called on what is no array")),
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                let branch = if self.expr(condition)?.truthy() { then } else { otherwise };
                return self.block(branch);
            }
            StmtKind::ForEach { list, method, item, index, body } => {
                let list = self.expr(list)?;
                let items = self.iterated(&list, !method)?;
                let mut position = 0.0;
                for element in items {
                    self.spend(1)?;
                    self.bind(item, &element)?;
                    if let Some(index) = index {
                        self.set(*index, Js::Number(position));
                    }
                    position += 1.0;
                    if self.block(body)? == Flow::Break {
                        break;
                    }
                }
            }
            StmtKind::ForIn { object, key, body } => {
                let object = self.expr(object)?;
                let keys = if object.is_nullish() { Vec::new() } else { call::keys(&object)? };
                for name in keys {
                    self.spend(1)?;
                    self.set(*key, Js::String(name));
                    if self.block(body)? == Flow::Break {
                        break;
                    }
                }
            }
            StmtKind::Count { variable, from, to, inclusive, body } => {
                let (from, to) = (self.expr(from)?, self.expr(to)?);
                let Js::Number(mut at) = from else {
                    return Err(unmodelled("a loop that counts from what is no number"));
                };
                let to = operator::to_number(&to);
                while at < to || (*inclusive && at <= to) {
                    self.spend(1)?;
                    self.set(*variable, Js::Number(at));
                    if self.block(body)? == Flow::Break {
                        break;
                    }
                    at += 1.0;
                }
            }
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Discard(value) => {
                self.expr(value)?;
            }
        }
        Ok(Flow::Next)
    }

    fn printed(&mut self, units: usize) -> Result<(), Halt> {
        if self.out.len() > MAX_OUTPUT {
            return Err(Halt::Stop(Stop::TooMuch));
        }
        self.spend(units)
    }

    fn set(&mut self, variable: VariableId, value: Js) {
        if let Some(place) = self.variables.get_mut(variable.0) {
            *place = value;
        }
    }

    /// The elements that a loop or a pattern takes one by one.
    fn iterated(&mut self, list: &Js, strings: bool) -> Result<Vec<Js>, Halt> {
        let items = match list {
            Js::Array(items) => items.to_vec(),
            Js::String(text) if strings => call::code_points(text),
            _ => return Err(throws("what is looped over is no list")),
        };
        self.spend(items.len())?;
        Ok(items)
    }

    fn bind(&mut self, binding: &Binding, element: &Js) -> Result<(), Halt> {
        match binding {
            Binding::None => {}
            Binding::One(variable) => self.set(*variable, element.clone()),
            Binding::Elements(variables) => {
                let items = self.iterated(element, true)?;
                for (i, variable) in variables.iter().enumerate() {
                    if let Some(variable) = variable {
                        self.set(*variable, items.get(i).cloned().unwrap_or(Js::Undefined));
                    }
                }
            }
            Binding::Members(members) => {
                for (name, variable) in members {
                    let value = element.member(&utf16(name))?;
                    self.set(*variable, value);
                }
            }
        }
        Ok(())
    }

    fn expr(&mut self, expr: &Expr) -> Result<Js, Halt> {
        self.spend(1)?;
        self.deeper(|this| this.kind(&expr.kind))
    }

    fn kind(&mut self, kind: &ExprKind) -> Result<Js, Halt> {
        Ok(match kind {
            ExprKind::Undefined => Js::Undefined,
            ExprKind::Null => Js::Null,
            ExprKind::Bool(b) => Js::Bool(*b),
            ExprKind::Number(n) => Js::Number(*n),
            ExprKind::Text(text) => Js::text(text),
            ExprKind::Concat(parts) => {
                let mut out = Vec::new();
                for part in parts {
                    self.expr(part)?.write(&mut out);
                    self.spend(out.len() / 8)?;
                }
                self.string(out)?
            }
            ExprKind::List(items) => {
                let items: Result<Vec<Js>, Halt> = items.iter().map(|it| self.expr(it)).collect();
                Js::Array(Rc::new(items?))
            }
            ExprKind::Object(members) => {
                let mut object = Object::default();
                for (name, value) in members {
                    let name = utf16(name);
                    call::settable(&name)?;
                    object.set(name, self.expr(value)?);
                }
                Js::Object(Rc::new(object))
            }
            ExprKind::Data => self.data.clone(),
            ExprKind::Variable(variable) => {
                self.variables.get(variable.0).cloned().unwrap_or(Js::Undefined)
            }
            ExprKind::Member { object, key, optional } => {
                let object = self.receiver(object, *optional)?;
                object.member(&utf16(key))?
            }
            ExprKind::Index { object, index, optional } => {
                let object = self.receiver(object, *optional)?;
                let index = self.expr(index)?.to_text();
                object.member(&index)?
            }
            ExprKind::Chain(inner) => match self.expr(inner) {
                Err(Halt::Short) => Js::Undefined,
                other => other?,
            },
            ExprKind::Unary { operator, operand } => {
                let operand = self.expr(operand)?;
                operator::unary(*operator, &operand)
            }
            ExprKind::Binary { operator, left, right } => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                let result = operator::binary(*operator, &left, &right)?;
                if let Js::String(text) = &result {
                    self.spend(text.len())?;
                }
                result
            }
            ExprKind::Logical { operator, left, right } => {
                let left = self.expr(left)?;
                if operator::needs_right(*operator, &left) { self.expr(right)? } else { left }
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                let branch = if self.expr(condition)?.truthy() { then } else { otherwise };
                self.expr(branch)?
            }
            ExprKind::Call { function, arguments } => self.call(*function, arguments)?,
            ExprKind::Recode { value, from, to } => {
                let bytes = match self.expr(value)? {
                    Js::String(text) => encode::read(&text, *from)?,
                    // Elements are bytes; what is no number is zero.
                    Js::Array(items) => items.iter().map(operator::to_byte).collect(),
                    _ => return Err(throws("a Buffer is made of what is no string")),
                };
                let text = encode::write(&bytes, *to);
                self.string(text)?
            }
            ExprKind::Method { method, receiver, arguments, optional } => {
                method::call(self, *method, receiver, arguments, *optional)?
            }
            ExprKind::Each { method, receiver, item, index, result, optional } => {
                let receiver = self.receiver(receiver, *optional)?;
                let Js::Array(items) = receiver else {
                    return Err(throws("a method of arrays is called on what is none"));
                };
                self.each(*method, &items, item, *index, result)?
            }
            ExprKind::Regex(_) => return Err(unmodelled("a regular expression as a value")),
        })
    }

    /// What a member is taken of.
    fn receiver(&mut self, object: &Expr, optional: bool) -> Result<Js, Halt> {
        let object = self.expr(object)?;
        if optional && object.is_nullish() { Err(Halt::Short) } else { Ok(object) }
    }

    fn each(
        &mut self,
        method: Each,
        items: &[Js],
        item: &Binding,
        index: Option<VariableId>,
        result: &Expr,
    ) -> Result<Js, Halt> {
        let mut out = Vec::new();
        let mut position = 0.0;
        for element in items {
            self.spend(1)?;
            self.bind(item, element)?;
            if let Some(index) = index {
                self.set(index, Js::Number(position));
            }
            position += 1.0;
            let value = self.expr(result)?;
            match method {
                Each::Map => out.push(value),
                Each::FlatMap => match value {
                    Js::Array(inner) => out.extend(inner.iter().cloned()),
                    other => out.push(other),
                },
                Each::Filter if value.truthy() => out.push(element.clone()),
                Each::Find if value.truthy() => return Ok(element.clone()),
                Each::Some if value.truthy() => return Ok(Js::Bool(true)),
                Each::Every if !value.truthy() => return Ok(Js::Bool(false)),
                Each::Filter | Each::Find | Each::Some | Each::Every => {}
            }
        }
        Ok(match method {
            Each::Map | Each::FlatMap | Each::Filter => Js::Array(Rc::new(out)),
            Each::Find => Js::Undefined,
            Each::Some => Js::Bool(false),
            Each::Every => Js::Bool(true),
        })
    }

    fn call(&mut self, function: Function, arguments: &[Expr]) -> Result<Js, Halt> {
        let arguments: Vec<Js> =
            arguments.iter().map(|argument| self.expr(argument)).collect::<Result<_, _>>()?;
        // What a function makes is of the size of what it is given, a few times over.
        for argument in &arguments {
            if let Js::String(text) = argument {
                self.spend(text.len())?;
            }
        }
        let result = call::function(function, &arguments)?;
        if let Js::String(text) = &result {
            self.spend(text.len())?;
        }
        Ok(result)
    }
}

pub(super) use encode::base64;

/// The values of a Secret as a template sees them: bytes of which the highest bit is lost.
pub(super) fn data<'d>(values: impl IntoIterator<Item = (&'d str, &'d [u8])>) -> Js {
    let mut object = Object::default();
    for (key, bytes) in values {
        let text: Vec<u16> = bytes.iter().map(|byte| u16::from(byte & 0x7f)).collect();
        object.set(utf16(key), Js::String(text.into()));
    }
    Js::Object(Rc::new(object))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
