//! Equality.

use super::Printer;
use super::go::{Go, quote};
use super::types::Ty;
use super::values::Nil;
use crate::lodash::Refusal;
use crate::lodash::ir::{Each, Expr, ExprKind, Function, Method, Unary};

impl Printer<'_> {
    pub(super) fn equal(
        &mut self,
        value: &Expr,
        left: &Expr,
        right: &Expr,
        strict: bool,
        negated: bool,
    ) -> Result<Go, Refusal> {
        let no = |text: String| {
            let text = if negated { format!("not ({text})") } else { text };
            Ok(Go::call(text, Ty::Bool))
        };
        for (one, other) in [(left, right), (right, left)] {
            match &other.kind {
                ExprKind::Undefined | ExprKind::Null if !strict => {
                    return match self.types.ty(one) {
                        Ty::Undefined | Ty::Null | Ty::Never => no("true".to_owned()),
                        Ty::OptText | Ty::Json | Ty::OptJson => {
                            let given = self.value(one)?;
                            no(format!("kindIs \"invalid\" {}", given.arg()))
                        }
                        _ => no("false".to_owned()),
                    };
                }
                ExprKind::Undefined => {
                    let test = self.undefined_test(one)?;
                    return no(test);
                }
                ExprKind::Null => {
                    return match self.types.ty(one) {
                        Ty::Null => no("true".to_owned()),
                        Ty::Json => {
                            let given = self.value(one)?;
                            no(format!("kindIs \"invalid\" {}", given.arg()))
                        }
                        Ty::OptJson => match self.owner(one)? {
                            Some((object, key)) => no(format!(
                                "and (hasKey {0} {1}) (kindIs \"invalid\" (index {0} {1}))",
                                object.text,
                                quote(&key)
                            )),
                            None => self.refuse(value.span, "null told apart from undefined"),
                        },
                        _ => no("false".to_owned()),
                    };
                }
                ExprKind::Text(name) => {
                    if let ExprKind::Unary { operator: Unary::Typeof, operand } = &one.kind {
                        let test = self.type_test(operand, name)?;
                        return no(test);
                    }
                }
                _ => {}
            }
        }
        self.equal_values(value, left, right, strict, negated)
    }

    fn equal_values(
        &mut self,
        value: &Expr,
        left: &Expr,
        right: &Expr,
        strict: bool,
        negated: bool,
    ) -> Result<Go, Refusal> {
        let plain = |a: &Go, b: &Go| {
            let name = if negated { "ne" } else { "eq" };
            Ok(Go::call(format!("{name} {} {}", a.arg(), b.arg()), Ty::Bool))
        };
        let (lt, rt) = (self.types.ty(left), self.types.ty(right));
        // An absent key is no string, and in Go an empty one.
        for (one, other) in [(left, right), (right, left)] {
            if let (ExprKind::Member { object, key, .. }, ExprKind::Text(text)) =
                (&one.kind, &other.kind)
                && matches!(object.kind, ExprKind::Data)
                && !text.is_empty()
            {
                let field = self.data_or_nothing(key);
                return plain(&field, &Go::text(text));
            }
        }
        match (&lt, &rt) {
            (Ty::Text | Ty::OptText, Ty::Text | Ty::OptText)
            | (Ty::Int, Ty::Int)
            | (Ty::Bool, Ty::Bool) => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                plain(&a, &b)
            }
            (lt, rt) if lt.is_number() && rt.is_number() => {
                let (a, b) = (self.float(left)?, self.float(right)?);
                plain(&a, &b)
            }
            (Ty::Text, number) | (number, Ty::Text) if !strict && number.is_number() => {
                let (a, b) = (self.float(left)?, self.float(right)?);
                plain(&a, &b)
            }
            (Ty::Json | Ty::OptJson, Ty::Json | Ty::OptJson) => {
                self.equal_jsons(left, right, strict, negated)
            }
            // Nothing else is the object that was just made.
            (lt, rt)
                if (may_be_object(lt) && may_be_object(rt))
                    && (strict || !lt.is_json() && !rt.is_json())
                    && (is_fresh(left) || is_fresh(right)) =>
            {
                for side in [left, right] {
                    let given = self.value(side)?;
                    self.print_value(Go { ty: Ty::Undefined, ..given }, side);
                }
                Ok(Go::simple(negated.to_string(), Ty::Bool))
            }
            (Ty::Json | Ty::OptJson, _) => {
                self.equal_json(value, left, right, &rt, strict, negated)
            }
            (_, Ty::Json | Ty::OptJson) => {
                self.equal_json(value, right, left, &lt, strict, negated)
            }
            (Ty::List(_) | Ty::Map(_), other) | (other, Ty::List(_) | Ty::Map(_))
                if !strict || may_be_object(other) =>
            {
                self.refuse(value.span, "a comparison of objects")
            }
            // Values of two types are never the same.
            _ if strict => Ok(Go::simple(negated.to_string(), Ty::Bool)),
            _ => self.refuse(value.span, "`==` between values of two types"),
        }
    }

    /// A value from JSON and one whose type is known.
    fn equal_json(
        &mut self,
        value: &Expr,
        json: &Expr,
        known: &Expr,
        ty: &Ty,
        strict: bool,
        negated: bool,
    ) -> Result<Go, Refusal> {
        let (kind, known) = match ty {
            Ty::Text => ("string", self.value(known)?),
            Ty::Int => match &known.kind {
                ExprKind::Number(number) => {
                    ("float64", Go::simple(format!("{number:.1}"), Ty::Float))
                }
                _ => ("float64", self.float(known)?),
            },
            Ty::Float | Ty::Number => ("float64", self.float(known)?),
            Ty::Bool => ("bool", self.value(known)?),
            _ => return self.refuse(value.span, "a comparison of what may be anything"),
        };
        let given = self.json_value(json)?;
        if !self.exact {
            let name = if negated { "ne" } else { "eq" };
            return Ok(Go::call(format!("{name} {} {}", given.text, known.arg()), Ty::Bool));
        }
        if !strict {
            let same = self.loosely(&given, &known);
            return Ok(if negated {
                Go::call(format!("not {}", same.text), Ty::Bool)
            } else {
                same
            });
        }
        let text =
            format!("and (kindIs {1} {0}) (eq {0} {2})", given.text, quote(kind), known.arg());
        Ok(Go::call(if negated { format!("not ({text})") } else { text }, Ty::Bool))
    }

    /// A value from JSON; a length of Go is no number of JSON yet.
    pub(super) fn json_value(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.value(value)?;
        let given = self.held(given, &Ty::Json);
        Ok(self.keep(given))
    }

    /// `==` of a value from JSON and one whose type is known.
    fn loosely(&mut self, given: &Go, known: &Go) -> Go {
        let same = self.set(&Go::simple("false", Ty::Bool));
        if known.ty != Ty::Text {
            self.action(format!("if not (kindIs \"invalid\" {})", given.text));
            let known = self.number_of_simple(known);
            let number = self.number_of(given, &Nil::Unknown);
            self.action(format!("{} = eq {} {}", same.text, number.text, known.arg()));
            self.action("end");
            return same;
        }
        let known = self.keep(known.clone());
        self.action(format!("if kindIs \"string\" {}", given.text));
        self.action(format!("{} = eq {} {}", same.text, given.text, known.text));
        self.action(format!(
            "else if or (kindIs \"float64\" {0}) (kindIs \"bool\" {0})",
            given.text
        ));
        let number = self.number_of(given, &Nil::Unknown);
        let other = self.number_of(&known, &Nil::Unknown);
        self.action(format!("{} = eq {} {}", same.text, number.text, other.text));
        self.action(format!("else if kindIs \"map\" {}", given.text));
        self.action(format!("{} = eq {} \"[object Object]\"", same.text, known.text));
        self.action(format!("else if kindIs \"slice\" {}", given.text));
        self.fail("a list is compared with a text");
        self.action("end");
        same
    }

    /// A number, or true and false as numbers.
    fn number_of_simple(&mut self, known: &Go) -> Go {
        match known.ty {
            Ty::Bool => Go::call(format!("ternary 1.0 0.0 {}", known.arg()), Ty::Float),
            _ => self.held(known.clone(), &Ty::Float),
        }
    }

    /// Two values from JSON.
    fn equal_jsons(
        &mut self,
        left: &Expr,
        right: &Expr,
        strict: bool,
        negated: bool,
    ) -> Result<Go, Refusal> {
        let (a, a_nil) = self.value_or_nil(left)?;
        let a = self.held(a, &Ty::Json);
        let a = self.keep(a);
        let (b, b_nil) = self.value_or_nil(right)?;
        let b = self.held(b, &Ty::Json);
        let b = self.keep(b);
        let object = |side: &Go| format!("(kindIs \"slice\" {0}) (kindIs \"map\" {0})", side.text);
        let same = self.set(&Go::simple("false", Ty::Bool));
        let made_here = is_fresh(left) || is_fresh(right);
        self.action(format!("if and (or {}) (or {})", object(&a), object(&b)));
        if !made_here {
            self.fail("objects are compared");
        }
        self.action(format!(
            "else if and (kindIs \"invalid\" {}) (kindIs \"invalid\" {})",
            a.text, b.text
        ));
        let both = match (a_nil, b_nil) {
            _ if !strict => Some("true".to_owned()),
            (Nil::Null, Nil::Null) => Some("true".to_owned()),
            (Nil::NullIf(test), Nil::Null) | (Nil::Null, Nil::NullIf(test)) => Some(test),
            (Nil::NullIf(a), Nil::NullIf(b)) => Some(format!("eq ({a}) ({b})")),
            _ => None,
        };
        match both {
            Some(both) => self.action(format!("{} = {both}", same.text)),
            None => self.fail("null is compared with what may be undefined"),
        }
        if strict {
            self.action("else");
            self.action(format!("{} = deepEqual {} {}", same.text, a.text, b.text));
        } else {
            self.action(format!("else if eq (kindOf {}) (kindOf {})", a.text, b.text));
            self.action(format!("{} = eq {} {}", same.text, a.text, b.text));
            self.action(format!("else if or {} {}", object(&a), object(&b)));
            let nil = format!("or (kindIs \"invalid\" {}) (kindIs \"invalid\" {})", a.text, b.text);
            self.fail_if(&format!("not ({nil})"), "an object is compared with what is none");
            self.action(format!(
                "else if not (or (kindIs \"invalid\" {}) (kindIs \"invalid\" {}))",
                a.text, b.text
            ));
            let number = self.number_of(&a, &Nil::Unknown);
            let other = self.number_of(&b, &Nil::Unknown);
            self.action(format!("{} = eq {} {}", same.text, number.text, other.text));
        }
        self.action("end");
        Ok(if negated { Go::call(format!("not {}", same.text), Ty::Bool) } else { same })
    }
}

fn may_be_object(ty: &Ty) -> bool {
    ty.is_json() || matches!(ty, Ty::List(_) | Ty::Map(_))
}

/// True for a value that, if it is an object, nothing else refers to.
fn is_fresh(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::List(_) | ExprKind::Object(_) => true,
        ExprKind::Call { function, .. } => matches!(
            function,
            Function::JsonParse
                | Function::YamlLoad
                | Function::Keys
                | Function::Values
                | Function::Entries
                | Function::FromEntries
                | Function::Assign
        ),
        ExprKind::Each { method, receiver, .. } => {
            matches!(method, Each::Map | Each::Filter | Each::FlatMap) || is_fresh(receiver)
        }
        ExprKind::Method { method, receiver, .. } => {
            matches!(method, Method::Split | Method::Match | Method::Slice | Method::Concat)
                || is_fresh(receiver)
        }
        ExprKind::Member { object, .. } | ExprKind::Index { object, .. } => is_fresh(object),
        ExprKind::Chain(inner) => is_fresh(inner),
        _ => false,
    }
}
