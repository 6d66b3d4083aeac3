//! Lists and their methods.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::nil;
use super::types::{Ty, never_empty};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binding, Each, Expr, ExprKind, Method, VariableId};

impl Printer<'_> {
    /// A list, where it has to be one.
    fn list_argument(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.value(value)?;
        match &given.ty {
            Ty::Json | Ty::OptJson if self.exact => {
                let given = self.keep(given);
                let test = format!("not (kindIs \"slice\" {})", given.text);
                self.fail_if(&test, "a value is not a list");
                Ok(given)
            }
            Ty::List(_) | Ty::Json | Ty::OptJson => Ok(given),
            _ => self.refuse(value.span, "a method of lists on something else"),
        }
    }

    /// A method that only lists have.
    pub(super) fn list_method(
        &mut self,
        value: &Expr,
        method: Method,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let ty = self.types.ty(value);
        let list = self.list_argument(receiver)?;
        match (method, arguments) {
            (Method::Join, []) => Ok(self.join(&list, &Go::text(","))),
            (Method::Join, [separator]) => {
                let separator = self.text_of_something(separator)?;
                Ok(self.join(&list, &separator))
            }
            (Method::Pop | Method::Shift, []) => {
                let name = if method == Method::Pop { "last" } else { "first" };
                let item = list.ty.item();
                let ty = if never_empty(receiver) { item } else { item.join(Ty::Undefined) };
                Ok(Go::call(format!("{name} {}", list.arg()), ty))
            }
            (Method::Reverse, []) => Ok(Go::call(format!("reverse {}", list.arg()), ty)),
            (Method::Sort, []) if list.ty.is_json() && self.exact => {
                let list = self.keep(list);
                let item = self.temporary();
                self.action(format!("range {item} := {}", list.text));
                self.fail_if(
                    &format!("not (kindIs \"string\" {item})"),
                    "a list with other things than strings is sorted",
                );
                self.action("end");
                Ok(Go::call(format!("sortAlpha {}", list.text), ty))
            }
            (Method::Sort, []) if list.ty == Ty::list(Ty::Text) => {
                Ok(Go::call(format!("sortAlpha {}", list.arg()), ty))
            }
            (Method::Includes, [item]) => {
                let item_ty = self.types.ty(item);
                let same = match &list.ty {
                    Ty::List(known) => **known == item_ty,
                    _ => item_ty == Ty::Text || item_ty == Ty::Bool,
                };
                if !same || !matches!(item_ty, Ty::Text | Ty::Bool | Ty::Int) {
                    return self.refuse(value.span, "a search for what may be anything");
                }
                let item = self.value(item)?;
                Ok(Go::call(format!("has {} {}", item.arg(), list.arg()), Ty::Bool))
            }
            (Method::Concat, others) => {
                let mut lists = vec![list.arg()];
                for other in others {
                    match self.types.ty(other) {
                        Ty::List(_) => lists.push(self.value(other)?.arg()),
                        Ty::Text => {
                            let item = self.value(other)?;
                            lists.push(format!("(list {})", item.arg()));
                        }
                        _ => return self.refuse(value.span, "a list joined with what may be one"),
                    }
                }
                Ok(Go::call(format!("concat {}", lists.join(" ")), ty))
            }
            (Method::Slice, parts) => self.list_part(value, &list, parts, ty),
            _ => self.refuse(value.span, "a method of lists with these arguments"),
        }
    }

    /// `slice` of a list, with numbers that are written out.
    pub(super) fn list_part(
        &mut self,
        value: &Expr,
        list: &Go,
        parts: &[Expr],
        ty: Ty,
    ) -> Result<Go, Refusal> {
        let (start, end) = match parts {
            [] => (Some(0), Ok(None)),
            [start] => (number(start), Ok(None)),
            [start, end] => (number(start), number(end).map(Some).ok_or(())),
            _ => (None, Err(())),
        };
        let (Some(start), Ok(end)) = (start, end) else {
            return self.refuse(value.span, "a part of a list that is computed");
        };
        Ok(match (start, end) {
            (0, None) => list.clone(),
            (1, None) => Go::call(format!("rest {}", list.arg()), ty),
            (0, Some(-1)) => Go::call(format!("initial {}", list.arg()), ty),
            _ => self.between(list, start, end, ty),
        })
    }

    /// The elements from one place to before another; negative ones count from the end.
    pub(super) fn between(&mut self, list: &Go, start: i64, end: Option<i64>, ty: Ty) -> Go {
        let list = self.keep(list.clone());
        let made = self.set(&Go::call("list", ty.clone()));
        let place = self.temporary();
        let item = self.temporary();
        self.action(format!("range {place}, {item} := {}", list.text));
        let bound = |name: &str, at: i64| {
            if at >= 0 {
                format!("({name} {place} {at})")
            } else {
                format!("({name} (add {place} {}) (len {}))", -at, list.text)
            }
        };
        let mut tests = vec![bound("ge", start)];
        tests.extend(end.map(|end| bound("lt", end)));
        self.action(format!("if and {}", tests.join(" ")));
        self.action(format!("{0} = append {0} {item}", made.text));
        self.action("end");
        self.action("end");
        Go { ty, ..made }
    }

    fn join(&mut self, list: &Go, separator: &Go) -> Go {
        let texts =
            matches!(&list.ty, Ty::List(item) if matches!(**item, Ty::Text | Ty::Int | Ty::Never));
        if texts {
            return list.pipe(&format!("join {}", separator.arg()), Ty::Text);
        }
        let name = self.helper(Helper::Text);
        let box_ = self.set(&Go::call(
            format!("dict \"value\" {} \"separator\" {}", list.arg(), separator.arg()),
            Ty::Json,
        ));
        self.action(format!("template {} {}", quote(name), box_.text));
        Go::simple(format!("{}.text", box_.text), Ty::Text)
    }

    /// `map`, `filter` and their kin, by a loop that fills a variable.
    pub(super) fn each(
        &mut self,
        value: &Expr,
        method: Each,
        receiver: &Expr,
        item: &Binding,
        index: Option<VariableId>,
        result: &Expr,
    ) -> Result<Go, Refusal> {
        let ty = self.types.ty(value);
        let start = match method {
            Each::Map | Each::Filter => Go::call("list", ty.clone()),
            Each::Find => Go { ty: ty.clone(), ..nil() },
            Each::Some => Go::simple("false", Ty::Bool),
            Each::Every => Go::simple("true", Ty::Bool),
            Each::FlatMap => return self.refuse(value.span, "the method `flatMap`"),
        };
        let element = match (method, item) {
            (Each::Filter | Each::Find, Binding::One(id)) => self.name(*id),
            (Each::Filter | Each::Find, _) => {
                return self.refuse(value.span, "a pattern in the function of a filter");
            }
            _ => String::new(),
        };
        let found = self.set(&start);
        let name = found.text.clone();
        self.over(receiver, true, item, index, |printer| {
            if method == Each::Map {
                let given = printer.value(result)?;
                let given = printer.held_inside(given, &ty.item());
                printer.action(format!("{name} = append {name} {}", given.arg()));
                return Ok(());
            }
            let test = printer.condition(result)?;
            let not = if method == Each::Every { "not " } else { "" };
            let test = if method == Each::Every { test.arg() } else { test.text };
            printer.action(format!("if {not}{test}"));
            match method {
                Each::Filter => printer.action(format!("{name} = append {name} {element}")),
                Each::Find => {
                    printer.action(format!("{name} = {element}"));
                    printer.action("break");
                }
                _ => {
                    printer.action(format!("{name} = {}", method == Each::Some));
                    printer.action("break");
                }
            }
            printer.action("end");
            Ok(())
        })?;
        Ok(Go { ty, ..found })
    }
}

/// A whole number that is written out.
pub(super) fn number(value: &Expr) -> Option<i64> {
    match value.kind {
        ExprKind::Number(number) if number.fract() == 0.0 && number.abs() < 1e9 => {
            format!("{number:.0}").parse().ok()
        }
        _ => None,
    }
}
