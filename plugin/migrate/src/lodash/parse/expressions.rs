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
            Expression::SequenceExpression(_) => "expressions with commas",
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
        let mut regex = Regex {
            pattern: literal.regex.pattern.text.to_string(),
            global: false,
            ignore_case: false,
            multiline: false,
            dot_all: false,
        };
        for flag in literal.regex.flags.to_string().chars() {
            match flag {
                'g' => regex.global = true,
                'i' => regex.ignore_case = true,
                'm' => regex.multiline = true,
                's' => regex.dot_all = true,
                _ => return self.refuse(literal.span, "a regular expression with other flags"),
            }
        }
        Ok(ExprKind::Regex(regex))
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
                        None => return self.refuse(it.span, "a computed key of an object"),
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
        Ok(ExprKind::Call { function: Function::Assign, arguments: parts })
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
