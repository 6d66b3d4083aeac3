//! Functions on truth, types and equality.

use super::arguments::{any, bool, text};
use super::{Call, Failure, Function, Type};
use crate::value::{Value, deep_equal};

use Type::{Any, Bool, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("all", &[], Any, all),
    Function::variadic("any", &[], Any, some),
    Function::variadic("coalesce", &[], Any, coalesce),
    Function::new("deepEqual", &[Any, Any], equal),
    Function::variadic("default", &[Any], Any, default),
    Function::new("empty", &[Any], empty),
    Function::new("kindIs", &[String, Any], kind_is),
    Function::new("kindOf", &[Any], kind_of),
    Function::new("ternary", &[Any, Any, Bool], ternary),
    Function::new("typeIs", &[String, Any], type_is),
    Function::new("typeIsLike", &[String, Any], type_is_like),
    Function::new("typeOf", &[Any], type_of),
];

fn default(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let given = any(arguments, 1);
    Ok(if given.truth() { given } else { any(arguments, 0) }.clone())
}

fn empty(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(!any(arguments, 0).truth()))
}

fn coalesce(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(arguments.iter().find(|value| value.truth()).cloned().unwrap_or_default())
}

fn all(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(arguments.iter().all(Value::truth)))
}

fn some(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(arguments.iter().any(Value::truth)))
}

fn ternary(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(any(arguments, usize::from(!bool(arguments, 2))).clone())
}

fn type_of(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::string(any(arguments, 0).type_name()))
}

fn type_is(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let name = any(arguments, 1).type_name();
    Ok(Value::Bool(text(arguments, 0) == name.as_bytes()))
}

/// Takes the name of a type for that of a pointer to it too.
fn type_is_like(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let name = any(arguments, 1).type_name().as_bytes();
    let wanted = text(arguments, 0);
    Ok(Value::Bool(wanted == name || name.strip_prefix(b"*") == Some(wanted)))
}

fn kind_of(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::string(any(arguments, 0).kind_name()))
}

fn kind_is(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(text(arguments, 0) == any(arguments, 1).kind_name().as_bytes()))
}

fn equal(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    deep_equal(call, any(arguments, 0), any(arguments, 1)).map(Value::Bool)
}
