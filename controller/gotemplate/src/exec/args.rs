//! Operands as arguments: their values, checked against the type of a parameter.

use super::{At, Outcome, Slot, State};
use crate::ast::{Arg, Number, Source as _};
use crate::funcs::Type;
use crate::value::{Element, IntType, List, Map, UintType, Value};

/// A parameter of a function.
#[derive(Clone, Copy)]
pub(super) enum Parameter {
    /// Go's `reflect.Value`, as its built-in functions have it: anything, even nothing.
    Raw,
    Typed(Type),
}

impl Parameter {
    const fn type_name(self) -> &'static str {
        match self {
            Self::Raw => "reflect.Value",
            Self::Typed(kind) => match kind {
                Type::Any => "interface {}",
                Type::Bool => "bool",
                Type::Int => "int",
                Type::Uint32 => "uint32",
                Type::Float64 => "float64",
                Type::String => "string",
                Type::AnyList => "[]interface {}",
                Type::Dict => "map[string]interface {}",
                Type::Time => "time.Time",
                Type::Certificate => "sprig.certificate",
                Type::Duration => "time.Duration",
                Type::Version => "*semver.Version",
                Type::HashAlgorithm => "sprig.HashAlgorithm",
            },
        }
    }

    /// What an untyped nil becomes; `None` when the type has none.
    fn nil(self) -> Option<Value> {
        match self {
            Self::Raw => Some(Value::Absent),
            Self::Typed(Type::Any | Type::Version) => Some(Value::Nil),
            Self::Typed(Type::AnyList) => Some(Value::List(List::nil(Element::Any))),
            Self::Typed(Type::Dict) => {
                let mut map = Map::new(Element::Any, []);
                map.nil = true;
                Some(Value::Map(map))
            }
            Self::Typed(_) => None,
        }
    }

    fn accepts(self, value: &Value) -> bool {
        let Self::Typed(kind) = self else { return true };
        match kind {
            Type::Any => true,
            Type::Bool => matches!(value, Value::Bool(_)),
            Type::Int => matches!(value, Value::Int(_, IntType::Int)),
            Type::Uint32 => matches!(value, Value::Uint(_, UintType::Uint32)),
            Type::Float64 => matches!(value, Value::Float(_)),
            Type::String => matches!(value, Value::String(_)),
            Type::AnyList => matches!(value, Value::List(list) if list.element == Element::Any),
            Type::Dict => matches!(value, Value::Map(map) if map.element == Element::Any),
            Type::Time => matches!(value, Value::Time(_)),
            Type::Duration => matches!(value, Value::Duration(_)),
            Type::Certificate | Type::Version => value.type_name() == self.type_name(),
            // No value of a template has this type.
            Type::HashAlgorithm => false,
        }
    }
}

impl<'t> State<'t> {
    /// A value for a parameter, or Go's complaint about its type.
    pub(super) fn checked(&self, slot: Slot, parameter: Parameter) -> Outcome<Value> {
        if matches!(slot.value, Value::Absent) {
            return parameter.nil().ok_or_else(|| {
                self.error(format!("invalid value; expected {}", parameter.type_name()))
            });
        }
        if parameter.accepts(&slot.value) {
            return Ok(slot.value);
        }
        let got = match &slot.value {
            Value::Nil => "interface {}",
            value => value.type_name(),
        };
        let expected = parameter.type_name();
        Err(self.error(format!("wrong type for value; expected {expected}; got {got}")))
    }

    /// An operand that is not a constant, whatever its type.
    pub(super) fn operand(&mut self, dot: &Slot, arg: &'t Arg) -> Outcome<Slot> {
        self.step()?;
        self.at = At::Arg(arg);
        match arg {
            Arg::Dot { .. } => Ok(dot.clone()),
            Arg::Field { idents, .. } => self.fields(dot, dot.clone(), arg, idents, &[], None),
            Arg::Variable(variable) => self.variable(dot, arg, variable, &[], None),
            Arg::Pipe(pipe) => self.inner_pipeline(dot, pipe),
            Arg::Identifier { callee, .. } => self.function(dot, *callee, At::Arg(arg), &[], None),
            Arg::Chain { node, fields, .. } => self.chain(dot, arg, node, fields, &[], None),
            Arg::Nil { .. } => Ok(Slot::absent()),
            Arg::Bool { value, .. } => Ok(Slot::literal(Value::Bool(*value))),
            Arg::Number(number) => self.constant(number),
            Arg::String { text, .. } => Ok(Slot::literal(Value::string(text))),
        }
    }

    /// An operand as an argument for `parameter`.
    pub(super) fn argument(
        &mut self,
        dot: &Slot,
        parameter: Parameter,
        arg: &'t Arg,
    ) -> Outcome<Value> {
        let kind = match (arg, parameter) {
            (Arg::Nil { .. }, _) => {
                self.at = At::Arg(arg);
                return parameter.nil().ok_or_else(|| {
                    self.error(format!("cannot assign nil to {}", parameter.type_name()))
                });
            }
            (
                Arg::Bool { .. } | Arg::Number(_) | Arg::String { .. },
                Parameter::Typed(
                    kind @ (Type::Bool
                    | Type::Int
                    | Type::Uint32
                    | Type::Float64
                    | Type::String
                    | Type::AnyList
                    | Type::Dict
                    | Type::Time
                    | Type::Duration
                    | Type::Version
                    | Type::Certificate
                    | Type::HashAlgorithm),
                ),
            ) => kind,
            _ => {
                let slot = self.operand(dot, arg)?;
                return self.checked(slot, parameter);
            }
        };
        self.step()?;
        self.at = At::Arg(arg);
        let expected = match (kind, arg) {
            (Type::Bool, Arg::Bool { value, .. }) => return Ok(Value::Bool(*value)),
            (Type::String | Type::HashAlgorithm, Arg::String { text, .. }) => {
                return Ok(Value::string(text));
            }
            (Type::Int, Arg::Number(Number { int: Some(int), .. })) => {
                return Ok(Value::int(*int));
            }
            (Type::Duration, Arg::Number(Number { int: Some(int), .. })) => {
                return Ok(Value::Duration(*int));
            }
            (Type::Uint32, Arg::Number(Number { uint: Some(uint), .. })) => {
                return Ok(Value::Uint(*uint & u64::from(u32::MAX), UintType::Uint32));
            }
            (Type::Float64, Arg::Number(Number { float: Some(float), .. })) => {
                return Ok(Value::Float(*float));
            }
            (Type::Bool, _) => "expected bool; found ",
            (Type::String | Type::HashAlgorithm, _) => "expected string; found ",
            (Type::Int | Type::Duration, _) => "expected integer; found ",
            (Type::Uint32, _) => "expected unsigned integer; found ",
            (Type::Float64, _) => "expected float; found ",
            _ => {
                let after = format!(" for arg of type {}", parameter.type_name());
                return Err(self.error(self.with_own_text("can't handle ", arg.source(), &after)));
            }
        };
        Err(self.error(self.with_own_text(expected, arg.source(), "")))
    }
}
