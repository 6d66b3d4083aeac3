//! Expressions as Go values.

use super::conditions::boolean;
use super::defined::Helper;
use super::go::{Go, Shape, quote};
use super::numbers::Nan;
use super::order::Arranged;
use super::types::{Ty, number_type};
use super::{Printer, nil};
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind, Function, Logical, Method, Unary};

/// Plain scalars that js-yaml 3 and Go read as different types: the booleans of YAML 1.1, octal
/// numbers of YAML 1.2, numbers to the base of 60, and dates.
const READ_OTHERWISE: &str = concat!(
    r"(?im)(?:^|[:,\[{?-])[ \t]*(?:y|n|yes|no|on|off|0o[0-7]+",
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t][^\n]*)?)[ \t\r]*(?:$|[,\]}#:])",
);

/// What Go's nil stands for in a value.
pub(super) enum Nil {
    /// Null or undefined.
    Unknown,
    Null,
    Undefined,
    /// Null under a condition of Go, otherwise undefined.
    NullIf(String),
}

impl Printer<'_> {
    /// The value of an expression.
    pub(super) fn value(&mut self, value: &Expr) -> Result<Go, Refusal> {
        match &value.kind {
            ExprKind::Undefined => Ok(nil()),
            ExprKind::Null => Ok(Go { ty: Ty::Null, ..nil() }),
            ExprKind::Bool(it) => Ok(Go::simple(it.to_string(), Ty::Bool)),
            ExprKind::Number(it) => self.number_literal(*it, value),
            ExprKind::Text(it) => Ok(Go::text(it)),
            ExprKind::Concat(parts) => {
                let mut texts = Vec::new();
                for part in parts {
                    texts.push(self.text(part)?.arg());
                }
                Ok(Go::call(format!("print {}", texts.join(" ")), Ty::Text))
            }
            ExprKind::List(items) => {
                let ty = self.types.ty(value);
                let mut texts = Vec::new();
                for item in items {
                    let given = self.value(item)?;
                    texts.push(self.held_inside(given, &ty.item()).arg());
                }
                Ok(Go::call(format!("list {}", texts.join(" ")).trim_end().to_owned(), ty))
            }
            ExprKind::Object(members) => self.object(value, members),
            ExprKind::Data => Ok(Go::simple(self.root(), Ty::Map(Box::new(Ty::Text)))),
            ExprKind::Variable(id) => Ok(Go::simple(self.name(*id), self.types.variable(*id))),
            ExprKind::Member { object, key, optional } => {
                self.member(value, object, key, *optional)
            }
            ExprKind::Index { object, index, optional } => {
                if *optional {
                    return self.refuse(value.span, "an optional chain with a computed key");
                }
                self.index(value, object, index)
            }
            ExprKind::Chain(inner) => self.chain(value, inner),
            ExprKind::Unary { operator, operand } => match operator {
                Unary::Not => self.condition(value),
                Unary::Plus => self.number(operand),
                Unary::Minus => self.minus(operand),
                Unary::Typeof => self.type_of(operand),
            },
            ExprKind::Binary { operator: Binary::Add, left, right }
                if self.types.ty(value) == Ty::Text =>
            {
                let mut texts = Vec::new();
                self.sides(left, right, &mut texts)?;
                Ok(Go::call(format!("print {}", texts.join(" ")), Ty::Text))
            }
            ExprKind::Binary { operator, left, right } => match operator {
                Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                    self.arithmetic(value, *operator, left, right)
                }
                _ => self.condition(value),
            },
            ExprKind::Logical { operator, left, right } => {
                self.logical(value, *operator, left, right)
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                let ty = self.types.ty(value);
                let test = self.condition(condition)?;
                let name = self.temporary();
                self.action(format!("{name} := {}", nil().text));
                self.action(format!("if {}", test.text));
                let given = self.value(then)?;
                let given = self.held(given, &ty);
                self.action(format!("{name} = {}", given.text));
                self.action("else");
                let given = self.value(otherwise)?;
                let given = self.held(given, &ty);
                self.action(format!("{name} = {}", given.text));
                self.action("end");
                Ok(Go::simple(name, ty))
            }
            ExprKind::Call { function, arguments } => self.call(value, *function, arguments),
            ExprKind::Recode { value: inner, from, to } => self.recode(value, inner, *from, *to),
            ExprKind::Method { method, receiver, arguments, optional } => {
                if *optional {
                    return self.optional_method(value, *method, receiver, arguments);
                }
                self.method(value, *method, receiver, arguments)
            }
            ExprKind::Each { method, receiver, item, index, result, optional } => {
                if *optional {
                    return self.refuse(value.span, "an optional call of a method");
                }
                self.each(value, *method, receiver, item, *index, result)
            }
            ExprKind::Regex(_) => self.refuse(value.span, "a regular expression in this place"),
        }
    }

    /// The operands of a chain of `+` that makes a string.
    fn joined(&mut self, value: &Expr, texts: &mut Vec<String>) -> Result<(), Refusal> {
        if let ExprKind::Binary { operator: Binary::Add, left, right } = &value.kind
            && self.types.ty(value) == Ty::Text
        {
            return self.sides(left, right, texts);
        }
        texts.push(self.text(value)?.arg());
        Ok(())
    }

    fn sides(&mut self, left: &Expr, right: &Expr, texts: &mut Vec<String>) -> Result<(), Refusal> {
        let is_sure = self.joins_surely(left, right);
        for side in [left, right] {
            if !is_sure && is_stringify(side) {
                texts.push(self.value(side)?.arg());
            } else {
                self.joined(side, texts)?;
            }
        }
        Ok(())
    }

    /// Whether a `+` has a side that is a string whatever the values are. `JSON.stringify` of what is
    /// undefined is undefined, and without a string beside it that would be a number.
    pub(super) fn joins_surely(&self, left: &Expr, right: &Expr) -> bool {
        [left, right].iter().any(|side| self.types.ty(side).is_joined() && !is_stringify(side))
    }

    fn number_literal(&mut self, number: f64, value: &Expr) -> Result<Go, Refusal> {
        match number_type(number) {
            Ty::Int => Ok(Go::simple(format!("{number:.0}"), Ty::Int)),
            _ if number.is_finite() && number != 0.0 => {
                let text = format!("{number:e}");
                Ok(Go::simple(text, Ty::Float))
            }
            _ => self.refuse(value.span, "a number that Go has no literal for"),
        }
    }

    /// `String(E)` as a value; what is null or missing ends the rendering where it is not known
    /// which.
    pub(super) fn text(&mut self, value: &Expr) -> Result<Go, Refusal> {
        match self.types.ty(value) {
            Ty::Undefined => return Ok(Go::text("undefined")),
            Ty::Null => return Ok(Go::text("null")),
            _ => {}
        }
        self.known_object(value)?;
        if let Some(sum) = self.printed_sum(value, Nan::Text)? {
            return Ok(sum);
        }
        if let ExprKind::Call { function: Function::JsonStringify, arguments } = &value.kind {
            let (json, absent) = self.stringify(value.span, arguments)?;
            let Some(absent) = absent else { return Ok(json) };
            let text = self.set(&Go::text("undefined"));
            self.action(format!("if not ({absent})"));
            self.action(format!("{} = {}", text.text, json.text));
            self.action("end");
            return Ok(text);
        }
        let (given, nil) = self.value_or_nil(value)?;
        Ok(self.shown(given, &nil, value))
    }

    /// `String(E)` of what must be there.
    pub(super) fn text_of_something(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.value(value)?;
        Ok(self.shown(given, &Nil::Unknown, value))
    }

    fn shown(&mut self, given: Go, nil: &Nil, of: &Expr) -> Go {
        if given.ty.is_json() && !self.exact {
            self.note(&codes::W13, of.span, "a number or a missing value would print otherwise");
            return given.pipe("toString", Ty::Text);
        }
        self.text_of(given, nil)
    }

    /// `String(E)` of a value of Go.
    pub(super) fn text_of(&mut self, given: Go, nil: &Nil) -> Go {
        match &given.ty {
            Ty::Text => given,
            Ty::Int | Ty::Bool => given.pipe("toString", Ty::Text),
            Ty::Number => self.number_text(given, "NaN"),
            Ty::OptText => {
                let text = self.set(&given);
                self.action(format!("if kindIs \"invalid\" {}", text.text));
                self.action(format!("{} = \"undefined\"", text.text));
                self.action("end");
                Go { ty: Ty::Text, ..text }
            }
            Ty::List(item) if **item == Ty::Text => given.pipe("join \",\"", Ty::Text),
            _ => {
                let words = ("\"null\"", "\"undefined\"");
                self.with_nil(Helper::Text, &given, nil, words, "text", Ty::Text)
            }
        }
    }

    /// A string, where JavaScript throws for anything else.
    pub(super) fn string_argument(&mut self, value: &Expr) -> Result<Go, Refusal> {
        if let ExprKind::Member { object, key, optional: false } = &value.kind
            && matches!(object.kind, ExprKind::Data)
        {
            return Ok(self.data_or_failure(key));
        }
        let given = self.value(value)?;
        match given.ty {
            Ty::Json | Ty::OptJson if self.exact => Ok(self.only_text(given)),
            // Go's own functions take nothing but a string there.
            Ty::Text | Ty::OptText | Ty::Json | Ty::OptJson => Ok(Go { ty: Ty::Text, ..given }),
            _ => self.refuse(value.span, "something else than a string"),
        }
    }

    /// Runs a helper on a value.
    pub(super) fn with_helper(&mut self, helper: Helper, value: &Go, result: &str, ty: Ty) -> Go {
        self.with_nil(helper, value, &Nil::Unknown, ("", ""), result, ty)
    }

    /// Runs a helper on a value that may be nil, with what null and undefined become.
    pub(super) fn with_nil(
        &mut self,
        helper: Helper,
        value: &Go,
        nil: &Nil,
        (null, undefined): (&str, &str),
        result: &str,
        ty: Ty,
    ) -> Go {
        let nil = match nil {
            Nil::Unknown => String::new(),
            Nil::Null => format!(" \"nil\" {null}"),
            Nil::Undefined => format!(" \"nil\" {undefined}"),
            Nil::NullIf(test) => format!(" \"nil\" (ternary {null} {undefined} ({test}))"),
        };
        let name = self.helper(helper);
        let box_ = self.set(&Go::call(format!("dict \"value\" {}{nil}", value.arg()), Ty::Json));
        self.action(format!("template {} {}", quote(name), box_.text));
        Go { text: format!("{}.{result}", box_.text), shape: Shape::Operand, ty, simple: true }
    }

    fn logical(
        &mut self,
        value: &Expr,
        operator: Logical,
        left: &Expr,
        right: &Expr,
    ) -> Result<Go, Refusal> {
        let ty = self.types.ty(value);
        // An absent key is as false as an empty one.
        let given = match (&left.kind, operator) {
            (ExprKind::Member { object, key, .. }, Logical::Or)
                if matches!(object.kind, ExprKind::Data) =>
            {
                self.data_or_nothing(key)
            }
            _ => self.value(left)?,
        };
        if operator == Logical::Coalesce
            && matches!(
                given.ty,
                Ty::Text | Ty::Int | Ty::Float | Ty::Number | Ty::Bool | Ty::List(_) | Ty::Map(_)
            )
        {
            return Ok(given);
        }
        if matches!(given.ty, Ty::Text | Ty::Bool | Ty::Int) && operator != Logical::Coalesce {
            let (before, other) = self.aside(|it| {
                let other = it.value(right)?;
                Ok(it.held(other, &ty))
            })?;
            if before.is_empty() {
                let name = if operator == Logical::Or { "or" } else { "and" };
                let given = self.held(given, &ty);
                return Ok(Go::call(format!("{name} {} {}", given.arg(), other.arg()), ty));
            }
        }
        let given = self.held(given, &ty);
        let kept = self.set(&given);
        let test = match operator {
            Logical::Coalesce => format!("kindIs \"invalid\" {}", kept.text),
            Logical::Or => format!("not {}", self.truth(&kept).arg()),
            Logical::And => self.truth(&kept).text,
        };
        self.action(format!("if {test}"));
        let other = self.value(right)?;
        let other = self.held(other, &ty);
        self.action(format!("{} = {}", kept.text, other.text));
        self.action("end");
        Ok(Go { ty, ..kept })
    }

    fn call(
        &mut self,
        value: &Expr,
        function: Function,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let Some(first) = arguments.first() else {
            return self.refuse(value.span, "a function without an argument");
        };
        match function {
            Function::JsonParse => {
                let text = self.string_argument(first)?;
                if !self.exact {
                    return Ok(text.pipe("fromJson", Ty::Json));
                }
                let text = self.keep(text);
                let helper = self.helper(Helper::Finite);
                self.action(format!("template {} {}", quote(helper), text.text));
                Ok(text.pipe("mustFromJson", Ty::Json))
            }
            Function::JsonStringify => {
                let (json, absent) = self.stringify(value.span, arguments)?;
                if let Some(absent) = absent {
                    self.fail_if(&absent, "a value is missing");
                }
                Ok(json)
            }
            Function::YamlDump => {
                let yaml = self.yaml(value.span, first)?;
                Ok(Go::call(format!("print {} \"\\n\"", yaml.arg()), Ty::Text))
            }
            Function::YamlLoad => {
                let text = self.string_argument(first)?;
                if !self.exact {
                    self.note(
                        &codes::W07,
                        value.span,
                        "ESO reads YAML by older rules: yes, no, on, off and dates are no strings",
                    );
                    return Ok(text.pipe("fromYaml", Ty::Map(Box::new(Ty::Json))));
                }
                if matches!(&self.origins.followed(first).kind,
                    ExprKind::Text(text) if text.contains("__proto__"))
                {
                    return self.refuse(value.span, "YAML that sets a prototype");
                }
                let text = self.keep(text);
                let read = self.set(&text.pipe("fromYaml", Ty::Map(Box::new(Ty::Json))));
                // Nothing, and what sets a prototype, is an object here only.
                let test = format!(
                    "or (hasKey {0} \"Error\") (contains \"__proto__\" {1}) (and (not {0}) (not (contains \"{{\" {1})))",
                    read.text, text.text
                );
                self.fail_if(&test, "not a YAML object");
                self.note(
                    &codes::W08,
                    value.span,
                    "YAML that ESO reads in another way (y, yes, on, 0o17, 12:30, dates) is an \
                     error of the whole object here",
                );
                let test = format!("regexMatch {} {}", quote(READ_OTHERWISE), text.text);
                self.fail_if(&test, "ESO reads a value of this YAML in another way");
                Ok(read)
            }
            Function::Escape => {
                let ty = self.types.ty(first);
                match ty {
                    Ty::Text => {
                        let given = self.value(first)?;
                        Ok(super::escape::escaped(&given))
                    }
                    _ => self.refuse(value.span, "`_.escape` of what may be no string"),
                }
            }
            Function::EncodeUriComponent => {
                let text = self.text(first)?;
                Ok(text.pipe(
                    r#"urlquery | replace "+" "%20" | replace "%21" "!" | replace "%27" "'" | replace "%28" "(" | replace "%29" ")" | replace "%2A" "*""#,
                    Ty::Text,
                ))
            }
            Function::String => self.text(first),
            Function::Number => self.number(first),
            Function::ParseInt => self.parse_int(value, arguments),
            Function::ParseFloat => self.parse_float(first),
            Function::Boolean => {
                let test = self.condition(first)?;
                Ok(boolean(test))
            }
            Function::IsArray => {
                let given = self.value(first)?;
                Ok(match given.ty {
                    Ty::Json | Ty::OptJson => {
                        Go::call(format!("kindIs \"slice\" {}", given.arg()), Ty::Bool)
                    }
                    Ty::List(_) => Go::simple("true", Ty::Bool),
                    _ => Go::simple("false", Ty::Bool),
                })
            }
            Function::Keys if matches!(first.kind, ExprKind::Data) => {
                self.reorders(Arranged::Keys, value.span)?;
                let list = self.set(&Go::call("list", Ty::list(Ty::Text)));
                let key = self.temporary();
                self.action(format!("range {key}, $_ := {}", self.root()));
                self.action(format!("{0} = append {0} {key}", list.text));
                self.action("end");
                Ok(list)
            }
            Function::Keys => {
                let object = self.map_argument(first)?;
                if let Some(ordered) = self.in_order(first, Arranged::Keys, value.span)? {
                    let list = self.set(&Go::call("list", Ty::list(Ty::Text)));
                    let key = self.temporary();
                    self.action(format!("range {key}, $_ := {}", ordered.text));
                    self.action(format!("{0} = append {0} ({1})", list.text, Self::key_of(&key)));
                    self.action("end");
                    return Ok(list);
                }
                Ok(object.pipe("keys | sortAlpha", Ty::list(Ty::Text)))
            }
            Function::Values => self.values_of(value, first),
            Function::Assign => self.assign(value, arguments),
            Function::FromEntries
                if let Some((key, member)) = super::json::single_entry(arguments)
                    && !self.types.ty(member).may_be_undefined() =>
            {
                let key = self.text(key)?;
                let member = self.value(member)?;
                let member = self.held(member, &Ty::Json);
                let ty = Ty::Map(Box::new(Ty::Json));
                Ok(Go::call(format!("dict {} {}", key.arg(), member.arg()), ty))
            }
            Function::Entries | Function::FromEntries => {
                self.refuse(value.span, "entries of an object outside a loop over them")
            }
            Function::EncodeUri => {
                let text = self.text(first)?;
                let mut function = "urlquery | replace \"+\" \"%20\"".to_owned();
                for (code, c) in [
                    ("%21", "!"),
                    ("%23", "#"),
                    ("%24", "$"),
                    ("%26", "&"),
                    ("%27", "'"),
                    ("%28", "("),
                    ("%29", ")"),
                    ("%2A", "*"),
                    ("%2B", "+"),
                    ("%2C", ","),
                    ("%2F", "/"),
                    ("%3A", ":"),
                    ("%3B", ";"),
                    ("%3D", "="),
                    ("%3F", "?"),
                    ("%40", "@"),
                ] {
                    function.extend([" | replace ", &quote(code), " ", &quote(c)]);
                }
                Ok(text.pipe(&function, Ty::Text))
            }
            Function::DecodeUriComponent => {
                self.refuse(value.span, "a function for URLs that has no counterpart")
            }
        }
    }

    /// An object, where it has to be one.
    pub(super) fn map_argument(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.value(value)?;
        match given.ty {
            Ty::Map(_) if given.text == "." || given.text == "$" => {
                self.refuse(value.span, "the keys of `data`")
            }
            Ty::Map(_) | Ty::Json | Ty::OptJson => Ok(self.only_object(given)),
            _ => self.refuse(value.span, "something else than an object"),
        }
    }

    /// A value that has to be a string.
    pub(super) fn only_text(&mut self, given: Go) -> Go {
        let given = self.keep(given);
        let test = format!("not (kindIs \"string\" {})", given.text);
        self.fail_if(&test, "a value is not a string");
        Go { ty: Ty::Text, ..given }
    }

    /// A value that has to be an object.
    pub(super) fn only_object(&mut self, given: Go) -> Go {
        if !self.exact || !given.ty.is_json() {
            return given;
        }
        let given = self.keep(given);
        let test = format!("not (kindIs \"map\" {})", given.text);
        self.fail_if(&test, super::NO_OBJECT);
        given
    }

    /// `typeof E` as a value.
    fn type_of(&mut self, operand: &Expr) -> Result<Go, Refusal> {
        if let Some(name) = self.type_name(operand) {
            return Ok(Go::text(name));
        }
        let name = self.set(&Go::simple("\"object\"", Ty::Text));
        let undefined = self.undefined_test(operand)?;
        let given = self.json_value(operand)?;
        for (i, (kind, word)) in
            [("string", "string"), ("float64", "number"), ("bool", "boolean")].iter().enumerate()
        {
            let start = if i == 0 { "if" } else { "else if" };
            self.action(format!("{start} kindIs {} {}", quote(kind), given.text));
            self.action(format!("{} = {}", name.text, quote(word)));
        }
        self.action(format!("else if {undefined}"));
        self.action(format!("{} = \"undefined\"", name.text));
        self.action("end");
        Ok(name)
    }

    /// `E?.m()` of what is a string or nothing.
    fn optional_method(
        &mut self,
        value: &Expr,
        method: Method,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        if !matches!(self.types.ty(receiver), Ty::Text | Ty::OptText | Ty::Json | Ty::OptJson)
            || !matches!(
                method,
                Method::ToUpperCase
                    | Method::ToLowerCase
                    | Method::Trim
                    | Method::Replace
                    | Method::ReplaceAll
                    | Method::Split
                    | Method::Substring
                    | Method::StartsWith
                    | Method::EndsWith
                    | Method::PadStart
                    | Method::PadEnd
                    | Method::Repeat
            )
        {
            return self.refuse(value.span, "an optional call of this method");
        }
        let given = self.value(receiver)?;
        let given = self.keep(given);
        let found = self.set(&nil());
        self.action(format!("if not (kindIs \"invalid\" {})", given.text));
        let result = self.string_method(value, method, Go { ty: Ty::Text, ..given }, arguments)?;
        let ty = result.ty.clone().join(Ty::Undefined);
        self.action(format!("{} = {}", found.text, result.text));
        self.action("end");
        Ok(Go { ty, ..found })
    }
}

pub(super) fn is_stringify(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Call { function: Function::JsonStringify, .. })
}
