//! `.a.b`: entries of maps, fields and methods.

use super::{At, Outcome, Slot, State};
use crate::ast::Arg;
use crate::error::Message;
use crate::fmt;
use crate::funcs;
use crate::template::MissingKey;
use crate::value::{Map, Value};

impl<'t> State<'t> {
    /// Follows a chain of names from `receiver`. Only the last may be a method with arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Slot,
        mut receiver: Slot,
        node: &'t Arg,
        names: &'t [String],
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let Some((method, names)) = names.split_last() else { return Ok(receiver) };
        for name in names {
            receiver = self.field(dot, &receiver, node, name, &[], None)?;
        }
        self.field(dot, &receiver, node, method, args, last)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        node: &'t Arg,
        name: &'t str,
        args: &'t [Arg],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let count = args.len() + usize::from(last.is_some());
        let has_args = count > 0;
        if let Some(method) = funcs::method(&receiver.value, name) {
            return self.method(dot, receiver, method, At::Arg(node), args, last);
        }
        if let Some(reason) = funcs::unusable(&receiver.value, name) {
            let is_method = name.starts_with(|first: char| first.is_ascii_uppercase());
            if is_method && has_args {
                return self.too_many(name, count);
            }
            // Go names the type that it sees, which may be an interface's.
            let reason = match reason.strip_suffix(receiver.value.type_name()) {
                Some(before) if !is_method => format!("{before}{}", receiver.type_name()),
                _ => reason,
            };
            return Err(self.error(reason));
        }
        match &receiver.value {
            Value::Absent => self.no_entry("nil data; no entry for key ", name),
            Value::Nil => {
                let before = format!("nil pointer evaluating {}.", receiver.type_name());
                Err(self.error(self.with_own_text(&before, name, "")))
            }
            Value::Map(map) => self.entry(map, name, has_args),
            Value::Object(object) => match object.member(name) {
                Some(_) if has_args && object.kind() == "struct" => {
                    let after = " has arguments but cannot be invoked as function";
                    Err(self.error(self.with_own_text("", name, after)))
                }
                Some(_) if has_args => self.too_many(name, count),
                Some(result) => self.member_result(node, name, result),
                None => self.no_field(name, receiver),
            },
            _ => self.no_field(name, receiver),
        }
    }

    /// A method without parameters that was given some.
    fn too_many(&self, name: &str, count: usize) -> Outcome<Slot> {
        Err(self.error(format!("wrong number of args for {name}: want 0 got {count}")))
    }

    fn entry(&self, map: &Map, name: &str, has_args: bool) -> Outcome<Slot> {
        if has_args {
            let message = self.with_own_text("", name, " is not a method but has arguments");
            return Err(self.error(message));
        }
        match map.entries.borrow().get(name.as_bytes()) {
            Some(value) => Ok(Slot::element(value.clone(), map.element)),
            None => self.no_entry("map has no entry for key ", name),
        }
    }

    /// What a missing key means is the template's choice.
    fn no_entry(&self, complaint: &str, name: &str) -> Outcome<Slot> {
        match self.template.options.missing_key {
            MissingKey::Invalid => Ok(Slot::absent()),
            MissingKey::Error => {
                let key = fmt::quote(name.as_bytes());
                Err(self.error(self.with_own_text(complaint, key, "")))
            }
        }
    }

    fn no_field(&self, name: &str, receiver: &Slot) -> Outcome<Slot> {
        let after = format!(" in type {}", receiver.type_name());
        Err(self.error(self.with_own_text("can't evaluate field ", name, &after)))
    }

    fn member_result(
        &mut self,
        node: &'t Arg,
        name: &str,
        result: Result<Value, Message>,
    ) -> Outcome<Slot> {
        result.map(Slot::plain).map_err(|message| {
            self.at = At::Arg(node);
            self.error(Message::from(format!("error calling {name}: ")).then(message))
        })
    }
}
