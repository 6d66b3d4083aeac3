//! Go's `fmt`: how values print, and the verbs of `printf`.

mod duration;
mod float;
mod format;
mod printf;
mod quote;

pub(crate) use duration::duration_text;
#[cfg(test)]
pub(crate) use float::format_float;
pub(crate) use float::not_finite;
use format::Printer;
pub(crate) use quote::{can_backquote, quote};

use crate::funcs::date::{go_string, time_string};
use crate::funcs::{Call, Failure};
use crate::limits::LimitExceeded;
use crate::value::{Element, MAX_NESTING, Object, Time, Value};

/// Go's `fmt.Sprint`: a space between two operands when neither is a string.
pub(crate) fn sprint(call: &mut Call<'_>, values: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut printer = Printer::within(call);
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::String(_));
        if !is_string && !after_string {
            printer.put(b" ");
        }
        printer.arg(value, 'v');
        after_string = is_string;
    }
    printer.finish(call)
}

/// Go's `fmt.Sprintln`: a space between all operands, and a newline.
pub(crate) fn sprintln(call: &mut Call<'_>, values: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut printer = Printer::within(call);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.put(b" ");
        }
        printer.arg(value, 'v');
    }
    printer.put(b"\n");
    printer.finish(call)
}

/// Go's `fmt.Sprintf`.
pub(crate) fn sprintf(
    call: &mut Call<'_>,
    format: &[u8],
    values: &[Value],
) -> Result<Vec<u8>, Failure> {
    let mut printer = Printer::within(call);
    printer.printf(format, values);
    printer.finish(call)
}

/// What `%v` prints of one value.
pub(crate) fn display(call: &mut Call<'_>, value: &Value) -> Result<Vec<u8>, Failure> {
    let mut printer = Printer::within(call);
    printer.arg(value, 'v');
    printer.finish(call)
}

/// Appends what `%v` prints of `value` to a template's output, which may grow to `limit` bytes.
pub(crate) fn print_to(
    output: &mut Vec<u8>,
    limit: usize,
    value: &Value,
) -> Result<(), LimitExceeded> {
    let mut printer = Printer::new(std::mem::take(output), limit, LimitExceeded::Output);
    printer.arg(value, 'v');
    let (text, stopped) = printer.into_parts();
    *output = text;
    stopped.map_or(Ok(()), Err)
}

impl Printer {
    /// One operand.
    fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil | Value::Absent, 'T' | 'v') => self.pad(b"<nil>"),
            // `%w` is for errors that wrap errors; no value of a template does.
            (Value::Nil | Value::Absent, _) | (_, 'w') => self.bad_verb(value, verb),
            (_, 'T') => self.string(value.type_name().as_bytes()),
            (_, 'p') => self.pointer(value),
            _ => self.value(value, verb, 0),
        }
    }

    /// An operand or a part of one.
    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if self.stopped() {
            return;
        }
        if depth > MAX_NESTING {
            self.stop(LimitExceeded::Depth);
            return;
        }
        match value {
            Value::Nil | Value::Absent => {
                self.put(if self.flags.sharp_v { b"interface {}(nil)" } else { b"<nil>" });
            }
            Value::Bool(value) => match verb {
                't' | 'v' => self.pad(if *value { b"true" } else { b"false" }),
                _ => self.bad_verb(&Value::Bool(*value), verb),
            },
            Value::Int(number, _) => self.integer_verb(value, number.cast_unsigned(), true, verb),
            Value::Uint(number, _) => self.integer_verb(value, *number, false, verb),
            Value::Float(number) => self.float_verb(value, *number, verb),
            Value::String(bytes) => self.string_verb(value, bytes, verb),
            Value::List(list) => {
                if self.flags.sharp_v {
                    self.put(list.type_name().as_bytes());
                    if list.nil {
                        self.put(b"(nil)");
                        return;
                    }
                }
                self.put(if self.flags.sharp_v { b"{" } else { b"[" });
                for (index, item) in list.items().iter().enumerate() {
                    self.separator(index);
                    self.value(item, verb, depth + 1);
                    if self.stopped() {
                        return;
                    }
                }
                self.put(if self.flags.sharp_v { b"}" } else { b"]" });
            }
            Value::Map(map) => {
                if self.flags.sharp_v {
                    self.put(map.type_name().as_bytes());
                    if map.nil {
                        self.put(b"(nil)");
                        return;
                    }
                    self.put(b"{");
                } else {
                    self.put(b"map[");
                }
                for (index, (key, item)) in map.entries.borrow().iter().enumerate() {
                    self.separator(index);
                    self.string_verb(&Value::Nil, key, verb);
                    self.put(b":");
                    self.value(item, verb, depth + 1);
                    if self.stopped() {
                        return;
                    }
                }
                self.put(if self.flags.sharp_v { b"}" } else { b"]" });
            }
            Value::Duration(nanoseconds) => {
                if self.asks_for_text(verb) {
                    let text = duration_text(*nanoseconds);
                    self.string_verb(value, text.as_bytes(), verb);
                } else {
                    self.integer_verb(value, nanoseconds.cast_unsigned(), true, verb);
                }
            }
            Value::Time(time) if self.flags.sharp_v && !self.flags.erroring => {
                self.string(go_string(time).as_bytes());
            }
            // `%#w`: Go shows its fields, an address among them.
            Value::Time(time) if self.flags.sharp_v => self.quoted(&time_text(time)),
            Value::Time(time) => self.opaque(value, verb, || time_text(time)),
            Value::Object(object) => self.object(value, object.as_ref(), verb, depth),
        }
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char, depth: usize) {
        let text = object.has_text() && self.asks_for_text(verb);
        if let Some(number) = object.integer()
            && !text
        {
            return self.integer_verb(value, number.cast_unsigned(), true, verb);
        }
        let fields = if text { Vec::new() } else { object.fields() };
        // Inside of other values Go prints the address of what is behind a pointer.
        let pointer = object.kind() == "ptr";
        if fields.is_empty() || (pointer && depth > 0) {
            return self.opaque(value, verb, || object.text());
        }
        if pointer {
            self.put(b"&");
        }
        if self.flags.sharp_v {
            self.put(object.type_name().trim_start_matches('*').as_bytes());
        }
        self.put(b"{");
        for (index, (name, field)) in fields.iter().enumerate() {
            self.separator(index);
            if self.flags.plus_v || self.flags.sharp_v {
                self.put(name.as_bytes());
                self.put(b":");
            }
            self.value(field, verb, depth + 1);
        }
        self.put(b"}");
    }

    /// Something that prints by its `String` method alone.
    fn opaque(&mut self, value: &Value, verb: char, text: impl FnOnce() -> Vec<u8>) {
        match verb {
            'v' | 's' | 'x' | 'X' | 'q' if self.flags.sharp_v || self.flags.erroring => {
                self.string(&text());
            }
            'v' | 's' | 'x' | 'X' | 'q' => self.string_verb(value, &text(), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    /// Whether a `String` method would be called.
    const fn asks_for_text(&self, verb: char) -> bool {
        matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') && !self.flags.sharp_v && !self.flags.erroring
    }

    fn separator(&mut self, index: usize) {
        match (index, self.flags.sharp_v) {
            (0, _) => {}
            (_, true) => self.put(b", "),
            (_, false) => self.put(b" "),
        }
    }

    fn integer_verb(&mut self, value: &Value, number: u64, signed: bool, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.integer(number, 16, false, 'v');
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.integer(number, 10, signed, verb),
            'b' => self.integer(number, 2, signed, verb),
            'o' | 'O' => self.integer(number, 8, signed, verb),
            'x' | 'X' => self.integer(number, 16, signed, verb),
            'c' => self.character(number),
            'q' => self.quoted_character(number),
            'U' => self.code_point(number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float_verb(&mut self, value: &Value, number: f64, verb: char) {
        match verb {
            'v' => self.float(number, b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.float(number, verb as u8, None),
            'f' | 'e' | 'E' => self.float(number, verb as u8, Some(6)),
            'F' => self.float(number, b'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    /// `value` is what a wrong verb shows; [`Value::Nil`] stands for the string itself.
    fn string_verb(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' | 'X' => self.hexadecimal(text, verb == 'X'),
            'q' => self.quoted(text),
            _ if matches!(value, Value::Nil) => self.bad_verb(&Value::string(text), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    /// `%p`. Addresses are not the same from run to run; nothing real depends on them.
    fn pointer(&mut self, value: &Value) {
        match value {
            Value::List(_) | Value::Map(_) => self.put(b"0x0"),
            Value::Object(object) if object.kind() == "ptr" => self.put(b"0x0"),
            _ => self.bad_verb(value, 'p'),
        }
    }

    /// A verb that does not fit: `%!d(string=text)`.
    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.flags.erroring = true;
        self.put(b"%!");
        self.put(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.put(b"(");
        if matches!(value, Value::Nil | Value::Absent) {
            self.put(b"<nil>");
        } else {
            self.put(value.type_name().as_bytes());
            self.put(b"=");
            self.value(value, 'v', 0);
        }
        self.put(b")");
        self.flags.erroring = false;
    }
}

/// What `time.Time`'s `String` gives.
fn time_text(time: &Time) -> Vec<u8> {
    time_string(time).into_bytes()
}

impl Element {
    /// Whether a value of this static type is an interface, and so may be nil.
    pub(crate) const fn is_interface(self) -> bool {
        matches!(self, Self::Any)
    }
}
