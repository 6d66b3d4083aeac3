//! Calls of functions: the number of arguments, their types, and what comes back.

use std::rc::Rc;

use super::args::Parameter;
use super::builtins::{self, Builtin};
use super::{At, Outcome, Slot, State};
use crate::ast::{Arg, Source as _};
use crate::error::Message;
use crate::funcs::{self, Call, Failure, Function};
use crate::limits::LimitExceeded;
use crate::value::Value;

/// So many bytes of text count as a step.
const BYTES_OF_STEP: usize = 64;

/// Texts that are so long take a look at the clock.
const BYTES_OF_LOOK: usize = 16 << 10;

/// What the name of a function stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Callee {
    /// One of Go's own.
    Builtin(Builtin),
    /// One of the others, which come first: sprig has a `slice` of its own.
    Registered(&'static Function),
}

impl Callee {
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let registered = funcs::lookup(name).map(Self::Registered);
        registered.or_else(|| Builtin::named(name).map(Self::Builtin))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Builtin(builtin) => builtin.name(),
            Self::Registered(function) => function.name,
        }
    }
}

/// The parameters of a function.
struct Signature<'f> {
    fixed: &'f [Parameter],
    rest: Option<Parameter>,
}

impl<'t> State<'t> {
    /// Calls a function. `node` is where Go says that the function failed.
    pub(super) fn function(
        &mut self,
        dot: &Slot,
        callee: Callee,
        node: At<'t>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let builtin = match callee {
            Callee::Builtin(builtin) => builtin,
            Callee::Registered(function) => {
                return self.registered(dot, None, function, node, args, last);
            }
        };
        let name = builtin.name();
        let (fixed, rest) = builtin.signature();
        let signature = Signature { fixed, rest };
        self.check_count(name, &signature, args.len(), last.is_some())?;
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.short_circuit(dot, builtin == Builtin::Or, args, last);
        }
        let literal = self.all_literal(args, last.as_ref());
        let callee = match (builtin, args.first(), &last) {
            (Builtin::Call, Some(arg), _) => self.own_text(Message::new(), arg.source()),
            (Builtin::Call, None, Some(last)) => builtins::callee(&last.value),
            _ => Message::new(),
        };
        let values = self.arguments(dot, &signature, args, last)?;
        let mut call = self.call(literal);
        let result = builtins::run(builtin, &mut call, callee, values);
        self.result(name, node, result)
    }

    /// Calls a method of `receiver`.
    pub(super) fn method(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        method: &Function,
        node: At<'t>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        self.registered(dot, Some(receiver), method, node, args, last)
    }

    fn registered(
        &mut self,
        dot: &Slot,
        receiver: Option<&Slot>,
        function: &Function,
        node: At<'t>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let mut fixed = [Parameter::Raw; MOST_PARAMETERS];
        for (parameter, kind) in fixed.iter_mut().zip(function.parameters) {
            *parameter = Parameter::Typed(*kind);
        }
        let signature = Signature {
            fixed: fixed.get(..function.parameters.len()).unwrap_or_default(),
            rest: function.variadic.map(Parameter::Typed),
        };
        self.check_count(function.name, &signature, args.len(), last.is_some())?;
        let literal = receiver.is_none() && self.all_literal(args, last.as_ref());
        let mut values = self.arguments(dot, &signature, args, last)?;
        if let Some(receiver) = receiver {
            values.insert(0, receiver.value.clone());
        }
        let before = self.value_bytes_left;
        let mut call = self.call(literal);
        let result = (function.run)(&mut call, &values);
        drop(values);
        if let Ok(value) = &result {
            // What the function has not asked for itself.
            let asked = before - self.value_bytes_left.min(before);
            let missing = fresh_bytes(value).saturating_sub(asked);
            let Some(left) = self.value_bytes_left.checked_sub(missing) else {
                self.at = node;
                return Err(self.limit(LimitExceeded::Values));
            };
            self.value_bytes_left = left;
        }
        self.result(function.name, node, result)
    }

    fn call(&mut self, literal: bool) -> Call<'_> {
        Call {
            environment: self.environment,
            literal,
            value_bytes_left: &mut self.value_bytes_left,
            steps_left: &mut self.steps_left,
        }
    }

    fn result(
        &mut self,
        name: &str,
        node: At<'t>,
        result: Result<Value, Failure>,
    ) -> Outcome<Slot> {
        match result {
            Ok(value) => Ok(Slot { boxed: matches!(value, Value::Nil), value, literal: false }),
            Err(failure) => {
                self.at = node;
                Err(match failure {
                    Failure::Error(message) => {
                        self.error(Message::from(format!("error calling {name}: ")).then(message))
                    }
                    Failure::Limit(exceeded) => self.limit(exceeded),
                })
            }
        }
    }

    fn check_count(
        &self,
        name: &str,
        signature: &Signature<'_>,
        args: usize,
        has_last: bool,
    ) -> Outcome<()> {
        let count = args + usize::from(has_last);
        let wanted = signature.fixed.len();
        if signature.rest.is_some() {
            if count < wanted {
                return Err(self.error(format!(
                    "wrong number of args for {name}: want at least {wanted} got {args}"
                )));
            }
        } else if count != wanted {
            return Err(
                self.error(format!("wrong number of args for {name}: want {wanted} got {count}"))
            );
        }
        Ok(())
    }

    fn arguments(
        &mut self,
        dot: &Slot,
        signature: &Signature<'_>,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Vec<Value>> {
        let parameter = |index: usize| {
            signature.fixed.get(index).copied().or(signature.rest).unwrap_or(Parameter::Raw)
        };
        let mut values = Vec::with_capacity(args.len() + usize::from(last.is_some()));
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, parameter(index), arg)?);
        }
        if let Some(last) = last {
            values.push(self.checked(last, parameter(args.len()))?);
        }
        self.count_texts(&values)?;
        Ok(values)
    }

    /// Counts steps for long texts: a function looks at all of a text, and one that makes nothing
    /// of it would cost nothing otherwise.
    fn count_texts(&mut self, values: &[Value]) -> Outcome<()> {
        let bytes = values.iter().fold(0_usize, |bytes, value| match value {
            Value::String(text) => bytes.saturating_add(text.len()),
            _ => bytes,
        });
        let Some(left) = self.steps_left.checked_sub((bytes / BYTES_OF_STEP) as u64) else {
            return Err(self.limit(LimitExceeded::Steps));
        };
        self.steps_left = left;
        if bytes >= BYTES_OF_LOOK && self.environment.expired() {
            return Err(self.limit(LimitExceeded::Deadline));
        }
        Ok(())
    }

    /// `and` and `or` evaluate only as many arguments as they need.
    fn short_circuit(
        &mut self,
        dot: &Slot,
        wanted: bool,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let mut value = Value::Absent;
        for arg in args {
            value = self.argument(dot, Parameter::Raw, arg)?;
            if value.truth() == wanted {
                return Ok(Slot { boxed: matches!(value, Value::Nil), value, literal: false });
            }
        }
        if let Some(last) = last {
            value = last.value;
        }
        Ok(Slot { boxed: matches!(value, Value::Nil), value, literal: false })
    }

    /// Whether all arguments stand in the template, for everyone to read.
    fn all_literal(&self, args: &[Arg], last: Option<&Slot>) -> bool {
        let constant = |arg: &Arg| {
            matches!(arg, Arg::Bool { .. } | Arg::Number(_) | Arg::String { .. } | Arg::Nil { .. })
        };
        !self.template.options.secret_text
            && args.iter().all(constant)
            && last.is_none_or(|last| last.literal)
    }
}

/// No function has more fixed parameters.
const MOST_PARAMETERS: usize = 8;

/// The bytes that were allocated for this value alone, one level deep.
fn fresh_bytes(value: &Value) -> usize {
    match value {
        Value::String(bytes) if Rc::strong_count(bytes) == 1 => bytes.len(),
        Value::List(list) => {
            let items = list.items();
            items.iter().map(|item| size_of::<Value>() + string_bytes(item)).sum()
        }
        Value::Map(map) if Rc::strong_count(&map.entries) == 1 => {
            let entries = map.entries.borrow();
            entries.iter().map(|(key, item)| ENTRY + key.len() + string_bytes(item)).sum()
        }
        _ => 0,
    }
}

/// The bytes of a map's entry beside its key and value.
const ENTRY: usize = 2 * size_of::<Value>();

fn string_bytes(value: &Value) -> usize {
    match value {
        Value::String(bytes) if Rc::strong_count(bytes) == 1 => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_few_parameters() {
        for name in funcs::names() {
            let function = funcs::lookup(name).map(|f| f.parameters.len());
            assert!(function.is_some_and(|count| count <= MOST_PARAMETERS), "{name}");
        }
    }
}
