//! The functions for regular expressions.

use super::arguments::{int, made, made_strings, shown, text};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::fmt::{can_backquote, quote};
use crate::limits::LimitExceeded;
use crate::regexp::{Regexp, TooLong, quote_meta};
use crate::value::{Element, List, Value};

const TWO: &[Type] = &[Type::String, Type::String];
const THREE: &[Type] = &[Type::String, Type::String, Type::String];
const COUNTED: &[Type] = &[Type::String, Type::String, Type::Int];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("mustRegexFind", TWO, |call, arguments| find(call, arguments, false)),
    Function::new("mustRegexFindAll", COUNTED, |call, arguments| find_all(call, arguments, false)),
    Function::new("mustRegexMatch", TWO, |call, arguments| {
        let regexp = compile(call, text(arguments, 0), false)?;
        is_match(call, &regexp, arguments)
    }),
    Function::new("mustRegexReplaceAll", THREE, |call, arguments| {
        replace_all(call, arguments, false)
    }),
    Function::new("mustRegexReplaceAllLiteral", THREE, |call, arguments| {
        replace_all_literal(call, arguments, false)
    }),
    Function::new("mustRegexSplit", COUNTED, |call, arguments| split(call, arguments, false)),
    Function::new("regexFind", TWO, |call, arguments| find(call, arguments, true)),
    Function::new("regexFindAll", COUNTED, |call, arguments| find_all(call, arguments, true)),
    Function::new("regexMatch", TWO, |call, arguments| {
        // A wrong pattern matches nothing.
        match compile(call, text(arguments, 0), false) {
            Ok(regexp) => is_match(call, &regexp, arguments),
            Err(Failure::Error(_)) => Ok(Value::Bool(false)),
            Err(limit) => Err(limit),
        }
    }),
    Function::new("regexQuoteMeta", &[Type::String], |call, arguments| {
        made(call, quote_meta(text(arguments, 0)))
    }),
    Function::new("regexReplaceAll", THREE, |call, arguments| replace_all(call, arguments, true)),
    Function::new("regexReplaceAllLiteral", THREE, |call, arguments| {
        replace_all_literal(call, arguments, true)
    }),
    Function::new("regexSplit", COUNTED, |call, arguments| split(call, arguments, true)),
];

/// Steps for a pattern's size: a compilation is dear, some microseconds for each kilobyte.
const BYTES_PER_STEP: usize = 256;

/// Compiles a pattern. `panics`: in Go the function panics, with one more prefix.
fn compile(call: &mut Call<'_>, pattern: &[u8], panics: bool) -> Result<Regexp, Failure> {
    call.work(pattern.len() / 8)?;
    match Regexp::new(pattern) {
        Ok(regexp) => {
            call.work(regexp.size() / BYTES_PER_STEP)?;
            Ok(regexp)
        }
        Err(error) => {
            let message = error.message(!call.literal);
            if !panics {
                return Err(message.into());
            }
            let start = Message::new().text("regexp: Compile(");
            let quoted = if can_backquote(pattern) {
                let message = shown(call, start.text("`"), pattern);
                message.text("`")
            } else {
                shown(call, start, quote(pattern))
            };
            Err(quoted.text("): ").then(message).into())
        }
    }
}

/// Counts a search: in the worst case every state of the automaton is looked at for each byte.
fn search(call: &mut Call<'_>, regexp: &Regexp, subject: &[u8]) -> Result<(), Failure> {
    let states = regexp.size() / 32;
    call.work(subject.len().saturating_mul(states) / 4096)
}

fn is_match(call: &mut Call<'_>, regexp: &Regexp, arguments: &[Value]) -> Result<Value, Failure> {
    let subject = text(arguments, 1);
    search(call, regexp, subject)?;
    Ok(Value::Bool(regexp.is_match(subject)))
}

fn find(call: &mut Call<'_>, arguments: &[Value], panics: bool) -> Result<Value, Failure> {
    let regexp = compile(call, text(arguments, 0), panics)?;
    let subject = text(arguments, 1);
    search(call, &regexp, subject)?;
    made(call, regexp.find(subject).unwrap_or_default())
}

fn find_all(call: &mut Call<'_>, arguments: &[Value], panics: bool) -> Result<Value, Failure> {
    let regexp = compile(call, text(arguments, 0), panics)?;
    let subject = text(arguments, 1);
    search(call, &regexp, subject)?;
    parts(call, regexp.find_all(subject, int(arguments, 2)))
}

fn split(call: &mut Call<'_>, arguments: &[Value], panics: bool) -> Result<Value, Failure> {
    let regexp = compile(call, text(arguments, 0), panics)?;
    let subject = text(arguments, 1);
    search(call, &regexp, subject)?;
    parts(call, regexp.split(subject, int(arguments, 2)))
}

fn parts(call: &mut Call<'_>, parts: Option<Vec<&[u8]>>) -> Result<Value, Failure> {
    match parts {
        Some(parts) => made_strings(call, parts),
        None => Ok(Value::List(List::nil(Element::String))),
    }
}

fn replace_all(call: &mut Call<'_>, arguments: &[Value], panics: bool) -> Result<Value, Failure> {
    let regexp = compile(call, text(arguments, 0), panics)?;
    let subject = text(arguments, 1);
    search(call, &regexp, subject)?;
    let limit = *call.value_bytes_left;
    replaced(call, regexp.replace_all(subject, text(arguments, 2), limit))
}

fn replace_all_literal(
    call: &mut Call<'_>,
    arguments: &[Value],
    panics: bool,
) -> Result<Value, Failure> {
    let regexp = compile(call, text(arguments, 0), panics)?;
    let subject = text(arguments, 1);
    search(call, &regexp, subject)?;
    let limit = *call.value_bytes_left;
    replaced(call, regexp.replace_all_literal(subject, text(arguments, 2), limit))
}

fn replaced(call: &mut Call<'_>, result: Result<Vec<u8>, TooLong>) -> Result<Value, Failure> {
    match result {
        Ok(text) => made(call, text),
        Err(TooLong) => Err(Failure::Limit(LimitExceeded::Values)),
    }
}
