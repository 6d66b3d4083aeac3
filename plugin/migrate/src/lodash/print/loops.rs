//! Loops.

use super::Printer;
use super::go::{Go, quote};
use super::order::Arranged;
use super::types::{Ty, entries};
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binding, Expr, ExprKind, Stmt, VariableId};

impl Printer<'_> {
    pub(super) fn for_each(
        &mut self,
        list: &Expr,
        method: bool,
        item: &Binding,
        index: Option<VariableId>,
        body: &[Stmt],
    ) -> Result<(), Refusal> {
        self.over(list, method, item, index, |printer| printer.statements(body))
    }

    /// A `range` over the elements of a list.
    pub(super) fn over(
        &mut self,
        list: &Expr,
        method: bool,
        item: &Binding,
        index: Option<VariableId>,
        body: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if let Some((key, value, object)) = entries(list, item) {
            return self.over_entries(list, object, key, value, index, body);
        }
        let given = self.value(list)?;
        let given = match &given.ty {
            Ty::List(_) => given,
            Ty::Text if !method => given.pipe("splitList \"\"", Ty::list(Ty::Text)),
            Ty::Json | Ty::OptJson if self.exact => {
                let given = self.keep(given);
                let test = format!("not (kindIs \"slice\" {})", given.text);
                self.fail_if(&test, "a value is not a list");
                given
            }
            Ty::Json | Ty::OptJson => {
                self.note(&codes::W13, list.span, "an element may be a number");
                given
            }
            _ => return self.refuse(list.span, "a loop over what is no list"),
        };
        let ty = given.ty.item();
        let place = index.map(|index| self.name(index));
        let element = match item {
            Binding::One(id) => self.name(*id),
            Binding::None => "$_".to_owned(),
            _ => self.temporary(),
        };
        self.action(match place {
            Some(place) => format!("range {place}, {element} := {}", given.text),
            None => format!("range {element} := {}", given.text),
        });
        self.ranges += 1;
        let result = self.bind(item, &element, &ty, list).and_then(|()| body(self));
        self.ranges -= 1;
        self.action("end");
        result
    }

    fn over_entries(
        &mut self,
        list: &Expr,
        object: &Expr,
        key: Option<VariableId>,
        value: Option<VariableId>,
        index: Option<VariableId>,
        body: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let given = if matches!(object.kind, ExprKind::Data) {
            Go::simple(self.root(), Ty::Map(Box::new(Ty::Text)))
        } else {
            self.map_argument(object)?
        };
        let given = self.keep(given);
        let ordered = self.in_order(object, Arranged::Keys, list.span)?;
        let counter = index.map(|index| self.name(index));
        if let Some(counter) = &counter {
            self.action(format!("{counter} := -1"));
        }
        if let Some(ordered) = ordered {
            let numbered = self.temporary();
            let member = match value {
                Some(value) if !self.origins.is_changed(value) => {
                    let member = self.temporary();
                    self.numbered.insert(value, member.clone());
                    member
                }
                _ => "$_".to_owned(),
            };
            self.action(format!("range {numbered}, {member} := {}", ordered.text));
            let key = match key {
                Some(key) => self.name(key),
                None => self.temporary(),
            };
            self.action(format!("{key} := {}", Self::key_of(&numbered)));
            if let Some(value) = value {
                let value = self.name(value);
                self.action(format!("{value} := index {} {key}", given.text));
            }
        } else {
            let name = |id: Option<VariableId>| id.map_or("$_".to_owned(), |id| self.name(id));
            let header = format!("range {}, {} := {}", name(key), name(value), given.text);
            self.action(header);
        }
        self.ranges += 1;
        if let Some(counter) = &counter {
            self.action(format!("{counter} = add {counter} 1"));
        }
        let result = body(self);
        self.ranges -= 1;
        self.action("end");
        result
    }

    /// Gives an element its names.
    fn bind(&mut self, item: &Binding, element: &str, ty: &Ty, list: &Expr) -> Result<(), Refusal> {
        match item {
            Binding::None | Binding::One(_) => Ok(()),
            Binding::Members(members) => {
                if !matches!(ty, Ty::Json | Ty::OptJson | Ty::Map(_)) {
                    return self.refuse(list.span, "members of what is no object");
                }
                for (key, id) in members {
                    if key == "length" {
                        return self.refuse(list.span, "the length of an element in a pattern");
                    }
                    let name = self.name(*id);
                    self.action(format!("{name} := index {element} {}", quote(key)));
                }
                Ok(())
            }
            Binding::Elements(ids) => {
                let inner = match ty {
                    Ty::List(item) => (**item).clone(),
                    Ty::Json | Ty::OptJson => Ty::Json,
                    _ => return self.refuse(list.span, "elements of what is no list"),
                };
                for (place, id) in ids.iter().enumerate() {
                    let Some(id) = id else { continue };
                    let of = Go::simple(element, ty.clone());
                    let given = self.element(of, &place.to_string(), inner.clone());
                    let name = self.name(*id);
                    self.action(format!("{name} := {}", given.text));
                }
                Ok(())
            }
        }
    }

    pub(super) fn for_in(
        &mut self,
        object: &Expr,
        key: VariableId,
        body: &[Stmt],
    ) -> Result<(), Refusal> {
        let given = self.value(object)?;
        let given = match &given.ty {
            Ty::Json | Ty::OptJson if self.exact => {
                let given = self.keep(given);
                let test =
                    format!("not (or (kindIs \"map\" {0}) (kindIs \"invalid\" {0}))", given.text);
                self.fail_if(&test, "a value is not an object");
                given
            }
            Ty::Map(_) | Ty::Json | Ty::OptJson => given,
            _ => return self.refuse(object.span, "a loop over the keys of what is no object"),
        };
        if let Some(ordered) = self.in_order(object, Arranged::Keys, object.span)? {
            let numbered = self.temporary();
            self.action(format!("range {numbered}, $_ := {}", ordered.text));
            self.action(format!("{} := {}", self.name(key), Self::key_of(&numbered)));
        } else {
            self.action(format!("range {}, $_ := {}", self.name(key), given.text));
        }
        self.ranges += 1;
        let result = self.statements(body);
        self.ranges -= 1;
        self.action("end");
        result
    }

    pub(super) fn count(
        &mut self,
        variable: VariableId,
        from: &Expr,
        to: &Expr,
        inclusive: bool,
        body: &[Stmt],
    ) -> Result<(), Refusal> {
        let int = |go: &Go| match go.text.parse::<i64>() {
            Ok(_) => go.text.clone(),
            Err(_) if go.text.ends_with("| len") => format!("({})", go.text),
            Err(_) => format!("(int {})", go.arg()),
        };
        let from = self.whole(from)?;
        let to = self.whole(to)?;
        let end = if inclusive {
            int(&Go::call(format!("add {} 1", to.arg()), Ty::Int))
        } else {
            int(&to)
        };
        self.action(format!("range {} := untilStep {} {end} 1", self.name(variable), int(&from)));
        self.ranges += 1;
        let result = self.statements(body);
        self.ranges -= 1;
        self.action("end");
        result
    }

    /// The values of an object, in the order of its keys.
    pub(super) fn values_of(&mut self, value: &Expr, object: &Expr) -> Result<Go, Refusal> {
        let ty = self.types.ty(value);
        let given = if matches!(object.kind, ExprKind::Data) {
            Go::simple(self.root(), Ty::Map(Box::new(Ty::Text)))
        } else {
            self.map_argument(object)?
        };
        let given = self.keep(given);
        let ordered = self.in_order(object, Arranged::Values, value.span)?;
        let list = self.set(&Go::call("list", ty));
        if let Some(ordered) = ordered {
            self.action(format!("range $k, $_ := {}", ordered.text));
            let key = Self::key_of("$k");
            self.action(format!("{0} = append {0} (index {1} ({key}))", list.text, given.text));
        } else {
            self.action(format!("range $_, $e := {}", given.text));
            self.action(format!("{0} = append {0} $e", list.text));
        }
        self.action("end");
        Ok(list)
    }
}
