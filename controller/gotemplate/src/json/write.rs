//! JSON from values.

use goyaml::float;

use super::scan::{Scanner, Token};
use crate::error::Message;
use crate::fmt::not_finite;
use crate::funcs::date::time_json;
use crate::runes;
use crate::value::{Bytes, Items, Value};

/// Why there is no JSON.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Go's error.
    Error(Message),
    /// The text would be larger than allowed.
    TooLarge,
}

/// A list or a map that is being written, with what is still to come.
enum Open {
    List(Items, usize),
    Map(std::vec::IntoIter<(Bytes, Value)>, bool),
}

struct Writer {
    out: Vec<u8>,
    escape_html: bool,
    limit: usize,
}

/// Like [`super::encode`], but for texts of at most `limit` bytes.
pub(crate) fn encode_within(
    value: &Value,
    escape_html: bool,
    indent: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer { out: Vec::new(), escape_html, limit };
    let mut open = Vec::new();
    writer.value(value, &mut open)?;
    while let Some(last) = open.last_mut() {
        let next = match last {
            Open::List(items, at) => {
                let item = items.get(*at).cloned();
                if item.is_none() {
                    writer.write(b"]")?;
                } else if *at > 0 {
                    writer.write(b",")?;
                }
                *at += 1;
                item
            }
            Open::Map(entries, first) => {
                if let Some((key, value)) = entries.next() {
                    if !std::mem::take(first) {
                        writer.write(b",")?;
                    }
                    writer.string(&key)?;
                    writer.write(b":")?;
                    Some(value)
                } else {
                    writer.write(b"}")?;
                    None
                }
            }
        };
        match next {
            Some(value) => writer.value(&value, &mut open)?,
            None => drop(open.pop()),
        }
    }
    match indent {
        None => Ok(writer.out),
        Some(indent) => indented(&writer.out, indent, limit),
    }
}

impl Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        write(&mut self.out, bytes, self.limit)
    }

    /// Writes a value, or the beginning of one that is left in `open`.
    fn value(&mut self, value: &Value, open: &mut Vec<Open>) -> Result<(), Failure> {
        match value {
            Value::Nil | Value::Absent => self.write(b"null"),
            Value::Bool(true) => self.write(b"true"),
            Value::Bool(false) => self.write(b"false"),
            Value::Int(number, _) | Value::Duration(number) => {
                self.write(number.to_string().as_bytes())
            }
            Value::Uint(number, _) => self.write(number.to_string().as_bytes()),
            Value::Float(number) => self.float(*number),
            Value::String(text) => self.string(text),
            Value::List(list) if list.nil => self.write(b"null"),
            Value::List(list) => {
                open.push(Open::List(list.items(), 0));
                self.write(b"[")
            }
            Value::Map(map) if map.nil => self.write(b"null"),
            Value::Map(map) => {
                let entries: Vec<_> =
                    map.entries.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                open.push(Open::Map(entries.into_iter(), true));
                self.write(b"{")
            }
            Value::Time(time) => {
                let json = time_json(time).map_err(|message| {
                    let prefix = "json: error calling MarshalJSON for type time.Time: ";
                    Failure::Error(Message::from(prefix).then(message))
                })?;
                self.write(&json)
            }
            Value::Object(object) => {
                let json = object.json().map_err(Failure::Error)?;
                if self.escape_html { self.escaped(&json) } else { self.write(&json) }
            }
        }
    }

    fn float(&mut self, number: f64) -> Result<(), Failure> {
        if let Some(name) = not_finite(number) {
            let message = Message::from("json: unsupported value: ").secret(name);
            return Err(Failure::Error(message));
        }
        let scientific = float::scientific(number);
        let size = number.abs();
        let text = if size != 0.0 && !(1e-6..1e21).contains(&size) {
            if size < 1.0 { scientific } else { scientific.replace('e', "e+") }
        } else {
            float::plain(&scientific)
        };
        self.write(text.as_bytes())
    }

    fn string(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.write(b"\"")?;
        let mut rest = text;
        while !rest.is_empty() {
            let plain = rest.iter().position(|&byte| !self.is_plain(byte)).unwrap_or(rest.len());
            let (before, special) = rest.split_at(plain);
            self.write(before)?;
            let Some(&byte) = special.first() else { break };
            let mut taken = 1;
            match byte {
                b'"' => self.write(b"\\\"")?,
                b'\\' => self.write(b"\\\\")?,
                0x08 => self.write(b"\\b")?,
                0x0C => self.write(b"\\f")?,
                b'\n' => self.write(b"\\n")?,
                b'\r' => self.write(b"\\r")?,
                b'\t' => self.write(b"\\t")?,
                0..=0x7F => self.write(format!("\\u{byte:04x}").as_bytes())?,
                _ => {
                    let (rune, size) = runes::decode(special);
                    taken = size;
                    match rune {
                        runes::ERROR if size == 1 => self.write(b"\\ufffd")?,
                        '\u{2028}' => self.write(b"\\u2028")?,
                        '\u{2029}' => self.write(b"\\u2029")?,
                        _ => self.write(special.get(..size).unwrap_or_default())?,
                    }
                }
            }
            rest = special.get(taken..).unwrap_or_default();
        }
        self.write(b"\"")
    }

    const fn is_plain(&self, byte: u8) -> bool {
        match byte {
            b'"' | b'\\' | 0..=0x1F | 0x80.. => false,
            b'<' | b'>' | b'&' => !self.escape_html,
            _ => true,
        }
    }

    /// Writes JSON that is ready but for the characters that HTML knows.
    fn escaped(&mut self, json: &[u8]) -> Result<(), Failure> {
        for (at, rune, size) in runes::indices(json) {
            match rune {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    self.write(format!("\\u{:04x}", rune as u32).as_bytes())?;
                }
                _ => self.write(json.get(at..at + size).unwrap_or_default())?,
            }
        }
        Ok(())
    }
}

fn write(out: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), Failure> {
    if out.len() + bytes.len() > limit {
        return Err(Failure::TooLarge);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Go's `json.Indent`.
fn indented(json: &[u8], indent: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut scanner = Scanner::new(json);
    let mut last = None;
    while let Some((token, place)) = scanner.next().map_err(Failure::Error)? {
        let closes = matches!(token, Token::EndObject | Token::EndList);
        let opens = matches!(token, Token::BeginObject | Token::BeginList);
        match last {
            None => {}
            Some(Token::Key) => write(&mut out, b": ", limit)?,
            Some(Token::BeginObject | Token::BeginList) if closes => {}
            Some(before) => {
                if !closes && !matches!(before, Token::BeginObject | Token::BeginList) {
                    write(&mut out, b",", limit)?;
                }
                write(&mut out, b"\n", limit)?;
                for _ in usize::from(opens)..scanner.depth() {
                    write(&mut out, indent.as_bytes(), limit)?;
                }
            }
        }
        write(&mut out, json.get(place).unwrap_or_default(), limit)?;
        last = Some(token);
    }
    Ok(out)
}
