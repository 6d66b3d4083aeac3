//! Expressions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use oxc_ast::ast::{
    self, ArrayExpressionElement, ChainElement, Expression, MemberExpression, ObjectPropertyKind,
    PropertyKey, PropertyKind,
};
use oxc_span::GetSpan;
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};

use super::Reader;
use super::names::{self, is_inherited};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind, Function, Logical, Regex, Unary};

/// The largest number that is an index of an array for certain.
const MAX_INDEX: f64 = 1_000_000_000.0;

impl Reader<'_> {
    pub(super) fn expression(&mut self, given: &Expression<'_>) -> Result<Expr, Refusal> {
        let span = given.span();
        let kind = self.deeper(span, |reader| reader.kind(given))?;
        Ok(Expr { kind, span: self.span(span) })
    }

    pub(super) fn boxed(&mut self, given: &Expression<'_>) -> Result<Box<Expr>, Refusal> {
        self.expression(given).map(Box::new)
    }

    fn kind(&mut self, given: &Expression<'_>) -> Result<ExprKind, Refusal> {
        let span = given.span();
        let refused = match given {
            Expression::BooleanLiteral(it) => return Ok(ExprKind::Bool(it.value)),
            Expression::NullLiteral(_) => return Ok(ExprKind::Null),
            Expression::NumericLiteral(it) => return Ok(ExprKind::Number(it.value)),
            Expression::StringLiteral(it) => {
                if it.lone_surrogates {
                    return self.refuse(span, "a string with half a character");
                }
                return Ok(ExprKind::Text(it.value.to_string()));
            }
            Expression::TemplateLiteral(it) => return self.concat(it),
            Expression::RegExpLiteral(it) => return self.regex(it),
            Expression::Identifier(it) => return self.identifier(it),
            Expression::ArrayExpression(it) => return self.list(it),
            Expression::ObjectExpression(it) => return self.object(it),
            Expression::ParenthesizedExpression(it) => {
                return self.expression(&it.expression).map(|inner| inner.kind);
            }
            Expression::UnaryExpression(it) => return self.unary(it),
            Expression::BinaryExpression(it) => return self.binary(it),
            Expression::LogicalExpression(it) => {
                let operator = match it.operator {
                    LogicalOperator::And => Logical::And,
                    LogicalOperator::Or => Logical::Or,
                    LogicalOperator::Coalesce => Logical::Coalesce,
                };
                let (left, right) = (self.boxed(&it.left)?, self.boxed(&it.right)?);
                return Ok(ExprKind::Logical { operator, left, right });
            }
            Expression::ConditionalExpression(it) => {
                return Ok(ExprKind::Conditional {
                    condition: self.boxed(&it.test)?,
                    then: self.boxed(&it.consequent)?,
                    otherwise: self.boxed(&it.alternate)?,
                });
            }
            Expression::StaticMemberExpression(_) | Expression::ComputedMemberExpression(_) => {
                return match given.as_member_expression() {
                    Some(member) => self.member(member),
                    None => self.refuse(span, "a member"),
                };
            }
            Expression::ChainExpression(it) => {
                let kind = match &it.expression {
                    ChainElement::CallExpression(call) => self.call(call)?,
                    other => match other.as_member_expression() {
                        Some(member) => self.member(member)?,
                        None => return self.refuse(span, "an optional chain"),
                    },
                };
                return Ok(ExprKind::Chain(Box::new(Expr { kind, span: self.span(span) })));
            }
            Expression::CallExpression(it) => return self.call(it),
            Expression::ThisExpression(_) => "`this`",
            Expression::NewExpression(it)
                if it.callee.is_specific_id("RegExp") && self.resolve("RegExp").is_none() =>
            {
                return self.new_regex(it);
            }
            Expression::NewExpression(it) => match &it.callee {
                Expression::Identifier(name) => {
                    names::global(&name.name).unwrap_or("an object made with `new`")
                }
                _ => "an object made with `new`",
            },
            Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_) => {
                "a function"
            }
            Expression::ClassExpression(_) => "a class",
            Expression::AssignmentExpression(_) | Expression::UpdateExpression(_) => {
                "an assignment inside an expression"
            }
            Expression::AwaitExpression(_) | Expression::YieldExpression(_) => "`await` or `yield`",
            Expression::BigIntLiteral(_) => "a BigInt",
            Expression::ImportExpression(_) => "`import`",
            Expression::SequenceExpression(it) => return self.sequence(it),
            Expression::TaggedTemplateExpression(_) => "a tagged template literal",
            _ => "this kind of expression",
        };
        self.refuse(span, refused)
    }

    fn concat(&mut self, literal: &ast::TemplateLiteral<'_>) -> Result<ExprKind, Refusal> {
        let mut parts = Vec::new();
        let mut expressions = literal.expressions.iter();
        for quasi in &literal.quasis {
            if quasi.lone_surrogates {
                return self.refuse(quasi.span, "a string with half a character");
            }
            let text = quasi.value.cooked.as_ref().map(ToString::to_string).unwrap_or_default();
            if !text.is_empty() {
                parts.push(Expr { kind: ExprKind::Text(text), span: self.span(quasi.span) });
            }
            if let Some(next) = expressions.next() {
                parts.push(self.expression(next)?);
            }
        }
        Ok(match parts.as_slice() {
            [] => ExprKind::Text(String::new()),
            [Expr { kind: ExprKind::Text(text), .. }] => ExprKind::Text(text.clone()),
            _ => ExprKind::Concat(parts),
        })
    }

    fn regex(&mut self, literal: &ast::RegExpLiteral<'_>) -> Result<ExprKind, Refusal> {
        let pattern = literal.regex.pattern.text.to_string();
        self.flags(pattern, &literal.regex.flags.to_string(), literal.span)
    }

    fn flags(
        &self,
        pattern: String,
        flags: &str,
        span: oxc_span::Span,
    ) -> Result<ExprKind, Refusal> {
        let mut regex =
            Regex { pattern, global: false, ignore_case: false, multiline: false, dot_all: false };
        for flag in flags.chars() {
            let known = match flag {
                'g' => &mut regex.global,
                'i' => &mut regex.ignore_case,
                'm' => &mut regex.multiline,
                's' => &mut regex.dot_all,
                _ => return self.refuse(span, "a regular expression with other flags"),
            };
            if std::mem::replace(known, true) {
                return self.failed(span, "a regular expression with a flag given twice");
            }
        }
        Ok(ExprKind::Regex(regex))
    }

    /// `new RegExp("...", "...")` with both written out.
    fn new_regex(&mut self, new: &ast::NewExpression<'_>) -> Result<ExprKind, Refusal> {
        let (pattern, flags) = match new.arguments.as_slice() {
            [ast::Argument::StringLiteral(pattern)] => (pattern, ""),
            [ast::Argument::StringLiteral(pattern), ast::Argument::StringLiteral(flags)] => {
                (pattern, flags.value.as_str())
            }
            _ => return self.refuse(new.span, "a regular expression that is computed"),
        };
        if pattern.lone_surrogates || pattern.value.is_empty() {
            return self.refuse(new.span, "a regular expression that is computed");
        }
        self.flags(pattern.value.to_string(), flags, new.span)
    }

    /// `a, b`: what is before the last comma must have neither an effect nor an error.
    fn sequence(&mut self, given: &ast::SequenceExpression<'_>) -> Result<ExprKind, Refusal> {
        let Some((last, before)) = given.expressions.split_last() else {
            return self.refuse(given.span, "expressions with commas");
        };
        for part in before {
            let part = self.expression(part)?;
            let harmless = match &part.kind {
                ExprKind::Member { object, .. } => matches!(object.kind, ExprKind::Data),
                kind => matches!(
                    kind,
                    ExprKind::Text(_)
                        | ExprKind::Number(_)
                        | ExprKind::Bool(_)
                        | ExprKind::Null
                        | ExprKind::Undefined
                        | ExprKind::Variable(_)
                ),
            };
            if !harmless {
                return self.refuse(given.span, "expressions with commas");
            }
        }
        self.expression(last).map(|last| last.kind)
    }

    fn identifier(&mut self, name: &ast::IdentifierReference<'_>) -> Result<ExprKind, Refusal> {
        let span = name.span;
        if let Some(id) = self.resolve(&name.name) {
            return Ok(ExprKind::Variable(id));
        }
        match name.name.as_str() {
            "undefined" => Ok(ExprKind::Undefined),
            "data" => Ok(ExprKind::Data),
            other => match names::global(other) {
                Some(known) => self.refuse(span, known),
                None => self.failed(span, "a name that nothing defines"),
            },
        }
    }

    fn list(&mut self, array: &ast::ArrayExpression<'_>) -> Result<ExprKind, Refusal> {
        let mut items = Vec::new();
        for element in &array.elements {
            match element {
                ArrayExpressionElement::SpreadElement(it) => {
                    return self.refuse(it.span, "a spread list");
                }
                ArrayExpressionElement::Elision(it) => {
                    return self.refuse(it.span, "a list with holes");
                }
                other => match other.as_expression() {
                    Some(item) => items.push(self.expression(item)?),
                    None => return self.refuse(array.span, "a list"),
                },
            }
        }
        Ok(ExprKind::List(items))
    }

    /// An object literal; one that spreads others is an assignment to a new object.
    fn object(&mut self, object: &ast::ObjectExpression<'_>) -> Result<ExprKind, Refusal> {
        let here = self.span(object.span);
        let mut parts: Vec<Expr> = Vec::new();
        let mut members: Vec<(String, Expr)> = Vec::new();
        let mut spread = false;
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(it) => {
                    if it.kind != PropertyKind::Init || it.method {
                        return self.refuse(it.span, "a function in an object");
                    }
                    let key = match key_of(&it.key) {
                        Some(key) if key != "__proto__" => key,
                        Some(_) => return self.refuse(it.span, "the prototype of an object"),
                        None => {
                            places.clear();
                            let so_far = std::mem::take(&mut members);
                            if !so_far.is_empty() {
                                parts.push(Expr { kind: ExprKind::Object(so_far), span: here });
                            }
                            parts.push(self.computed_member(it)?);
                            continue;
                        }
                    };
                    let value = self.expression(&it.value)?;
                    match places.entry(key.clone()) {
                        Entry::Occupied(place) => {
                            if let Some(known) = members.get_mut(*place.get()) {
                                known.1 = value;
                            }
                        }
                        Entry::Vacant(place) => {
                            place.insert(members.len());
                            members.push((key, value));
                        }
                    }
                }
                ObjectPropertyKind::SpreadProperty(it) => {
                    places.clear();
                    let so_far = std::mem::take(&mut members);
                    spread = true;
                    if parts.is_empty() || !so_far.is_empty() {
                        parts.push(Expr { kind: ExprKind::Object(so_far), span: here });
                    }
                    parts.push(self.expression(&it.argument)?);
                }
            }
        }
        if parts.is_empty() {
            return Ok(ExprKind::Object(members));
        }
        if !members.is_empty() {
            parts.push(Expr { kind: ExprKind::Object(members), span: here });
        }
        match (parts.pop(), parts.is_empty()) {
            // One computed key and nothing else.
            (Some(only), true) if !spread => Ok(only.kind),
            (last, _) => {
                parts.extend(last);
                Ok(ExprKind::Call { function: Function::Assign, arguments: parts })
            }
        }
    }

    /// `{[k]: v}` as `Object.fromEntries([[k, v]])`.
    fn computed_member(&mut self, property: &ast::ObjectProperty<'_>) -> Result<Expr, Refusal> {
        let span = self.span(property.span);
        let Some(key) = property.key.as_expression() else {
            return self.refuse(property.span, "a computed key of an object");
        };
        let key = self.expression(key)?;
        let value = self.expression(&property.value)?;
        let list = |items| Expr { kind: ExprKind::List(items), span };
        let arguments = vec![list(vec![list(vec![key, value])])];
        Ok(Expr { kind: ExprKind::Call { function: Function::FromEntries, arguments }, span })
    }

    fn unary(&mut self, unary: &ast::UnaryExpression<'_>) -> Result<ExprKind, Refusal> {
        let operator = match unary.operator {
            UnaryOperator::LogicalNot => Unary::Not,
            UnaryOperator::UnaryPlus => Unary::Plus,
            UnaryOperator::UnaryNegation => Unary::Minus,
            UnaryOperator::Typeof => Unary::Typeof,
            UnaryOperator::Void => {
                return match &unary.argument {
                    Expression::NumericLiteral(_) => Ok(ExprKind::Undefined),
                    _ => self.refuse(unary.span, "`void`"),
                };
            }
            UnaryOperator::BitwiseNot => return self.refuse(unary.span, "arithmetic on bits"),
            UnaryOperator::Delete => return self.refuse(unary.span, "`delete`"),
        };
        let operand = self.boxed(&unary.argument)?;
        if let (Unary::Minus, ExprKind::Number(number)) = (operator, &operand.kind) {
            return Ok(ExprKind::Number(-number));
        }
        Ok(ExprKind::Unary { operator, operand })
    }

    fn binary(&mut self, binary: &ast::BinaryExpression<'_>) -> Result<ExprKind, Refusal> {
        let operator = match binary.operator {
            BinaryOperator::Addition => Binary::Add,
            BinaryOperator::Subtraction => Binary::Sub,
            BinaryOperator::Multiplication => Binary::Mul,
            BinaryOperator::Division => Binary::Div,
            BinaryOperator::Remainder => Binary::Rem,
            BinaryOperator::StrictEquality => Binary::Same,
            BinaryOperator::StrictInequality => Binary::NotSame,
            BinaryOperator::Equality => Binary::Equal,
            BinaryOperator::Inequality => Binary::NotEqual,
            BinaryOperator::LessThan => Binary::Less,
            BinaryOperator::LessEqualThan => Binary::LessOrEqual,
            BinaryOperator::GreaterThan => Binary::Greater,
            BinaryOperator::GreaterEqualThan => Binary::GreaterOrEqual,
            BinaryOperator::In => Binary::In,
            BinaryOperator::Exponential => return self.refuse(binary.span, "a power"),
            BinaryOperator::Instanceof => return self.refuse(binary.span, "`instanceof`"),
            _ => return self.refuse(binary.span, "arithmetic on bits"),
        };
        let (left, right) = (self.boxed(&binary.left)?, self.boxed(&binary.right)?);
        if let (ExprKind::Number(a), ExprKind::Number(b)) = (&left.kind, &right.kind) {
            let result = match operator {
                Binary::Add => Some(a + b),
                Binary::Sub => Some(a - b),
                Binary::Mul => Some(a * b),
                Binary::Div => Some(a / b),
                Binary::Rem => Some(a % b),
                _ => None,
            };
            if let Some(result) = result.filter(|result| result.is_finite()) {
                return Ok(ExprKind::Number(result));
            }
        }
        Ok(ExprKind::Binary { operator, left, right })
    }

    pub(super) fn member(&mut self, member: &MemberExpression<'_>) -> Result<ExprKind, Refusal> {
        match member {
            MemberExpression::StaticMemberExpression(it) => {
                let key = it.property.name.to_string();
                if is_inherited(&key) {
                    return self.refuse(it.span, "a member that every object inherits");
                }
                let object = self.boxed(&it.object)?;
                Ok(ExprKind::Member { object, key, optional: it.optional })
            }
            MemberExpression::ComputedMemberExpression(it) => {
                let object = self.boxed(&it.object)?;
                let index = self.boxed(&it.expression)?;
                let optional = it.optional;
                let key = match &index.kind {
                    ExprKind::Text(key) => Some(key.clone()),
                    ExprKind::Number(number) => match index_key(*number) {
                        Some(key) => Some(key),
                        None => return self.refuse(it.span, "a number that is no index"),
                    },
                    ExprKind::Regex(_) | ExprKind::List(_) | ExprKind::Object(_) => {
                        return self.refuse(it.span, "a key that is no string");
                    }
                    _ => None,
                };
                match key {
                    Some(key) if is_inherited(&key) => {
                        self.refuse(it.span, "a member that every object inherits")
                    }
                    Some(key) => Ok(ExprKind::Member { object, key, optional }),
                    None => Ok(ExprKind::Index { object, index, optional }),
                }
            }
            MemberExpression::PrivateFieldExpression(it) => self.refuse(it.span, "a private field"),
        }
    }
}

/// The key of a member of an object literal, when it is written out.
fn key_of(key: &PropertyKey<'_>) -> Option<String> {
    match key {
        PropertyKey::StaticIdentifier(name) => Some(name.name.to_string()),
        PropertyKey::StringLiteral(text) if !text.lone_surrogates => Some(text.value.to_string()),
        PropertyKey::TemplateLiteral(text) => text.single_quasi().map(|it| it.to_string()),
        PropertyKey::NumericLiteral(number) => index_key(number.value),
        _ => None,
    }
}

/// The key that a number stands for, when it is an index.
fn index_key(number: f64) -> Option<String> {
    (number.fract() == 0.0 && (0.0..=MAX_INDEX).contains(&number)).then(|| format!("{number:.0}"))
}
