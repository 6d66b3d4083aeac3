//! From values to YAML, in the style of yaml.v2's encoder and libyaml's emitter.

mod order;
mod style;

use serde_json::Value;

use crate::decode::{Key, Mapping, Yaml, decode};
use crate::error::{Error, Limit};
use crate::json;
use crate::scalar;

use style::{Looks, Style};

/// Columns of one level.
const INDENT: usize = 2;

/// A text is broken at the first space behind this column.
const WIDTH: usize = 80;

/// The longest key that stands in front of its `:` on one line.
const MAX_KEY: usize = 128;

/// `yaml.Marshal` of a value.
pub fn write(value: &Value) -> Result<String, Error> {
    json_to_yaml(json::text(value).as_bytes(), usize::MAX)
}

/// `yaml.JSONToYAML`, with which `yaml.Marshal` ends.
///
/// Go reads the JSON as YAML, so some JSON is refused: keys of more than 1024 characters, and
/// characters that YAML forbids and JSON does not, such as U+007F.
///
/// Indentation can make much of little: more than `max_bytes` are refused.
pub fn json_to_yaml(json: &[u8], max_bytes: usize) -> Result<String, Error> {
    let value = decode(json)?;
    let mut writer = Writer::new(max_bytes);
    writer.node(&value, Context::Root);
    writer.start_line();
    if writer.out.len() > max_bytes {
        return Err(Error::limit(Limit::Size));
    }
    // Bytes that are not UTF-8 were written as base64.
    Ok(String::from_utf8(writer.out)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Root,
    Item,
    /// A key, `simple` when without `?`.
    Key {
        simple: bool,
    },
    Value,
}

struct Writer {
    out: Vec<u8>,
    /// In characters.
    column: usize,
    /// The indentation of the innermost collection; outside of all there is none.
    indent: Option<usize>,
    /// Whether the last character was white space.
    space: bool,
    /// Whether there are only spaces and indicators on this line.
    indentation: bool,
    max_bytes: usize,
}

impl Writer {
    fn new(max_bytes: usize) -> Self {
        Self { out: Vec::new(), column: 0, indent: None, space: true, indentation: true, max_bytes }
    }

    fn node(&mut self, value: &Yaml, context: Context) {
        match value {
            Yaml::Null => self.bare("null", context),
            Yaml::Bool(b) => self.bare(if *b { "true" } else { "false" }, context),
            Yaml::Int(i) => self.bare(&i.to_string(), context),
            Yaml::Uint(u) => self.bare(&u.to_string(), context),
            Yaml::Float(f) => {
                let text = scalar::float(*f);
                let text = match text.as_str() {
                    "+Inf" => ".inf",
                    "-Inf" => "-.inf",
                    "NaN" => ".nan",
                    text => text,
                };
                self.bare(text, context);
            }
            Yaml::Text(text) => self.text(text, context),
            Yaml::Sequence(items) => self.sequence(items, context),
            Yaml::Mapping(entries) => self.mapping(entries),
        }
    }

    fn sequence(&mut self, items: &[Yaml], context: Context) {
        if items.is_empty() {
            self.indicator("[", true, true, false);
            self.indicator("]", false, false, false);
            return;
        }
        // Under a key, a list is not indented.
        let under_key = matches!(context, Context::Key { .. } | Context::Value);
        let outer = self.indent;
        let step = if under_key && !self.indentation { 0 } else { INDENT };
        self.indent = Some(outer.map_or(0, |indent| indent + step));
        for item in items {
            if self.out.len() > self.max_bytes {
                break;
            }
            self.start_line();
            self.indicator("-", true, false, true);
            self.node(item, Context::Item);
        }
        self.indent = outer;
    }

    fn mapping(&mut self, entries: &Mapping) {
        if entries.is_empty() {
            self.indicator("{", true, true, false);
            self.indicator("}", false, false, false);
            return;
        }
        let outer = self.indent;
        self.indent = Some(outer.map_or(0, |indent| indent + INDENT));
        for (key, value) in order::sorted(entries) {
            if self.out.len() > self.max_bytes {
                break;
            }
            self.start_line();
            let key = key_value(key);
            if is_simple(&key) {
                self.node(&key, Context::Key { simple: true });
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.node(&key, Context::Key { simple: false });
                self.start_line();
                self.indicator(":", true, false, true);
            }
            self.node(value, Context::Value);
        }
        self.indent = outer;
    }

    fn bare(&mut self, text: &str, context: Context) {
        self.scalar(text, Style::Plain, false, context);
    }

    fn text(&mut self, text: &[u8], context: Context) {
        if let Ok(text) = str::from_utf8(text) {
            self.scalar(text, style::wanted(text), false, context);
        } else {
            let text = style::base64(text);
            let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
            self.scalar(&text, style, true, context);
        }
    }

    fn scalar(&mut self, text: &str, wanted: Style, binary: bool, context: Context) {
        let simple_key = context == Context::Key { simple: true };
        let style = Looks::of(text).style(wanted, text, simple_key);
        if binary {
            self.separate();
            self.put_all("!!binary");
            self.space = false;
            self.indentation = false;
        }
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        match style {
            Style::Plain => self.plain(text, !simple_key),
            Style::SingleQuoted => self.single_quoted(text, !simple_key),
            Style::DoubleQuoted => self.double_quoted(text, !simple_key),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, may_break: bool) {
        self.separate();
        let mut runes = text.chars().peekable();
        let mut spaces = false;
        while let Some(rune) = runes.next() {
            if rune == ' ' {
                if may_break && !spaces && self.column > WIDTH && runes.peek() != Some(&' ') {
                    self.start_line();
                } else {
                    self.put(rune);
                }
                spaces = true;
            } else {
                self.put(rune);
                self.indentation = false;
                spaces = false;
            }
        }
        self.space = false;
        self.indentation = false;
    }

    fn single_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("'", true, false, false);
        let (mut spaces, mut breaks) = (false, false);
        for (at, rune) in text.char_indices() {
            let rest = text.get(at + rune.len_utf8()..).unwrap_or_default();
            if rune == ' ' {
                let inside = at > 0 && !rest.is_empty() && !rest.starts_with(' ');
                if may_break && !spaces && self.column > WIDTH && inside {
                    self.start_line();
                } else {
                    self.put(rune);
                }
                spaces = true;
            } else if is_break(rune) {
                if !breaks && rune == '\n' {
                    self.put('\n');
                }
                self.put(rune);
                self.indentation = true;
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                if rune == '\'' {
                    self.put(rune);
                }
                self.put(rune);
                self.indentation = false;
                (spaces, breaks) = (false, false);
            }
        }
        self.indicator("'", false, false, false);
        self.space = false;
        self.indentation = false;
    }

    fn double_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        // The test for a byte order mark looks at the beginning of the text at each character.
        let marked = text.starts_with('\u{FEFF}');
        let mut spaces = false;
        for (at, rune) in text.char_indices() {
            let rest = text.get(at + rune.len_utf8()..).unwrap_or_default();
            if marked || !style::is_printable(rune) || is_break(rune) || matches!(rune, '"' | '\\')
            {
                self.put_all(&style::escape(rune));
                spaces = false;
            } else if rune == ' ' {
                let inside = at > 0 && !rest.is_empty();
                if may_break && !spaces && self.column > WIDTH && inside {
                    self.start_line();
                    if rest.starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(rune);
                }
                spaces = true;
            } else {
                self.put(rune);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.space = false;
        self.indentation = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|rune| rune == ' ' || is_break(rune)) {
            self.indicator("2", false, false, false);
        }
        let mut ends = text.chars().rev();
        let last = ends.next().is_some_and(is_break);
        if !last {
            self.indicator("-", false, false, false);
        } else if ends.next().is_none_or(is_break) {
            self.indicator("+", false, false, false);
        }
        self.put('\n');
        self.indentation = true;
        self.space = true;
        let mut breaks = true;
        for rune in text.chars() {
            if is_break(rune) {
                self.put(rune);
                self.indentation = true;
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                self.put(rune);
                self.indentation = false;
                breaks = false;
            }
        }
    }

    /// Begins a new line, unless there is only indentation on this one, and indents it.
    fn start_line(&mut self) {
        let indent = self.indent.unwrap_or_default();
        if !self.indentation || self.column > indent || self.column == indent && !self.space {
            self.put('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.space = true;
        self.indentation = true;
    }

    fn indicator(&mut self, text: &str, separate: bool, space: bool, indentation: bool) {
        if separate {
            self.separate();
        }
        self.put_all(text);
        self.space = space;
        self.indentation &= indentation;
    }

    fn separate(&mut self) {
        if !self.space {
            self.put(' ');
        }
    }

    fn put_all(&mut self, text: &str) {
        text.chars().for_each(|rune| self.put(rune));
    }

    fn put(&mut self, rune: char) {
        self.out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
        self.column = if is_break(rune) { 0 } else { self.column + 1 };
    }
}

fn key_value(key: &Key) -> Yaml {
    match key {
        Key::Null => Yaml::Null,
        Key::Bool(b) => Yaml::Bool(*b),
        Key::Int(i) => Yaml::Int(*i),
        Key::Uint(u) => Yaml::Uint(*u),
        Key::Float(bits) => Yaml::Float(f64::from_bits(*bits)),
        Key::Text(text) => Yaml::Text(text.clone()),
    }
}

/// Whether a key needs no `?`.
fn is_simple(key: &Yaml) -> bool {
    let Yaml::Text(text) = key else { return true };
    if let Ok(text) = str::from_utf8(text) {
        !text.contains(is_break) && text.len() <= MAX_KEY
    } else {
        let text = style::base64(text);
        !text.contains('\n') && text.len() + "!!binary".len() <= MAX_KEY
    }
}

fn is_break(rune: char) -> bool {
    matches!(rune, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
