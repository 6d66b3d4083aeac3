//! Lists and their methods.

use super::go::{Go, quote};
use super::helpers::Helper;
use super::nil;
use super::types::{Ty, never_empty};
use super::{Printer, held};
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
                let separator = self.text(separator)?;
                Ok(self.join(&list, &separator))
            }
            (Method::Pop | Method::Shift, []) => {
                let name = if method == Method::Pop { "last" } else { "first" };
                let item = list.ty.item();
                let ty = if never_empty(receiver) { item } else { item.join(Ty::Undefined) };
                Ok(Go::call(format!("{name} {}", list.arg()), ty))
            }
            (Method::Reverse, []) => Ok(Go::call(format!("reverse {}", list.arg()), ty)),
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
            (Method::Slice, [start]) => match number(start) {
                Some(0) => Ok(list),
                Some(start) if start > 0 => Ok(self.without_first(&list, start, ty)),
                _ => self.refuse(value.span, "this part of a list"),
            },
            (Method::Slice, [start, end]) => match (number(start), number(end)) {
                (Some(0), Some(-1)) => Ok(Go::call(format!("initial {}", list.arg()), ty)),
                (Some(1), Some(-1)) => Ok(Go::call(format!("rest (initial {})", list.arg()), ty)),
                (Some(start), Some(end)) if start >= 0 && end >= 0 => {
                    Ok(self.between(&list, start, end, ty))
                }
                _ => self.refuse(value.span, "this part of a list"),
            },
            _ => self.refuse(value.span, "a method of lists with these arguments"),
        }
    }

    fn without_first(&mut self, list: &Go, count: i64, ty: Ty) -> Go {
        if count == 1 {
            return Go::call(format!("rest {}", list.arg()), ty);
        }
        self.between(list, count, i64::MAX, ty)
    }

    fn between(&mut self, list: &Go, start: i64, end: i64, ty: Ty) -> Go {
        let made = self.set(&Go::call("list", ty.clone()));
        let place = self.temporary();
        let item = self.temporary();
        self.action(format!("range {place}, {item} := {}", list.text));
        let test = if end == i64::MAX {
            format!("ge {place} {start}")
        } else {
            format!("and (ge {place} {start}) (lt {place} {end})")
        };
        self.action(format!("if {test}"));
        self.action(format!("{0} = append {0} {item}", made.text));
        self.action("end");
        self.action("end");
        Go { ty, ..made }
    }

    fn join(&mut self, list: &Go, separator: &Go) -> Go {
        let texts =
            matches!(&list.ty, Ty::List(item) if matches!(**item, Ty::Text | Ty::Int | Ty::Never));
        if texts || !self.exact {
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
                let given = held(given, &ty.item());
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
