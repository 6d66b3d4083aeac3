//! Calls of functions and methods.

use oxc_ast::ast::{self, Argument, ArrowFunctionBody, Expression, Statement};
use oxc_span::GetSpan;

use super::Reader;
use super::bindings::{Declared, is_fresh};
use super::names;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binding, Encoding, Expr, ExprKind, Function, Method, VariableId};

/// The parameters of a function that a method is given.
pub(super) struct Parameters {
    pub(super) item: Binding,
    pub(super) index: Option<VariableId>,
}

impl Reader<'_> {
    pub(super) fn call(&mut self, call: &ast::CallExpression<'_>) -> Result<ExprKind, Refusal> {
        if call.optional {
            return self.refuse(call.span, "an optional call");
        }
        match call.callee.without_parentheses() {
            Expression::Identifier(name) if self.resolve(&name.name).is_some() => {
                self.failed(call.span, "a call of what is no function")
            }
            Expression::Identifier(name) => self.global_call(call, name),
            Expression::StaticMemberExpression(member) => {
                self.member_call(call, &member.object, &member.property.name, member.optional)
            }
            Expression::ComputedMemberExpression(member) => match &member.expression {
                Expression::StringLiteral(name) => {
                    self.member_call(call, &member.object, &name.value, member.optional)
                }
                _ => self.refuse(call.span, "a method with a computed name"),
            },
            _ => self.refuse(call.span, "a call of a computed function"),
        }
    }

    fn global_call(
        &mut self,
        call: &ast::CallExpression<'_>,
        name: &ast::IdentifierReference<'_>,
    ) -> Result<ExprKind, Refusal> {
        let recode = match name.name.as_str() {
            "btoa" => Some((Encoding::Latin1, Encoding::Base64)),
            "atob" => Some((Encoding::Base64, Encoding::Latin1)),
            "print" => return self.refuse(call.span, "`print` inside an expression"),
            "require" => return self.failed(call.span, "`require`"),
            _ => None,
        };
        if let Some((from, to)) = recode {
            let value = Box::new(self.only_argument(call)?);
            return Ok(ExprKind::Recode { value, from, to });
        }
        if let Some(function) = names::function(None, &name.name) {
            return self.function(call, function);
        }
        match names::global(&name.name) {
            Some(known) => self.refuse(name.span, known),
            None => self.failed(name.span, "a name that nothing defines"),
        }
    }

    /// The name of an object of functions, when nothing hides it.
    fn namespace<'e>(&self, object: &'e Expression<'_>) -> Option<&'e str> {
        match object.without_parentheses() {
            Expression::Identifier(it) => {
                let name = it.name.as_str();
                (names::is_namespace(name) && self.resolve(name).is_none()).then_some(name)
            }
            _ => None,
        }
    }

    fn member_call(
        &mut self,
        call: &ast::CallExpression<'_>,
        object: &Expression<'_>,
        name: &str,
        optional: bool,
    ) -> Result<ExprKind, Refusal> {
        if let Some(namespace) = self.namespace(object) {
            if let Some(function) = names::function(Some(namespace), name) {
                return self.function(call, function);
            }
            return match namespace {
                "Buffer" => self.refuse(call.span, "a Buffer that is not written with `toString`"),
                "_" => self.failed(call.span, "a function of lodash other than `escape`"),
                _ => self.refuse(call.span, "a function that has no counterpart"),
            };
        }
        if name == "toString"
            && let Some(recode) = self.recode(call, object)?
        {
            return Ok(recode);
        }
        if let Some(each) = names::each(name) {
            let receiver = self.boxed(object)?;
            let [function] = call.arguments.as_slice() else {
                return self.refuse(call.span, "a method of lists without one function");
            };
            if let Argument::Identifier(name) = function
                && let "Boolean" | "String" | "Number" = name.name.as_str()
                && let Some(known) = names::function(None, &name.name)
                && self.resolve(&name.name).is_none()
            {
                let id = self.unnamed();
                let span = self.span(name.span);
                let element = Expr { kind: ExprKind::Variable(id), span };
                let result = Box::new(Expr {
                    kind: ExprKind::Call { function: known, arguments: vec![element] },
                    span,
                });
                let item = Binding::One(id);
                return Ok(ExprKind::Each {
                    method: each,
                    receiver,
                    item,
                    index: None,
                    result,
                    optional,
                });
            }
            return self.scoped(true, |reader| {
                let (parameters, result) = reader.function_of_expression(function)?;
                Ok(ExprKind::Each {
                    method: each,
                    receiver,
                    item: parameters.item,
                    index: parameters.index,
                    result: Box::new(result),
                    optional,
                })
            });
        }
        if names::global(name).is_none() && names::method(name).is_none() {
            let known = matches!(
                name,
                "forEach"
                    | "reduce"
                    | "reduceRight"
                    | "findIndex"
                    | "push"
                    | "unshift"
                    | "splice"
                    | "fill"
                    | "flat"
                    | "matchAll"
                    | "search"
                    | "normalize"
                    | "localeCompare"
                    | "codePointAt"
                    | "call"
                    | "apply"
                    | "bind"
                    | "exec"
                    | "source"
            );
            return if known {
                self.refuse(call.span, format!("the method `{name}` in this place"))
            } else {
                self.refuse(call.span, "a method that has no counterpart")
            };
        }
        let Some(method) = names::method(name) else {
            return self.refuse(call.span, "a method that has no counterpart");
        };
        let receiver = self.boxed(object)?;
        let mut arguments = self.arguments(call)?;
        self.check_method(call, method, &receiver, &arguments)?;
        if matches!(receiver.kind, ExprKind::Regex(_)) && method != Method::Test {
            return self.refuse(call.span, "a method of a regular expression");
        }
        if method == Method::Concat {
            for argument in &arguments {
                self.share(argument);
            }
        }
        if method == Method::Slice && arguments.is_empty() {
            arguments.push(Expr { kind: ExprKind::Number(0.0), span: self.span(call.span) });
        }
        Ok(ExprKind::Method { method, receiver, arguments, optional })
    }

    fn check_method(
        &self,
        call: &ast::CallExpression<'_>,
        method: Method,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<(), Refusal> {
        let regexes = arguments.iter().filter(|it| matches!(it.kind, ExprKind::Regex(_))).count();
        let first_is_regex =
            arguments.first().is_some_and(|it| matches!(it.kind, ExprKind::Regex(_)));
        let takes_regex =
            matches!(method, Method::Replace | Method::ReplaceAll | Method::Split | Method::Match);
        if regexes > usize::from(first_is_regex && takes_regex) {
            return self.refuse(call.span, "a regular expression in this place");
        }
        match method {
            Method::Pop | Method::Shift | Method::Reverse | Method::Sort if !is_fresh(receiver) => {
                self.refuse(call.span, "a method that changes a list")
            }
            Method::Sort if !arguments.is_empty() => {
                self.refuse(call.span, "an order that is computed")
            }
            Method::ToString if !arguments.is_empty() => {
                self.refuse(call.span, "`toString` with an argument")
            }
            Method::Test if !matches!(receiver.kind, ExprKind::Regex(_)) => {
                self.refuse(call.span, "`test` of what is no regular expression")
            }
            Method::Test if matches!(&receiver.kind, ExprKind::Regex(regex) if regex.global) => {
                self.refuse(call.span, "a regular expression with a state")
            }
            _ => Ok(()),
        }
    }

    /// `Buffer.from(E, from).toString(to)`, also with the old `new Buffer`.
    fn recode(
        &mut self,
        call: &ast::CallExpression<'_>,
        object: &Expression<'_>,
    ) -> Result<Option<ExprKind>, Refusal> {
        let Some((value, from)) = self.buffer(object)? else { return Ok(None) };
        let to = match call.arguments.as_slice() {
            [] => Encoding::Utf8,
            [to] => self.encoding(Some(to))?,
            _ => return self.refuse(call.span, "a part of a Buffer"),
        };
        Ok(Some(ExprKind::Recode { value: Box::new(value), from, to }))
    }

    /// The text of a new Buffer, and how it is read.
    fn buffer(&mut self, object: &Expression<'_>) -> Result<Option<(Expr, Encoding)>, Refusal> {
        let span = object.span();
        let arguments = match object.without_parentheses() {
            Expression::CallExpression(inner) => match inner.callee.without_parentheses() {
                Expression::StaticMemberExpression(member)
                    if member.property.name == "from"
                        && self.namespace(&member.object) == Some("Buffer") =>
                {
                    &inner.arguments
                }
                _ => return Ok(None),
            },
            Expression::NewExpression(inner) if self.namespace(&inner.callee) == Some("Buffer") => {
                &inner.arguments
            }
            _ => return Ok(None),
        };
        let (value, from) = match arguments.as_slice() {
            [value] => (value, None),
            [value, from] => (value, Some(from)),
            _ => return self.refuse(span, "a Buffer from something else"),
        };
        let Some(value) = value.as_expression() else {
            return self.refuse(span, "a spread argument");
        };
        let from = self.encoding(from)?;
        let value = self.expression(value)?;
        if matches!(value.kind, ExprKind::List(_) | ExprKind::Object(_) | ExprKind::Number(_)) {
            return self.refuse(span, "a Buffer from something else than a string");
        }
        Ok(Some((value, from)))
    }

    /// A Buffer that is printed as it is: its bytes read as UTF-8.
    pub(super) fn printed_buffer(
        &mut self,
        value: &Expression<'_>,
    ) -> Result<Option<Expr>, Refusal> {
        let Some((given, from)) = self.buffer(value)? else { return Ok(None) };
        let span = self.span(value.span());
        let value = Box::new(given);
        Ok(Some(Expr { kind: ExprKind::Recode { value, from, to: Encoding::Utf8 }, span }))
    }

    fn encoding(&self, argument: Option<&Argument<'_>>) -> Result<Encoding, Refusal> {
        match argument {
            None => Ok(Encoding::Utf8),
            Some(Argument::StringLiteral(name)) => match names::encoding(&name.value) {
                Some(encoding) => Ok(encoding),
                None => self.refuse(name.span, "an encoding that has no counterpart"),
            },
            Some(Argument::Identifier(name)) if name.name == "undefined" => Ok(Encoding::Utf8),
            Some(other) => self.refuse(other.span(), "an encoding that is computed"),
        }
    }

    fn function(
        &mut self,
        call: &ast::CallExpression<'_>,
        function: Function,
    ) -> Result<ExprKind, Refusal> {
        let mut arguments = self.arguments(call)?;
        if arguments.iter().any(|it| matches!(it.kind, ExprKind::Regex(_))) {
            return self.refuse(call.span, "a regular expression in this place");
        }
        let allowed = match function {
            Function::JsonStringify => {
                let replacer = arguments.get(1).is_none_or(|replacer| {
                    matches!(replacer.kind, ExprKind::Null | ExprKind::Undefined)
                });
                replacer && (1..=3).contains(&arguments.len())
            }
            Function::ParseInt => (1..=2).contains(&arguments.len()),
            Function::Assign => {
                arguments.iter().skip(1).for_each(|argument| self.share(argument));
                arguments.first().is_some_and(|first| {
                    matches!(first.kind, ExprKind::Object(_)) || is_fresh(first)
                })
            }
            Function::FromEntries => {
                for argument in &arguments {
                    self.share(argument);
                }
                arguments.len() == 1
            }
            // What they take besides is ignored, as by JavaScript.
            Function::String
            | Function::Number
            | Function::Boolean
            | Function::EncodeUriComponent
            | Function::EncodeUri
            | Function::DecodeUriComponent
            | Function::ParseFloat
            | Function::IsArray
            | Function::Keys
            | Function::Values
            | Function::Entries
            | Function::Escape => {
                arguments.truncate(1);
                arguments.len() == 1
            }
            Function::JsonParse | Function::YamlDump | Function::YamlLoad => arguments.len() == 1,
        };
        if allowed {
            Ok(ExprKind::Call { function, arguments })
        } else {
            self.refuse(call.span, "a function with these arguments")
        }
    }

    fn only_argument(&mut self, call: &ast::CallExpression<'_>) -> Result<Expr, Refusal> {
        let mut arguments = self.arguments(call)?;
        match (arguments.pop(), arguments.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => self.refuse(call.span, "a function with these arguments"),
        }
    }

    pub(super) fn arguments(
        &mut self,
        call: &ast::CallExpression<'_>,
    ) -> Result<Vec<Expr>, Refusal> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            match argument.as_expression() {
                Some(argument) => arguments.push(self.expression(argument)?),
                None => return self.refuse(argument.span(), "a spread argument"),
            }
        }
        Ok(arguments)
    }

    /// A function whose result is one expression.
    fn function_of_expression(
        &mut self,
        function: &Argument<'_>,
    ) -> Result<(Parameters, Expr), Refusal> {
        let span = function.span();
        match function {
            Argument::ArrowFunctionExpression(arrow) if !arrow.r#async => {
                let parameters = self.parameters(&arrow.params)?;
                match &arrow.body {
                    ArrowFunctionBody::FunctionBody(body) => {
                        let result = self.returned(&body.statements, span)?;
                        Ok((parameters, result))
                    }
                    other => match other.as_expression() {
                        Some(result) => Ok((parameters, self.expression(result)?)),
                        None => self.refuse(span, "a function"),
                    },
                }
            }
            Argument::FunctionExpression(it) if !it.r#async && !it.generator => {
                let parameters = self.parameters(&it.params)?;
                let statements = it.body.as_ref().map(|body| body.statements.as_slice());
                let result = self.returned(statements.unwrap_or_default(), span)?;
                Ok((parameters, result))
            }
            _ => self.refuse(span, "a function that is not written in place"),
        }
    }

    fn returned(
        &mut self,
        statements: &[Statement<'_>],
        span: oxc_span::Span,
    ) -> Result<Expr, Refusal> {
        match statements {
            [Statement::ReturnStatement(it)] => match &it.argument {
                Some(result) => self.expression(result),
                None => Ok(Expr { kind: ExprKind::Undefined, span: self.span(it.span) }),
            },
            _ => self.refuse(span, "a function of more than one expression"),
        }
    }

    pub(super) fn parameters(
        &mut self,
        parameters: &ast::FormalParameters<'_>,
    ) -> Result<Parameters, Refusal> {
        if let Some(rest) = &parameters.rest {
            return self.refuse(rest.span, "a rest parameter");
        }
        let mut item = Binding::None;
        let mut index = None;
        for (i, parameter) in parameters.items.iter().enumerate() {
            if parameter.initializer.is_some() {
                return self.refuse(parameter.span, "a default value of a parameter");
            }
            let binding = self.binding(&parameter.pattern, Declared::Parameter)?;
            match (i, binding) {
                (0, binding) => item = binding,
                (1, Binding::One(id)) => index = Some(id),
                _ => return self.refuse(parameter.span, "a third parameter"),
            }
        }
        Ok(Parameters { item, index })
    }
}
