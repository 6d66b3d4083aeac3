//! `JSON.stringify`, `yaml.dump`, and objects.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::order::Arranged;
use super::strings::only_ascii_in;
use super::types::Ty;
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Each, Expr, ExprKind, Function, Span};

/// JSON text, in parts.
#[derive(Default)]
struct Parts {
    parts: Vec<String>,
    literal: String,
}

impl Parts {
    fn text(&mut self, text: &str) {
        self.literal.push_str(text);
    }

    fn go(&mut self, go: &Go) {
        self.flush();
        self.parts.push(go.arg());
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(quote(&std::mem::take(&mut self.literal)));
        }
    }

    fn joined(mut self) -> Go {
        self.flush();
        match self.parts.as_slice() {
            [only] if only.starts_with('"') => Go::simple(only.clone(), Ty::Text),
            _ => Go::call(format!("print {}", self.parts.join(" ")), Ty::Text),
        }
    }
}

impl Printer<'_> {
    /// `JSON.stringify` of the arguments, and when it would be undefined.
    pub(super) fn stringify(
        &mut self,
        span: Span,
        arguments: &[Expr],
    ) -> Result<(Go, Option<String>), Refusal> {
        let Some(value) = arguments.first() else {
            return self.refuse(span, "`JSON.stringify` without an argument");
        };
        let step = match arguments.get(2).map(|step| &step.kind) {
            None | Some(ExprKind::Null | ExprKind::Undefined) => String::new(),
            Some(ExprKind::Number(width)) if *width < 1.0 => String::new(),
            Some(ExprKind::Number(width)) if *width >= 10.0 => " ".repeat(10),
            Some(ExprKind::Number(width)) => {
                let mut step = String::new();
                while step.len() < 10
                    && f64::from(u8::try_from(step.len()).unwrap_or(10)) + 1.0 <= *width
                {
                    step.push(' ');
                }
                step
            }
            Some(ExprKind::Text(text)) => text.chars().take(10).collect(),
            Some(_) => return self.refuse(span, "an indentation that is computed"),
        };
        if self.is_written_out(value) {
            let mut parts = Parts::default();
            self.json(value, "", &step, &mut parts)?;
            return Ok((parts.joined(), None));
        }
        let (given, absent) = self.maybe_absent(value)?;
        let json = self.stringified(value, &given, "", &step)?;
        Ok((json, absent))
    }

    /// A value, and when it is undefined.
    fn maybe_absent(&mut self, value: &Expr) -> Result<(Go, Option<String>), Refusal> {
        match self.types.ty(value) {
            Ty::Undefined | Ty::Never => self.refuse(value.span, "JSON of undefined"),
            Ty::OptText => {
                let given = self.value(value)?;
                let given = self.keep(given);
                let absent = format!("kindIs \"invalid\" {}", given.text);
                Ok((given, Some(absent)))
            }
            Ty::OptJson if self.exact => {
                if let Some((object, key)) = self.owner(value)? {
                    let key = quote(&key);
                    let absent = format!("not (hasKey {} {key})", object.text);
                    let given = Go::call(format!("index {} {key}", object.text), Ty::Json);
                    return Ok((given, Some(absent)));
                }
                let given = self.value(value)?;
                let given = self.keep(given);
                let test = format!("kindIs \"invalid\" {}", given.text);
                self.fail_if(&test, "a value is null or missing");
                Ok((given, None))
            }
            _ => Ok((self.value(value)?, None)),
        }
    }

    /// True for literals, whose members keep their order, for lists of them, and for lists of
    /// numbers, which may be none.
    fn is_written_out(&self, value: &Expr) -> bool {
        match &value.kind {
            ExprKind::Object(_) | ExprKind::List(_) => true,
            ExprKind::Each { method: Each::Map, result, optional: false, .. } => {
                self.is_written_out(result) || self.types.ty(result) == Ty::Number
            }
            ExprKind::Call { function: Function::FromEntries, arguments } => {
                single_entry(arguments).is_some()
            }
            _ => false,
        }
    }

    /// JSON of a value that is there.
    fn stringified(
        &mut self,
        value: &Expr,
        given: &Go,
        indent: &str,
        step: &str,
    ) -> Result<Go, Refusal> {
        let scalar = matches!(given.ty, Ty::Text | Ty::OptText | Ty::Int | Ty::Bool | Ty::Float);
        let texts = matches!(&given.ty, Ty::List(item) if **item == Ty::Text);
        if let ExprKind::Text(text) = &value.kind {
            return Ok(Go::text(&serde_json::Value::from(text.as_str()).to_string()));
        }
        if given.ty == Ty::Number {
            return Ok(self.number_text(given.clone(), "null"));
        }
        if given.ty == Ty::Float {
            return Ok(self.with_helper(Helper::Text, given, "text", Ty::Text));
        }
        if scalar || texts && step.is_empty() {
            let json = given.pipe("toRawJson", Ty::Text);
            let ascii = !matches!(given.ty, Ty::Text | Ty::OptText | Ty::List(_))
                || only_ascii_in(self.origins.followed(value));
            return Ok(if ascii { json } else { self.checked_json(json) });
        }
        if texts {
            return Ok(self.indented(given, indent, step));
        }
        self.json_in_order(value, given, |printer, given| {
            if step.is_empty() {
                printer.checked_json(given.pipe("toRawJson", Ty::Text))
            } else {
                printer.indented(given, indent, step)
            }
        })
    }

    /// JSON in several lines.
    fn indented(&mut self, given: &Go, indent: &str, step: &str) -> Go {
        let name = self.helper(Helper::Pretty);
        let box_ = self.set(&Go::call(
            format!(
                "dict \"value\" {} \"indent\" {} \"step\" {}",
                given.arg(),
                quote(indent),
                quote(step)
            ),
            Ty::Json,
        ));
        self.action(format!("template {} {}", quote(name), box_.text));
        self.checked_json(Go::simple(format!("{}.text", box_.text), Ty::Text))
    }

    /// JSON in which nothing stands that JavaScript writes otherwise: -0, and two line breaks.
    fn checked_json(&mut self, json: Go) -> Go {
        if !self.exact {
            return json;
        }
        let json = self.keep(json);
        let pattern = quote("(?:^|[:\\[,]\\s*)-0(?:[,\\]}\\s]|$)|\\\\u202[89]");
        self.fail_if(
            &format!("regexMatch {pattern} {}", json.text),
            "JSON that is written otherwise in Go",
        );
        json
    }

    /// JSON text of a literal, in the order that it was written.
    fn json(
        &mut self,
        value: &Expr,
        indent: &str,
        step: &str,
        out: &mut Parts,
    ) -> Result<(), Refusal> {
        let inner = format!("{indent}{step}");
        let (line, end) = if step.is_empty() {
            (String::new(), String::new())
        } else {
            (format!("\n{inner}"), format!("\n{indent}"))
        };
        match &value.kind {
            ExprKind::Object(members) => {
                // JavaScript puts keys that are numbers first.
                let mut members: Vec<&(String, Expr)> = members.iter().collect();
                members.sort_by_key(|(key, _)| index_key(key).map_or((1, 0), |index| (0, index)));
                if members.is_empty() {
                    out.text("{}");
                    return Ok(());
                }
                let optional = members.iter().any(|(_, it)| match self.types.ty(it) {
                    Ty::OptJson => self.exact,
                    ty => ty.may_be_undefined(),
                });
                let loose = members.iter().any(|(_, it)| self.types.ty(it) == Ty::OptJson);
                if loose && !self.exact {
                    self.note(
                        &codes::W07,
                        value.span,
                        "a member that is missing would be null instead of left out",
                    );
                }
                if optional {
                    return self.json_with_holes(value, &members, indent, step, out);
                }
                out.text("{");
                for (i, (key, member)) in members.iter().enumerate() {
                    out.text(if i == 0 { "" } else { "," });
                    out.text(&line);
                    out.text(&json_key(key, step));
                    self.json(member, &inner, step, out)?;
                }
                out.text(&end);
                out.text("}");
                Ok(())
            }
            ExprKind::Call { function: Function::FromEntries, arguments }
                if let Some((key, member)) = single_entry(arguments)
                    && self.types.ty(key) == Ty::Text
                    && !self.types.ty(member).may_be_undefined() =>
            {
                out.text("{");
                out.text(&line);
                let name = self.value(key)?;
                let name = self.stringified(key, &name, &inner, step)?;
                out.go(&name);
                out.text(if step.is_empty() { ":" } else { ": " });
                self.json(member, &inner, step, out)?;
                out.text(&end);
                out.text("}");
                Ok(())
            }
            ExprKind::Each {
                method: Each::Map,
                receiver,
                item,
                index,
                result,
                optional: false,
            } if self.is_written_out(value) => {
                let list = self.set(&Go::call("list", Ty::list(Ty::Text)));
                self.over(receiver, true, item, *index, |printer| {
                    let mut parts = Parts::default();
                    printer.json(result, &inner, step, &mut parts)?;
                    let element = parts.joined();
                    printer.action(format!("{0} = append {0} {1}", list.text, element.arg()));
                    Ok(())
                })?;
                let text = self.set(&Go::text("[]"));
                self.action(format!("if {}", list.text));
                self.action(format!(
                    "{} = print {} (join {} {}) {}",
                    text.text,
                    quote(&format!("[{line}")),
                    quote(&format!(",{line}")),
                    list.text,
                    quote(&format!("{end}]"))
                ));
                self.action("end");
                out.go(&text);
                Ok(())
            }
            ExprKind::List(items) => {
                if items.is_empty() {
                    out.text("[]");
                    return Ok(());
                }
                out.text("[");
                for (i, item) in items.iter().enumerate() {
                    out.text(if i == 0 { "" } else { "," });
                    out.text(&line);
                    // Undefined is null in a list.
                    if self.is_written_out(item) {
                        self.json(item, &inner, step, out)?;
                    } else {
                        let given = self.value(item)?;
                        let json = self.stringified(item, &given, &inner, step)?;
                        out.go(&json);
                    }
                }
                out.text(&end);
                out.text("]");
                Ok(())
            }
            _ => {
                let given = self.value(value)?;
                let json = self.stringified(value, &given, indent, step)?;
                let json = if step.is_empty() { json } else { self.keep(json) };
                out.go(&json);
                Ok(())
            }
        }
    }

    /// An object some of whose members may be undefined, which leaves them out.
    fn json_with_holes(
        &mut self,
        value: &Expr,
        members: &[&(String, Expr)],
        indent: &str,
        step: &str,
        out: &mut Parts,
    ) -> Result<(), Refusal> {
        if !step.is_empty() {
            return self.refuse(value.span, "an indented object whose members may be missing");
        }
        let list = self.set(&Go::call("list", Ty::list(Ty::Text)));
        for (key, member) in members {
            if self.types.ty(member) == Ty::Undefined {
                continue;
            }
            let mut parts = Parts::default();
            parts.text(&json_key(key, step));
            let mut hole = None;
            if self.is_written_out(member) {
                self.json(member, indent, step, &mut parts)?;
            } else {
                let (given, absent) = self.maybe_absent(member)?;
                let json = self.stringified(member, &given, indent, step)?;
                parts.go(&json);
                hole = absent;
            }
            if let Some(hole) = &hole {
                self.action(format!("if not ({hole})"));
            }
            self.action(format!("{0} = append {0} {1}", list.text, parts.joined().arg()));
            if hole.is_some() {
                self.action("end");
            }
        }
        out.text("{");
        out.go(&Go::call(format!("join \",\" {}", list.text), Ty::Text));
        out.text("}");
        Ok(())
    }

    /// An object literal as a value.
    pub(super) fn object(
        &mut self,
        value: &Expr,
        members: &[(String, Expr)],
    ) -> Result<Go, Refusal> {
        let ty = self.types.ty(value);
        let item = match &ty {
            Ty::Map(item) => (**item).clone(),
            _ => Ty::Json,
        };
        let mut texts = Vec::new();
        for (key, member) in members {
            let given = if self.exact && self.types.ty(member).may_be_undefined() {
                let (given, absent) = self.maybe_absent(member)?;
                if let Some(absent) = absent {
                    self.fail_if(&absent, "a value is missing");
                }
                given
            } else {
                self.value(member)?
            };
            let given = self.held_inside(given, &item);
            texts.push(format!("{} {}", quote(key), given.arg()));
        }
        Ok(Go::call(format!("dict {}", texts.join(" ")).trim_end().to_owned(), ty))
    }

    /// `Object.assign({}, a, b)`.
    pub(super) fn assign(&mut self, value: &Expr, arguments: &[Expr]) -> Result<Go, Refusal> {
        let mut texts = Vec::new();
        for argument in arguments {
            if matches!(&argument.kind, ExprKind::Object(members) if members.is_empty()) {
                continue;
            }
            let given = self.map_argument(argument)?;
            texts.push(given);
        }
        let merged = self.set(&Go::call("dict", Ty::Map(Box::new(Ty::Json))));
        for given in texts {
            // `merge` of sprig goes into members, this does not.
            self.action(format!("range $k, $e := {}", given.text));
            self.action(format!("$_ := set {} $k $e", merged.text));
            self.action("end");
        }
        let _ = value;
        Ok(merged)
    }

    /// `yaml.dump` without its last line break.
    pub(super) fn yaml(&mut self, span: Span, argument: &Expr) -> Result<Go, Refusal> {
        let (given, absent) = self.maybe_absent(argument)?;
        if let Some(absent) = absent {
            self.fail_if(&absent, "a value is missing");
        }
        self.reorders(Arranged::Yaml, span)?;
        let written = given.pipe("toYaml", Ty::Text);
        if !self.exact {
            return Ok(written);
        }
        // It hides its errors: a control character would make the whole document vanish.
        let written = self.set(&written);
        self.fail_if(&format!("not {}", written.text), "a value cannot be written as YAML");
        Ok(written)
    }
}

/// The key and value of `Object.fromEntries([[k, v]])`.
pub(super) fn single_entry(arguments: &[Expr]) -> Option<(&Expr, &Expr)> {
    let [Expr { kind: ExprKind::List(entries), .. }] = arguments else { return None };
    let [Expr { kind: ExprKind::List(entry), .. }] = entries.as_slice() else { return None };
    let [key, value] = entry.as_slice() else { return None };
    Some((key, value))
}

/// The number of a key that JavaScript orders by number.
fn index_key(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    (index.to_string() == key && index < u32::MAX).then_some(index)
}

fn json_key(key: &str, step: &str) -> String {
    let quoted = serde_json::Value::from(key).to_string();
    if step.is_empty() { format!("{quoted}:") } else { format!("{quoted}: ") }
}
