//! Searches, and methods that strings and lists have both.

use super::go::{Go, quote};
use super::types::Ty;
use super::{Printer, nil, regex};
use crate::lodash::Refusal;
use crate::lodash::ir::{Expr, ExprKind, Method, Regex};

impl Printer<'_> {
    /// `slice`, `includes` or `indexOf` of what may be a string or a list.
    pub(super) fn by_kind(
        &mut self,
        value: &Expr,
        method: Method,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let given = self.value(receiver)?;
        let given = self.keep(given);
        let found = self.set(&nil());
        self.action(format!("if kindIs \"slice\" {}", given.text));
        let of_list = match (method, arguments) {
            (Method::Slice, _) => self.list_part(value, &given, arguments, Ty::list(Ty::Json))?,
            (Method::IndexOf, [item]) if self.types.ty(item) == Ty::Text => {
                self.place_in_list(&given, item)?
            }
            (_, [item]) if self.types.ty(item) == Ty::Text => {
                let item = self.value(item)?;
                Go::call(format!("has {} {}", item.arg(), given.text), Ty::Bool)
            }
            _ => return self.refuse(value.span, "a search for what may be anything"),
        };
        self.action(format!("{} = {}", found.text, of_list.text));
        self.action("else");
        let text = Go { ty: Ty::Text, ..given };
        let of_text = self.string_method(value, method, text, arguments)?;
        self.action(format!("{} = {}", found.text, of_text.text));
        self.action("end");
        let ty = match method {
            Method::Slice => Ty::Json,
            Method::IndexOf => Ty::Int,
            _ => Ty::Bool,
        };
        Ok(Go { ty, ..found })
    }

    /// `list.indexOf(text)`
    pub(super) fn place_of(
        &mut self,
        value: &Expr,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let [wanted] = arguments else {
            return self.refuse(value.span, "a search from a place on");
        };
        let list = self.value(receiver)?;
        if list.ty != Ty::list(Ty::Text) || !matches!(self.types.ty(wanted), Ty::Text | Ty::OptText)
        {
            return self.refuse(value.span, "a search for what may be anything");
        }
        self.place_in_list(&list, wanted)
    }

    /// The place of a text in a list that may hold other things.
    fn place_in_list(&mut self, list: &Go, wanted: &Expr) -> Result<Go, Refusal> {
        let wanted = self.value(wanted)?;
        let wanted = self.keep_in_loops(wanted);
        let found = self.set(&Go::simple("-1", Ty::Int));
        let (place, item) = (self.temporary(), self.temporary());
        self.action(format!("range {place}, {item} := {}", list.text));
        let is_text =
            if list.ty.is_json() { format!("(kindIs \"string\" {item}) ") } else { String::new() };
        self.action(format!("if and (eq {} -1) {is_text}(eq {item} {})", found.text, wanted.text));
        self.action(format!("{} = {place}", found.text));
        self.action("end");
        self.action("end");
        Ok(found)
    }

    /// The text and pattern of `E.match(/re/)`.
    fn searched(
        &mut self,
        receiver: &Expr,
        given: &Regex,
        pattern: &Expr,
    ) -> Result<(Go, regex::Pattern), Refusal> {
        let pattern = regex::to_go(given, pattern.span)?;
        let text = self.string_argument(receiver)?;
        let text = self.one_kind_of_line(text, pattern.lines);
        Ok((text, pattern))
    }

    /// `E.match(/re/g)`: all matches; without any it is null, and an empty list here.
    pub(super) fn matches(
        &mut self,
        value: &Expr,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        match arguments {
            [pattern]
                if let ExprKind::Regex(given) = &pattern.kind
                    && given.global =>
            {
                let (text, go) = self.searched(receiver, given, pattern)?;
                if go.may_be_empty {
                    return self.refuse(value.span, "a regular expression that may match nothing");
                }
                let found = self.set(&Go::call(
                    format!("regexFindAll {} {} -1", quote(&go.text), text.arg()),
                    Ty::list(Ty::Text),
                ));
                Ok(found)
            }
            _ => self.refuse(value.span, "the result of `match`"),
        }
    }

    /// `E.match(/re/)[k]`; a match that is not there ends the rendering, as it threw in KES.
    pub(super) fn group(
        &mut self,
        value: &Expr,
        object: &Expr,
        key: &str,
    ) -> Result<Option<Go>, Refusal> {
        let ExprKind::Method { method: Method::Match, receiver, arguments, optional: false } =
            &object.kind
        else {
            return Ok(None);
        };
        let [pattern] = arguments.as_slice() else { return Ok(None) };
        let ExprKind::Regex(given) = &pattern.kind else { return Ok(None) };
        let Ok(group) = key.parse::<usize>() else { return Ok(None) };
        if given.global {
            return Ok(None);
        }
        let (text, go) = self.searched(receiver, given, pattern)?;
        if group > go.groups || (group > 0 && (go.repeated_groups || go.optional_groups)) {
            return self.refuse(value.span, "a group that may not match");
        }
        let text = self.keep(text);
        let whole = quote(&go.text);
        self.fail_if(&format!("not (regexMatch {whole} {})", text.text), "a value does not match");
        if group == 0 && !go.lines {
            return Ok(Some(Go::call(format!("regexFind {whole} {}", text.text), Ty::Text)));
        }
        if go.lines {
            return self.refuse(value.span, "a group that is found by lines");
        }
        let around = quote(&format!("\\A(?s:.*?)({})(?s:.*)\\z", go.text));
        let expansion = quote(&format!("${{{}}}", group + 1));
        Ok(Some(Go::call(format!("regexReplaceAll {around} {} {expansion}", text.text), Ty::Text)))
    }

    /// `if (E.match(/re/))`
    pub(super) fn match_test(&mut self, value: &Expr) -> Result<Option<Go>, Refusal> {
        let ExprKind::Method { method: Method::Match, receiver, arguments, optional: false } =
            &value.kind
        else {
            return Ok(None);
        };
        let [pattern] = arguments.as_slice() else { return Ok(None) };
        let ExprKind::Regex(given) = &pattern.kind else { return Ok(None) };
        let (text, go) = self.searched(receiver, given, pattern)?;
        let text = format!("regexMatch {} {}", quote(&go.text), text.arg());
        Ok(Some(Go::call(text, Ty::Bool)))
    }
}
