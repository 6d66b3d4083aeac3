//! What the API server checks: the schema of the kind.
//!
//! The schemas are structural, so there is one place for each field: a walk over the manifest beside
//! a walk over the schema. A field that the schema does not know is dropped by the API server
//! without a word, and so is an error here.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_manifest::diagnostic::{Code, Diagnostic};
use extsecret_manifest::node::{Entry, Node, Style, Value};
use extsecret_manifest::source::{Place, Span};
use extsecret_manifest::stream::Object;
use regex::Regex;
use serde_json::Value as Schema;

use crate::codes;
use crate::fix::{Change, Fix};
use crate::similar::nearest;

/// Levels that are looked at: more than a manifest that could be read may have.
const DEEPEST: usize = 128;

/// Allowed words that are listed in a message.
const SHOWN: usize = 8;

/// Checks an object beside the schema of its kind.
#[must_use]
pub fn check(object: &Object<'_>, schema: &Schema) -> Vec<Diagnostic> {
    walk(object, schema).found
}

/// What to write where the schema tells what was meant.
pub(crate) fn fixes(object: &Object<'_>, schema: &Schema) -> Vec<Fix> {
    walk(object, schema).fixes
}

fn walk<'o, 'a, 's>(object: &'o Object<'a>, schema: &'s Schema) -> Walker<'o, 'a, 's> {
    let (found, fixes) = (Vec::new(), Vec::new());
    let mut walker = Walker { object, found, fixes, patterns: HashMap::new() };
    for part in ["spec"] {
        let Some(schema) = schema.get("properties").and_then(|all| all.get(part)) else { continue };
        match object.node.entry(part) {
            Some(entry) => walker.value(&entry.value, entry.key_span, schema, part, 0),
            None => {
                if schema.get("required").is_some() {
                    walker.report(&codes::MISSING, object.node.span, part, "`spec` is missing");
                }
            }
        }
    }
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    for entry in object.node.as_mapping().unwrap_or_default() {
        if !known.contains(&entry.key.as_str()) {
            let all = object.node.as_mapping().unwrap_or_default();
            walker.unknown(entry, all, "", &known);
        }
    }
    walker
}

struct Walker<'o, 'a, 's> {
    object: &'o Object<'a>,
    found: Vec<Diagnostic>,
    fixes: Vec<Fix>,
    /// Patterns are few and used often.
    patterns: HashMap<&'s str, Option<Regex>>,
}

impl<'s> Walker<'_, '_, 's> {
    /// `key` is where the field's name stands, for values that have no place of their own.
    fn value(&mut self, node: &Node, key: Span, schema: &'s Schema, path: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let span = if node.span.is_empty() { key } else { node.span };
        let wanted = schema.get("type").and_then(Schema::as_str);
        if node.is_null() {
            // The API server drops it, and takes the field as absent, unless it is applied there.
            if schema.get("nullable") != Some(&Schema::Bool(true))
                && schema.get("default").is_none()
            {
                let message = format!("`{path}` has no value");
                self.report(&codes::NULL_FIELD, span, path, message);
            }
            return;
        }
        if schema.get("x-kubernetes-int-or-string") == Some(&Schema::Bool(true)) {
            if !matches!(node.value, Value::Number(_) | Value::String(_)) {
                let message = format!("`{path}` must be a number or a text, found {}", node.kind());
                self.report(&codes::WRONG_TYPE, span, path, message);
            }
            return;
        }
        match (wanted, &node.value) {
            (Some("object"), Value::Mapping(entries)) => {
                self.mapping(entries, span, schema, path, depth);
            }
            (Some("array"), Value::Sequence(items)) => {
                self.count(items.len(), "item", ("minItems", "maxItems"), span, schema, path);
                if let Some(schema) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        let path = format!("{path}[{index}]");
                        let nullable = schema.get("nullable") == Some(&Schema::Bool(true));
                        if item.is_null() && !nullable {
                            // Of a field it is dropped, of a list it is not: a place cannot be absent.
                            let span = if item.span.is_empty() { span } else { item.span };
                            let wanted = schema.get("type").and_then(Schema::as_str);
                            self.wrong_type(item, span, wanted.unwrap_or("something"), &path);
                            continue;
                        }
                        self.value(item, span, schema, &path, depth + 1);
                    }
                }
            }
            (Some("string"), Value::String(text)) => self.text(text, span, schema, path),
            (Some("boolean"), Value::Bool(_)) | (Some("number"), Value::Number(_)) | (None, _) => {}
            (Some("integer"), Value::Number(number)) => {
                if !(number.is_i64() || number.is_u64()) {
                    self.wrong_type(node, span, "integer", path);
                }
            }
            (Some(wanted), _) => self.wrong_type(node, span, wanted, path),
        }
    }

    fn mapping(
        &mut self,
        entries: &[Entry],
        span: Span,
        schema: &'s Schema,
        path: &str,
        depth: usize,
    ) {
        let empty = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Schema::as_object).unwrap_or(&empty);
        let others = schema.get("additionalProperties").filter(|it| it.is_object());
        let keeps = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Schema::Bool(true));
        let present = entries.iter().filter(|entry| !entry.value.is_null()).count();
        self.count(present, "field", ("minProperties", "maxProperties"), span, schema, path);
        for entry in entries {
            let inner = member(path, &entry.key);
            let found = properties.iter().find(|(name, _)| **name == entry.key);
            // Schemas live as long as the program; what `find` gives out does too.
            let known = found
                .and_then(|_| schema.get("properties")?.get(&entry.key))
                .or_else(|| others.and_then(|_| schema.get("additionalProperties")));
            match known {
                Some(schema) => self.value(&entry.value, entry.key_span, schema, &inner, depth + 1),
                None if keeps => {}
                None => {
                    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
                    self.unknown(entry, entries, path, &names);
                }
            }
        }
        let required = schema.get("required").and_then(Schema::as_array);
        for name in required.into_iter().flatten().filter_map(Schema::as_str) {
            let there = entries.iter().any(|entry| entry.key == name && !entry.value.is_null());
            if !there {
                let inner = member(path, name);
                // The whole of what lacks it is too much to underline.
                let span = entries.first().map_or(span, |entry| entry.key_span);
                self.report(&codes::MISSING, span, &inner, format!("`{inner}` is missing"));
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, siblings: &[Entry], path: &str, known: &[&str]) {
        let inner = member(path, &entry.key);
        let place = self.place(entry.key_span);
        let message = match path {
            "" => format!("there is no field `{}`", entry.key),
            _ => format!("`{path}` has no field `{}`", entry.key),
        };
        let mut diagnostic = Diagnostic::new(&codes::UNKNOWN_FIELD, message).at(place).field(inner);
        if let Some(meant) = nearest(&entry.key, known.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            // Where both are there, only a person knows which counts.
            if !siblings.iter().any(|it| it.key == meant) {
                self.fix(&codes::UNKNOWN_FIELD, entry.key_span, Change::Replace(meant.to_owned()));
            }
        } else if !known.is_empty() && known.len() <= SHOWN {
            diagnostic = diagnostic.help(format!("it has {}", known.join(", ")));
        }
        self.found.push(diagnostic);
    }

    fn text(&mut self, text: &str, span: Span, schema: &'s Schema, path: &str) {
        let length = text.chars().count();
        self.count(length, "character", ("minLength", "maxLength"), span, schema, path);
        if let Some(allowed) = schema.get("enum").and_then(Schema::as_array) {
            let words: Vec<&str> = allowed.iter().filter_map(Schema::as_str).collect();
            if !words.contains(&text) {
                let message = format!("`{path}` cannot be {}", quoted(text));
                let meant = nearest(text, words.iter().copied());
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None if words.len() <= SHOWN => format!("it is one of {}", words.join(", ")),
                    None => format!(
                        "it is one of {} and {} more",
                        words.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", "),
                        words.len() - SHOWN
                    ),
                };
                let place = self.place(span);
                let diagnostic = Diagnostic::new(&codes::WRONG_VALUE, message).at(place);
                // Of another word nobody knows whether it was meant.
                if let Some(meant) = meant.filter(|meant| meant.eq_ignore_ascii_case(text)) {
                    self.fix(&codes::WRONG_VALUE, span, Change::Replace(meant.to_owned()));
                }
                self.found.push(diagnostic.field(path).help(help));
            }
            return;
        }
        let format = schema.get("format").and_then(Schema::as_str);
        if format == Some("byte") && (text.is_empty() || STANDARD.decode(text).is_err()) {
            // Not shown: what belongs into such a field may be meant to be secret.
            let message = format!("`{path}` must be base64, and this is not");
            let place = self.place(span);
            let mut diagnostic =
                Diagnostic::new(&codes::WRONG_VALUE, message).at(place).field(path);
            let lines: String = text.split(['\n', '\r']).collect();
            if !lines.is_empty() && STANDARD.decode(&lines).is_ok() {
                diagnostic = diagnostic.help(if text.trim_end() == lines {
                    "without the line end behind it, it is: begin the block with |- instead of |"
                } else {
                    "without the line ends in it, it is: write it in one line"
                });
            }
            self.found.push(diagnostic);
        }
        let Some(pattern) = schema.get("pattern").and_then(Schema::as_str) else { return };
        // An empty text has been told already, where it may not be empty.
        if text.is_empty() && schema.get("minLength").is_some() {
            return;
        }
        let compiled = self.patterns.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
        if compiled.as_ref().is_some_and(|regex| !regex.is_match(text)) {
            let message = format!("`{path}` cannot be {}: {}", quoted(text), meaning(pattern));
            self.report(&codes::WRONG_VALUE, span, path, message);
        }
    }

    fn count(
        &mut self,
        number: usize,
        noun: &str,
        limits: (&str, &str),
        span: Span,
        schema: &Schema,
        path: &str,
    ) {
        let limit = |name: &str| {
            schema.get(name).and_then(Schema::as_u64).and_then(|it| usize::try_from(it).ok())
        };
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        let message = match (limit(limits.0), limit(limits.1)) {
            (Some(least), _) if number < least => {
                format!("`{path}` needs at least {least} {noun}{}", plural(least))
            }
            (_, Some(most)) if number > most => {
                format!("`{path}` has {number} {noun}s and may have {most}")
            }
            _ => return,
        };
        self.report(&codes::WRONG_VALUE, span, path, message);
    }

    fn wrong_type(&mut self, node: &Node, span: Span, wanted: &str, path: &str) {
        let article = match wanted {
            "string" => "a text",
            "object" => "a map",
            "array" => "a list",
            "integer" => "a whole number",
            "boolean" => "true or false",
            other => other,
        };
        let message = format!("`{path}` must be {article}, found {}", found(node));
        let mut diagnostic =
            Diagnostic::new(&codes::WRONG_TYPE, message).at(self.place(span)).field(path);
        if wanted == "string" && matches!(node.value, Value::Bool(_) | Value::Number(_)) {
            // Unquoted it is not the text that stands there: `yes` is true, `0777` is 511.
            diagnostic = diagnostic.help(match node.style {
                Style::Plain => "put it in quotes: without them kubectl reads something else",
                _ => "put it in quotes",
            });
            if node.style == Style::Plain {
                self.fix(&codes::WRONG_TYPE, span, Change::Quote);
            }
        }
        self.found.push(diagnostic);
    }

    fn report(&mut self, code: &'static Code, span: Span, path: &str, message: impl Into<String>) {
        let place = self.place(span);
        self.found.push(Diagnostic::new(code, message).at(place).field(path));
    }

    fn fix(&mut self, code: &'static Code, span: Span, change: Change) {
        self.fixes.push(Fix { place: self.place(span), code, change });
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.object.document.file, span }
    }
}

fn member(path: &str, name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path, plain) {
        ("", _) => name.to_owned(),
        (_, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[{name}]"),
    }
}

fn found(node: &Node) -> &'static str {
    match &node.value {
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a map",
        Value::Null => "nothing",
    }
}

/// A short text as it stands; a long one is not worth it, and may be anything.
fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { format!("{text:?}") } else { "this text".to_owned() }
}

fn meaning(pattern: &str) -> &'static str {
    match pattern {
        "^[-._a-zA-Z0-9]+$" => "only letters, digits, `-`, `.` and `_` can be in it",
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" => {
            "only small letters, digits and `-` can be in it, and no `-` at its ends"
        }
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" => {
            "only small letters, digits, `-` and `.` can be in it, as in the name of an object"
        }
        _ if pattern.contains("@every") => {
            "a schedule is five fields, @every with a duration, or a name such as @daily"
        }
        _ => "it does not have the form that the API asks for",
    }
}
