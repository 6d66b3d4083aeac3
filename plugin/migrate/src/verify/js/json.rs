//! `JSON.parse` and `JSON.stringify`.

use std::rc::Rc;

use super::{Js, Object, Stop, number};

/// Nesting that is followed. JavaScript follows more; no secret needs it.
const MAX_DEPTH: usize = 256;

/// `JSON.parse(text)`
pub(in crate::verify) fn parse(text: &[u16]) -> Result<Js, Stop> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at == text.len() { Ok(value) } else { Err(SYNTAX) }
}

const SYNTAX: Stop = Stop::Throws("the text is not JSON");

struct Reader<'t> {
    text: &'t [u16],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).and_then(|unit| u8::try_from(*unit).ok())
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Js, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Unmodelled("JSON that is nested too deep"));
        }
        self.blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Js::String(self.string()?.into())),
            Some(b't') => self.word("true", Js::Bool(true)),
            Some(b'f') => self.word("false", Js::Bool(false)),
            Some(b'n') => self.word("null", Js::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Js) -> Result<Js, Stop> {
        for byte in word.bytes() {
            if !self.take(byte) {
                return Err(SYNTAX);
            }
        }
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Js, Stop> {
        self.at += 1;
        let mut object = Object::default();
        self.blanks();
        if self.take(b'}') {
            return Ok(Js::Object(Rc::new(object)));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(SYNTAX);
            }
            let name = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return Err(SYNTAX);
            }
            object.set(name.into(), self.value(depth + 1)?);
            self.blanks();
            if self.take(b'}') {
                return Ok(Js::Object(Rc::new(object)));
            }
            if !self.take(b',') {
                return Err(SYNTAX);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Js, Stop> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Js::Array(Rc::new(items)));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(Js::Array(Rc::new(items)));
            }
            if !self.take(b',') {
                return Err(SYNTAX);
            }
        }
    }

    fn string(&mut self) -> Result<Vec<u16>, Stop> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let unit = *self.text.get(self.at).ok_or(SYNTAX)?;
            self.at += 1;
            match u8::try_from(unit) {
                Ok(b'"') => return Ok(out),
                Ok(b'\\') => out.push(self.escape()?),
                Ok(0..=0x1f) => return Err(SYNTAX),
                _ => out.push(unit),
            }
        }
    }

    fn escape(&mut self) -> Result<u16, Stop> {
        let kind = self.peek().ok_or(SYNTAX)?;
        self.at += 1;
        Ok(u16::from(match kind {
            b'"' | b'\\' | b'/' => kind,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = 0u16;
                for _ in 0..4 {
                    let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
                    let digit = digit.and_then(|digit| u16::try_from(digit).ok()).ok_or(SYNTAX)?;
                    unit = unit << 4 | digit;
                    self.at += 1;
                }
                return Ok(unit);
            }
            _ => return Err(SYNTAX),
        }))
    }

    fn number(&mut self) -> Result<Js, Stop> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(SYNTAX);
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(SYNTAX);
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(SYNTAX);
            }
        }
        let text = String::from_utf16_lossy(self.text.get(start..self.at).unwrap_or_default());
        text.parse().map(Js::Number).map_err(|_| SYNTAX)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}

/// `JSON.stringify(value, null, indent)`; `None` for what has no JSON.
pub(in crate::verify) fn stringify(value: &Js, indent: &str) -> Option<Vec<u16>> {
    if matches!(value, Js::Undefined) {
        return None;
    }
    let mut writer = Writer { out: Vec::new(), indent };
    writer.value(value, 0);
    Some(writer.out)
}

struct Writer<'i> {
    out: Vec<u16>,
    indent: &'i str,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.extend(text.encode_utf16());
    }

    fn value(&mut self, value: &Js, depth: usize) {
        match value {
            Js::Bool(b) => self.push(if *b { "true" } else { "false" }),
            Js::Number(n) if n.is_finite() => self.push(&number::to_text(*n)),
            Js::Undefined | Js::Null | Js::Number(_) => self.push("null"),
            Js::String(text) => self.string(text),
            Js::Array(items) => {
                self.list("[", "]", depth, items.iter(), |writer, item| {
                    writer.value(item, depth + 1);
                });
            }
            Js::Object(object) => {
                let members = object.entries().filter(|(_, value)| !matches!(value, Js::Undefined));
                self.list("{", "}", depth, members, |writer, (name, value)| {
                    writer.string(&name);
                    writer.push(if writer.indent.is_empty() { ":" } else { ": " });
                    writer.value(value, depth + 1);
                });
            }
            // What a Buffer says of itself.
            Js::Bytes(bytes) => {
                let mut object = Object::default();
                object.set(super::utf16("type"), Js::text("Buffer"));
                let data = bytes.iter().map(|byte| Js::Number(f64::from(*byte))).collect();
                object.set(super::utf16("data"), Js::Array(Rc::new(data)));
                self.value(&Js::Object(Rc::new(object)), depth);
            }
        }
    }

    fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        depth: usize,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.push(open);
        let mut empty = true;
        for item in items {
            if !empty {
                self.push(",");
            }
            empty = false;
            self.line(depth + 1);
            write(self, item);
        }
        if !empty {
            self.line(depth);
        }
        self.push(close);
    }

    fn line(&mut self, depth: usize) {
        if !self.indent.is_empty() {
            self.push("\n");
            for _ in 0..depth {
                self.push(self.indent);
            }
        }
    }

    fn string(&mut self, text: &[u16]) {
        self.push("\"");
        for unit in char::decode_utf16(text.iter().copied()) {
            match unit {
                Ok('"') => self.push("\\\""),
                Ok('\\') => self.push("\\\\"),
                Ok('\n') => self.push("\\n"),
                Ok('\r') => self.push("\\r"),
                Ok('\t') => self.push("\\t"),
                Ok('\u{8}') => self.push("\\b"),
                Ok('\u{c}') => self.push("\\f"),
                Ok(c) if c < ' ' => self.push(&format!("\\u{:04x}", u32::from(c))),
                Ok(c) => self.out.extend(c.encode_utf16(&mut [0; 2]).iter()),
                // Half a pair.
                Err(half) => self.push(&format!("\\u{:04x}", half.unpaired_surrogate())),
            }
        }
        self.push("\"");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{utf8, utf16};
    use super::*;

    fn again(text: &str) -> Option<String> {
        parse(&utf16(text)).ok().and_then(|value| stringify(&value, "")).map(|text| utf8(&text))
    }

    #[test]
    fn json_comes_out_as_javascript_writes_it() {
        for (text, expected) in [
            (
                r#"{"b":1, "a" : [ 1.0, 1e3, -0, 12345678901234567890 ]}"#,
                r#"{"b":1,"a":[1,1000,0,12345678901234567000]}"#,
            ),
            (r#"{"b":1,"2":2,"1":1,"01":0}"#, r#"{"1":1,"2":2,"b":1,"01":0}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#""\u00e9\u0001\/<&>\ud83d\ude00""#, r#""é\u0001/<&>😀""#),
            (r#""\ud83d""#, r#""\ud83d""#),
            (r#"{"__proto__":1}"#, r#"{"__proto__":1}"#),
            (" null ", "null"),
        ] {
            assert_eq!(again(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "", "{", "{'a':1}", "[1,]", "01", "1.", ".5", "+1", "\"\n\"", "nul", "1 2", "\u{a0}1",
            r#""\x""#,
        ] {
            assert_eq!(again(text), None, "{text}");
        }
    }

    #[test]
    fn json_is_indented() {
        let value = parse(&utf16(r#"{"a":[1,{}],"b":[]}"#)).unwrap();
        let text = stringify(&value, "  ").unwrap();
        assert_eq!(utf8(&text), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    }

    #[test]
    fn deep_json_is_refused_and_not_followed() {
        let deep: Vec<u16> = "[".repeat(100_000).encode_utf16().collect();
        assert!(matches!(parse(&deep), Err(Stop::Unmodelled(_))));
    }

    proptest::proptest! {
        #[test]
        fn what_serde_writes_is_read(text in "\\PC{0,20}", number: f64, list: Vec<u32>) {
            let value = serde_json::json!({ "t": text, "l": list, "z": null });
            let found = again(&value.to_string());
            proptest::prop_assert_eq!(found, Some(value.to_string()));
            let number = number::to_text(number);
            let parsed = parse(&utf16(&number));
            if let Ok(Js::Number(parsed)) = parsed {
                proptest::prop_assert_eq!(number::to_text(parsed), number);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,40}") {
            let _ = again(&text);
        }
    }
}
