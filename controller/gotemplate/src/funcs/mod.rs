//! The functions that a template may call: one file for each group, and the list of all.

#![expect(clippy::unnecessary_wraps, reason = "all functions have the type `Run`")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::environment::Environment;
use crate::error::Message;
use crate::limits::LimitExceeded;
use crate::value::Value;

mod arguments;
mod certs;
mod crypto;
pub(crate) mod date;
mod dicts;
mod encoding;
mod json;
mod jwk;
mod lists;
mod logic;
mod math;
mod path;
mod pkcs12;
mod regex;
mod semver;
mod strings;
mod url;
mod yaml;

/// All groups. The names of Go's built-in functions are not here: the executor knows them.
const GROUPS: &[&[Function]] = &[
    certs::FUNCTIONS,
    crypto::FUNCTIONS,
    date::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    logic::FUNCTIONS,
    jwk::FUNCTIONS,
    math::FUNCTIONS,
    path::FUNCTIONS,
    pkcs12::FUNCTIONS,
    regex::FUNCTIONS,
    semver::FUNCTIONS,
    strings::FUNCTIONS,
    url::FUNCTIONS,
    yaml::FUNCTIONS,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Function>> =
    LazyLock::new(|| GROUPS.iter().copied().flatten().map(|f| (f.name, f)).collect());

/// The function of this name.
pub(crate) fn lookup(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The method of this name. Its first argument is the receiver, which its parameters leave out.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods = match receiver {
        Value::Time(_) => date::TIME_METHODS,
        Value::Duration(_) => date::DURATION_METHODS,
        Value::Object(_) if semver::is_version(receiver) => semver::METHODS,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

/// Why a template cannot use this field or method that the Go type has.
pub(crate) fn unusable(receiver: &Value, name: &str) -> Option<String> {
    match receiver {
        Value::Time(_) => date::unusable(name),
        Value::Object(_) => semver::unusable(receiver, name),
        _ => None,
    }
}

/// The names of all functions beside Go's built-in ones, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied()
}

/// A function with its Go signature, by which the executor checks and converts arguments before
/// it calls: `run` finds as many as the signature says, each of its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Type],
    /// The type of any number of further arguments.
    pub(crate) variadic: Option<Type>,
    pub(crate) run: Run,
}

pub(crate) type Run = fn(&mut Call<'_>, &[Value]) -> Result<Value, Failure>;

impl Function {
    /// A function with fixed parameters.
    pub(crate) const fn new(name: &'static str, parameters: &'static [Type], run: Run) -> Self {
        Self { name, parameters, variadic: None, run }
    }

    /// A function that takes any number of further arguments.
    pub(crate) const fn variadic(
        name: &'static str,
        parameters: &'static [Type],
        rest: Type,
        run: Run,
    ) -> Self {
        Self { name, parameters, variadic: Some(rest), run }
    }
}

/// The static type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// `interface {}`; `Value::Nil` and `Value::Absent` arrive as `Value::Nil`.
    Any,
    Bool,
    Int,
    Uint32,
    Float64,
    String,
    /// `[]interface {}`
    AnyList,
    /// `map[string]interface {}`
    Dict,
    /// `time.Time`
    Time,
    /// `time.Duration`, for which a literal number may stand.
    Duration,
    /// `*semver.Version`; a nil one arrives as `Value::Nil`.
    Version,
    /// The certificate struct of the `gen*Cert` functions.
    Certificate,
    /// `sprig.HashAlgorithm`, a named string: Go converts literals to it, but no other string.
    HashAlgorithm,
}

/// What a function may use while it runs.
pub(crate) struct Call<'a> {
    pub(crate) environment: &'a mut dyn Environment,
    /// Whether every argument is a literal of the template, and so no secret.
    pub(crate) literal: bool,
    pub(crate) value_bytes_left: &'a mut usize,
    pub(crate) steps_left: &'a mut u64,
}

impl Call<'_> {
    /// To be called before `bytes` are allocated whose number the template decides.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Failure> {
        let left = self.value_bytes_left.checked_sub(bytes);
        *self.value_bytes_left = left.ok_or(Failure::Limit(LimitExceeded::Values))?;
        Ok(())
    }

    /// To be called for work that grows with the input, `steps` being its size in elements.
    pub(crate) fn work(&mut self, steps: usize) -> Result<(), Failure> {
        let left = self.steps_left.checked_sub(steps as u64);
        *self.steps_left = left.ok_or(Failure::Limit(LimitExceeded::Steps))?;
        if self.environment.expired() {
            return Err(Failure::Limit(LimitExceeded::Deadline));
        }
        Ok(())
    }
}

/// Why a function has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The function's error, as Go words it behind `error calling NAME: `.
    Error(Message),
    /// A limit.
    Limit(LimitExceeded),
}

impl From<Message> for Failure {
    fn from(message: Message) -> Self {
        Self::Error(message)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Error(text.into())
    }
}
