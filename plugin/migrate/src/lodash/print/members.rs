//! Members of objects, elements of lists, and the fetched values.

use super::go::{Go, Shape, is_name, quote};
use super::types::{Ty, never_empty};
use super::{Printer, nil};
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Expr, ExprKind, Function};
use crate::lodash::parse::names::INHERITED;

impl Printer<'_> {
    /// `.x`, which fails when there is none.
    fn field(&self, key: &str) -> Option<Go> {
        is_name(key).then(|| Go {
            text: if self.ranges > 0 { format!("$.{key}") } else { format!(".{key}") },
            shape: Shape::Operand,
            ty: Ty::Text,
            simple: true,
        })
    }

    /// A fetched value; empty when it is not there.
    pub(super) fn data_or_nothing(&self, key: &str) -> Go {
        if self.declared.contains(key)
            && let Some(field) = self.field(key)
        {
            return field;
        }
        let text = format!("index {} {}", self.root(), quote(key));
        Go { simple: false, ..Go::call(text, Ty::Text) }
    }

    /// A fetched value, where JavaScript throws when it is not there.
    pub(super) fn data_or_failure(&mut self, key: &str) -> Go {
        if let Some(field) = self.field(key) {
            return field;
        }
        if self.declared.contains(key) {
            return self.data_or_nothing(key);
        }
        let found = self.data_or_nil(key);
        let test = format!("kindIs \"invalid\" {}", found.text);
        self.fail_if(&test, "a fetched key is missing");
        Go { ty: Ty::Text, ..found }
    }

    /// A fetched value; nil when it is not there.
    pub(super) fn data_or_nil(&mut self, key: &str) -> Go {
        if self.declared.contains(key) {
            return self.data_or_nothing(key);
        }
        let found = self.set(&nil());
        // Only a loop tells a key that is absent from one that is empty.
        self.action(format!("range $k, $e := {}", self.root()));
        self.action(format!("if eq $k {}", quote(key)));
        self.action(format!("{} = $e", found.text));
        self.action("end");
        self.action("end");
        Go { ty: Ty::OptText, ..found }
    }

    pub(super) fn member(
        &mut self,
        value: &Expr,
        object: &Expr,
        key: &str,
        optional: bool,
    ) -> Result<Go, Refusal> {
        if matches!(object.kind, ExprKind::Data) {
            return Ok(self.data_or_nil(key));
        }
        let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        // `length` of a fetched value is that of a string; anything else throws.
        if key == "length"
            && let ExprKind::Member { object: of, key, optional: false } = &object.kind
            && matches!(of.kind, ExprKind::Data)
        {
            return Ok(self.data_or_failure(key).pipe("len", Ty::Int));
        }
        if is_index && let Some(group) = self.group(value, object, key)? {
            return Ok(group);
        }
        if is_index || key == "length" {
            self.known_object(object)?;
        }
        let never_empty = never_empty(object);
        let given = self.value(object)?;
        if optional {
            return self.optional_member(value, given, key);
        }
        match given.ty.clone() {
            Ty::Text if key == "length" => {
                if let Some(text) = self.literal_beyond_ascii(object).filter(|_| self.exact) {
                    let length = text.encode_utf16().count();
                    return Ok(Go::simple(length.to_string(), Ty::Int));
                }
                let ascii = !self.exact || super::strings::only_ascii_in(object);
                let given = if ascii { given } else { self.ascii(given) };
                Ok(given.pipe("len", Ty::Int))
            }
            Ty::List(_) if key == "length" => Ok(given.pipe("len", Ty::Int)),
            Ty::List(item) if is_index => {
                if never_empty && key == "0" {
                    return Ok(Go::call(format!("first {}", given.arg()), *item));
                }
                Ok(self.element(given, key, *item))
            }
            Ty::Text if is_index => Ok(self.character(given, key)),
            Ty::Json | Ty::OptJson if key == "length" => {
                self.fails_on_others(value);
                Ok(self.length(given, value))
            }
            Ty::Json | Ty::OptJson if is_index => {
                self.fails_on_others(value);
                Ok(self.element(given, key, Ty::Json))
            }
            Ty::Json | Ty::OptJson => {
                self.fails_on_others(value);
                let given = self.only_object(given);
                Ok(self.named(&given, key))
            }
            Ty::Map(_) => Ok(self.named(&given, key)),
            _ => self.refuse(value.span, "a member that is always undefined"),
        }
    }

    /// Says that a member is read of what may be neither object nor list. In the short form W42
    /// says it with everything else.
    pub(super) fn fails_on_others(&mut self, value: &Expr) {
        if self.exact {
            self.note(
                &codes::W08,
                value.span,
                "a member of a number, a text or another kind of value than expected is an error of \
                 the whole object here, where KES printed nothing or a part of it",
            );
        }
    }

    /// A member by name, of a map only.
    fn named(&self, object: &Go, key: &str) -> Go {
        let ty = match &object.ty {
            Ty::Map(item) => (**item).clone().join(Ty::Undefined),
            _ => Ty::OptJson,
        };
        if !self.exact && is_name(key) {
            return Go {
                text: format!("{}.{key}", object.arg()),
                shape: Shape::Operand,
                ty,
                simple: false,
            };
        }
        // One `index` goes down a whole path.
        let text = if object.text.starts_with("index ") && object.shape == Shape::Call {
            format!("{} {}", object.text, quote(key))
        } else {
            format!("index {} {}", object.arg(), quote(key))
        };
        Go::call(text, ty)
    }

    /// The element of a list at a place that may be behind its end.
    pub(super) fn element(&mut self, list: Go, place: &str, item: Ty) -> Go {
        let from_json = list.ty.is_json();
        if !self.exact {
            return Go::call(format!("index {} {place}", list.arg()), item);
        }
        let item = item.join(Ty::Undefined);
        let list = if from_json {
            let list = self.keep(list);
            let test = format!("not (kindIs \"slice\" {})", list.text);
            self.fail_if(&test, "a value is not a list");
            list
        } else {
            list
        };
        if place == "0" {
            return Go::call(format!("first {}", list.arg()), item);
        }
        let list = self.keep(list);
        let found = self.set(&nil());
        self.action(format!("if gt (len {}) {place}", list.text));
        self.action(format!("{} = index {} {place}", found.text, list.text));
        self.action("end");
        Go { ty: item, ..found }
    }

    fn character(&mut self, text: Go, place: &str) -> Go {
        let text = self.keep(text);
        let found = self.set(&nil());
        self.action(format!("if gt (len {}) {place}", text.text));
        let next = place.parse::<u64>().unwrap_or_default().saturating_add(1);
        self.action(format!("{} = substr {place} {next} {}", found.text, text.text));
        self.action("end");
        Go { ty: Ty::OptText, ..found }
    }

    /// `length` of what may be a string or a list; an object may have a member of that name.
    pub(super) fn length(&mut self, object: Go, of: &Expr) -> Go {
        if !self.exact {
            self.note(
                &codes::W07,
                of.span,
                "an object has a length here, and characters beyond ASCII count otherwise",
            );
            return object.pipe("len", Ty::Int);
        }
        let object = self.keep(object);
        let test = format!("not (or (kindIs \"string\" {0}) (kindIs \"slice\" {0}))", object.text);
        self.fail_if(&test, "a value has no length");
        let test = format!(
            "and (kindIs \"string\" {0}) (regexMatch \"[^\\\\x00-\\\\x7f]\" (toString {0}))",
            object.text
        );
        self.fail_if(&test, "a value is not ASCII");
        object.pipe("len", Ty::Int)
    }

    pub(super) fn index(
        &mut self,
        value: &Expr,
        object: &Expr,
        index: &Expr,
    ) -> Result<Go, Refusal> {
        let place = self.types.ty(index);
        if matches!(object.kind, ExprKind::Data) {
            if place != Ty::Text {
                return self.refuse(value.span, "a key that may be no string");
            }
            let key = self.value(index)?;
            let key = self.keep_in_loops(key);
            let found = self.set(&nil());
            let (each, element) = (self.temporary(), self.temporary());
            self.action(format!("range {each}, {element} := {}", self.root()));
            self.action(format!("if eq {each} {}", key.text));
            self.action(format!("{} = {element}", found.text));
            self.action("end");
            self.action("end");
            self.fail_on_inherited(index, &key, &found);
            return Ok(Go { ty: Ty::OptText, ..found });
        }
        let given = self.value(object)?;
        match (given.ty.clone(), place) {
            (Ty::Json | Ty::OptJson | Ty::Map(_), Ty::Text) => {
                let key = self.value(index)?;
                let ty = match &given.ty {
                    Ty::Map(item) => (**item).clone().join(Ty::Undefined),
                    _ => Ty::OptJson,
                };
                if self.exact && !self.is_of_a_loop(index) {
                    return Ok(self.element_or_member(index, given, key, ty));
                }
                let given = self.only_object(given);
                Ok(Go::call(format!("index {} {}", given.arg(), key.arg()), ty))
            }
            (Ty::Map(_), _) if self.is_place(index) => {
                self.known_object(object)?;
                self.refuse(value.span, "a computed key of what may be anything")
            }
            (list @ (Ty::List(_) | Ty::Json | Ty::OptJson), _) if self.is_place(index) => {
                let place = self.place(index)?;
                Ok(self.place_in(given, &place, list.item()))
            }
            _ => self.refuse(value.span, "a computed key of what may be anything"),
        }
    }

    /// What a key says that may be a number or a name.
    fn element_or_member(&mut self, index: &Expr, object: Go, key: Go, ty: Ty) -> Go {
        let (object, key) = (self.keep(object), self.keep(key));
        let found = self.set(&nil());
        if object.ty.is_json() {
            let whole = quote("^(?:0|[1-9][0-9]{0,8})$");
            self.action(format!("if kindIs \"slice\" {}", object.text));
            self.action(format!("if regexMatch {whole} {}", key.text));
            self.action(format!("if gt (len {}) (int {})", object.text, key.text));
            self.action(format!("{} = index {} (int {})", found.text, object.text, key.text));
            self.action("end");
            self.action(format!("else if regexMatch \"[A-Za-z]\" {}", key.text));
            self.fail("a list is asked for a member");
            self.action("end");
            self.action("else");
        }
        let object = self.only_object(object);
        self.action(format!("{} = index {} {}", found.text, object.text, key.text));
        if object.ty.is_json() {
            self.action("end");
        }
        self.fail_on_inherited(index, &key, &found);
        Go { ty, ..found }
    }

    /// Ends the rendering where JavaScript finds what every object has.
    fn fail_on_inherited(&mut self, index: &Expr, key: &Go, found: &Go) {
        if !self.exact || self.is_of_a_loop(index) {
            return;
        }
        let names = quote(&format!("^(?:{})$", INHERITED.join("|")));
        let test =
            format!("and (kindIs \"invalid\" {}) (regexMatch {names} {})", found.text, key.text);
        self.fail_if(&test, "a key is the name of what every object has");
    }

    /// A parameter or a variable of a loop: mostly one of the object's own keys.
    fn is_of_a_loop(&self, key: &Expr) -> bool {
        matches!(key.kind, ExprKind::Variable(id) if self.origins.constant(id).is_none())
    }

    /// Refuses what is read from YAML where it has to be something else than an object to make any
    /// sense: ESO reads objects only.
    pub(super) fn known_object(&self, value: &Expr) -> Result<(), Refusal> {
        match &value.kind {
            ExprKind::Call { function: Function::YamlLoad, .. } => {
                self.refuse(value.span, "YAML that is no object")
            }
            ExprKind::Variable(id) => match self.origins.constant(*id) {
                Some(origin) if matches!(origin.kind, ExprKind::Call { .. }) => {
                    self.known_object(origin)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn place_in(&mut self, list: Go, place: &Go, item: Ty) -> Go {
        let list = self.keep(list);
        let test = format!("lt {} 0", place.text);
        self.fail_if(&test, "an index is negative");
        if list.ty.is_json() {
            let test = format!("not (kindIs \"slice\" {})", list.text);
            self.fail_if(&test, "a value is not a list");
        }
        let found = self.set(&nil());
        self.action(format!("if gt (len {}) {}", list.text, place.text));
        self.action(format!("{} = index {} {}", found.text, list.text, place.text));
        self.action("end");
        Go { ty: item.join(Ty::Undefined), ..found }
    }

    /// `a?.b`: nil when `a` is nil.
    fn optional_member(&mut self, value: &Expr, object: Go, key: &str) -> Result<Go, Refusal> {
        let object = self.keep(object);
        if object.ty.is_json() {
            self.fails_on_others(value);
        }
        if !object.ty.is_json() && !matches!(object.ty, Ty::Map(_) | Ty::OptText | Ty::Text) {
            return self.refuse(value.span, "an optional chain on what is never an object");
        }
        let found = self.set(&nil());
        self.action(format!("if not (kindIs \"invalid\" {})", object.text));
        let inner = match &object.ty {
            Ty::OptText | Ty::Text if key == "length" => object.pipe("len", Ty::Int),
            Ty::OptText | Ty::Text => {
                return self.refuse(value.span, "an optional chain on what is never an object");
            }
            _ if key == "length" => self.length(object, value),
            _ => {
                let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
                if is_index {
                    self.element(object, key, Ty::Json)
                } else {
                    let object = self.only_object(object);
                    self.named(&object, key)
                }
            }
        };
        let ty = inner.ty.clone().join(Ty::Undefined);
        let inner = self.held(inner, &ty);
        self.action(format!("{} = {}", found.text, inner.text));
        self.action("end");
        Ok(Go { ty, ..found })
    }

    /// The object and key of a chain that ends in `?.k`; an empty object where there is none.
    pub(super) fn optional_owner(
        &mut self,
        value: &Expr,
        inner: &Expr,
    ) -> Result<Option<(Go, String)>, Refusal> {
        let ExprKind::Member { object, key, optional: true } = &inner.kind else {
            return Ok(None);
        };
        let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        if is_index || key == "length" || !self.types.ty(object).is_json() {
            return Ok(None);
        }
        self.fails_on_others(value);
        let before =
            if has_optional(object) { self.chain(value, object)? } else { self.value(object)? };
        let owner = self.set(&before);
        self.action(format!("if kindIs \"invalid\" {}", owner.text));
        self.action(format!("{} = dict", owner.text));
        self.action("end");
        let owner = self.only_object(owner);
        Ok(Some((owner, key.clone())))
    }

    /// An optional chain: where the optional link is the last one, or where what follows are
    /// members, each of which may be of nothing.
    pub(super) fn chain(&mut self, value: &Expr, inner: &Expr) -> Result<Go, Refusal> {
        if let ExprKind::Method { receiver, .. } = &inner.kind
            && !has_optional(receiver)
        {
            return self.value(inner);
        }
        let ExprKind::Member { object, key, optional } = &inner.kind else {
            return self.refuse(value.span, "an optional chain of this kind");
        };
        if !has_optional(object) {
            return self.member(inner, object, key, *optional);
        }
        let before = self.chain(value, object)?;
        if *optional {
            return self.optional_member(inner, before, key);
        }
        // `a?.b.c`: nothing when `a` is nothing, an error when only `b` is.
        let Some(start) = short_circuit(object) else {
            return self.refuse(value.span, "an optional chain of this kind");
        };
        let (made, start) = self.aside(|printer| printer.value(start))?;
        if !made.is_empty() || !start.simple {
            // Evaluated a second time, it costs what it did the first time and changes nothing.
            self.out.extend(made);
        }
        let start = self.keep(start);
        let before = self.keep(before);
        let found = self.set(&nil());
        self.action(format!("if not (kindIs \"invalid\" {})", start.text));
        let before = self.only_object(before);
        let named = self.named(&before, key);
        self.action(format!("{} = {}", found.text, named.text));
        self.action("end");
        Ok(Go { ty: Ty::OptJson, ..found })
    }
}

fn has_optional(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Member { object, optional, .. } => *optional || has_optional(object),
        _ => false,
    }
}

/// What the only optional link of a chain stands behind.
fn short_circuit(value: &Expr) -> Option<&Expr> {
    match &value.kind {
        ExprKind::Member { object, optional: true, .. } if !has_optional(object) => Some(object),
        ExprKind::Member { object, optional: false, .. } => short_circuit(object),
        _ => None,
    }
}
