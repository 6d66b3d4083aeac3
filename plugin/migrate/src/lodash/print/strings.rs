//! Strings and their methods.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::lists::number;
use super::types::Ty;
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Encoding, Expr, ExprKind, Method};

/// White space at an end of a string, beyond what `trim` needs.
const LEADING_SPACE: &str = "^[\\t-\\r ]+";
const TRAILING_SPACE: &str = "[\\t-\\r ]+$";

/// True for encodings that hold text as text.
pub(super) fn is_plain(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Utf8 | Encoding::Ascii | Encoding::Latin1)
}

impl Printer<'_> {
    pub(super) fn method(
        &mut self,
        value: &Expr,
        method: Method,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let ty = self.types.ty(receiver);
        match method {
            Method::ToString => {
                return match ty {
                    Ty::Undefined | Ty::Null | Ty::Never => {
                        self.refuse(value.span, "a method of nothing")
                    }
                    Ty::OptText => self.string_argument(receiver),
                    _ => self.text_of_something(receiver),
                };
            }
            Method::HasOwnProperty => {
                return match arguments {
                    [key] => self.has_key(value, receiver, key),
                    _ => self.refuse(value.span, "`hasOwnProperty` without a key"),
                };
            }
            Method::Test => return self.test(value, receiver, arguments),
            Method::Join | Method::Pop | Method::Shift | Method::Reverse | Method::Sort => {
                return self.list_method(value, method, receiver, arguments);
            }
            Method::Match => {
                let found = self.matches(value, receiver, arguments)?;
                // Nothing can be done with null.
                self.fail_if(&format!("not {}", found.text), "a value does not match");
                return Ok(found);
            }
            Method::IndexOf if matches!(ty, Ty::List(_)) => {
                return self.place_of(value, receiver, arguments);
            }
            Method::Includes | Method::Slice | Method::Concat
                if matches!(ty, Ty::List(_)) || matches!(self.types.ty(value), Ty::List(_)) =>
            {
                return self.list_method(value, method, receiver, arguments);
            }
            Method::Slice | Method::Includes | Method::IndexOf if ty.is_json() => {
                return self.by_kind(value, method, receiver, arguments);
            }
            Method::Concat if ty.is_json() && self.exact => {
                // A list has this method, too, and it does something else.
                let given = self.value(receiver)?;
                let given = self.only_text(given);
                return self.string_method(value, method, given, arguments);
            }
            _ => {}
        }
        let text = self.string_argument(receiver)?;
        self.string_method(value, method, text, arguments)
    }

    /// A method of a string.
    pub(super) fn string_method(
        &mut self,
        value: &Expr,
        method: Method,
        text: Go,
        arguments: &[Expr],
    ) -> Result<Go, Refusal> {
        let counts = self.exact && counts_characters(method);
        if counts
            && let ExprKind::Method { receiver, .. } = &value.kind
            && self.literal_beyond_ascii(receiver).is_some()
        {
            return self.refuse(value.span, "characters beyond ASCII in this method");
        }
        let text = if counts && !only_ascii_in(value) {
            // Go counts bytes, and knows one upper case letter for each lower case one.
            self.ascii(text)
        } else {
            text
        };
        match (method, arguments) {
            (Method::ToUpperCase, []) => Ok(text.pipe("upper", Ty::Text)),
            (Method::ToLowerCase, []) => Ok(text.pipe("lower", Ty::Text)),
            (Method::Trim, []) => Ok(text.pipe("trim", Ty::Text)),
            (Method::TrimStart, []) => Ok(without(&text, LEADING_SPACE)),
            (Method::TrimEnd, []) => Ok(without(&text, TRAILING_SPACE)),
            (Method::Includes | Method::StartsWith, [part, from]) => match number(from) {
                Some(from) => {
                    let rest = self.part(text, from.max(0), None);
                    self.string_method(value, method, rest, std::slice::from_ref(part))
                }
                None => self.refuse(value.span, "a search from a place that is computed"),
            },
            (Method::Includes | Method::StartsWith | Method::EndsWith, [part]) => {
                if !matches!(self.types.ty(part), Ty::Text | Ty::Json | Ty::OptJson) {
                    return self.refuse(value.span, "a search for what may be no string");
                }
                let part = self.text(part)?;
                let name = match method {
                    Method::Includes => "contains",
                    Method::StartsWith => "hasPrefix",
                    _ => "hasSuffix",
                };
                Ok(Go::call(format!("{name} {} {}", part.arg(), text.arg()), Ty::Bool))
            }
            (Method::IndexOf, [part]) => {
                if self.types.ty(part) != Ty::Text {
                    return self.refuse(value.span, "a search for what may be no string");
                }
                let text = self.keep(text);
                let part = self.value(part)?;
                let part = self.keep(part);
                let place = self.set(&Go::simple("-1", Ty::Int));
                self.action(format!("if contains {} {}", part.text, text.text));
                // What is empty would split between all characters.
                let before = format!("index (splitn {} 2 {}) \"_0\"", part.text, text.text);
                self.action(match part.text.as_str() {
                    "\"\"" => format!("{} = 0", place.text),
                    literal if literal.starts_with('"') => {
                        format!("{} = len ({before})", place.text)
                    }
                    computed => {
                        format!("{} = ternary 0 (len ({before})) (eq {computed} \"\")", place.text)
                    }
                });
                self.action("end");
                Ok(place)
            }
            (Method::Concat, parts) => {
                let mut texts = vec![text.arg()];
                for part in parts {
                    texts.push(self.text(part)?.arg());
                }
                Ok(Go::call(format!("print {}", texts.join(" ")), Ty::Text))
            }
            (Method::Repeat, [count]) => match number(count) {
                Some(count) if count >= 0 => Ok(text.pipe(&format!("repeat {count}"), Ty::Text)),
                _ => self.refuse(value.span, "a repetition that is computed"),
            },
            (Method::PadStart | Method::PadEnd, [width, rest @ ..]) => {
                let with = match rest {
                    [] => " ",
                    [Expr { kind: ExprKind::Text(with), .. }] if with.len() == 1 => with,
                    _ => return self.refuse(value.span, "padding with more than one character"),
                };
                let Some(width) = number(width) else {
                    return self.refuse(value.span, "padding to a width that is computed");
                };
                let text = self.keep(text);
                let padding = format!(
                    "(repeat (int (max 0 (sub {width} (len {})))) {})",
                    text.text,
                    quote(with)
                );
                Ok(Go::call(
                    if method == Method::PadStart {
                        format!("print {padding} {}", text.text)
                    } else {
                        format!("print {} {padding}", text.text)
                    },
                    Ty::Text,
                ))
            }
            (Method::Split, [separator]) => self.split(value, &text, separator),
            (Method::Split, [separator, limit]) => match number(limit) {
                Some(limit) if limit >= 0 => {
                    let list = self.split(value, &text, separator)?;
                    let ty = list.ty.clone();
                    Ok(self.between(&list, 0, Some(limit), ty))
                }
                _ => self.refuse(value.span, "a limit that is computed"),
            },
            (Method::Replace | Method::ReplaceAll, [pattern, with]) => {
                self.replace(value, method, text, pattern, with)
            }
            (Method::CharAt, [place]) => match number(place) {
                Some(place) if place >= 0 => Ok(self.part(text, place, Some(1))),
                _ => self.refuse(value.span, "a character at a place that is computed"),
            },
            (Method::Slice, [start]) => match number(start) {
                Some(start) if start < 0 => Ok(text.pipe(&format!("trunc {start}"), Ty::Text)),
                Some(start) => Ok(self.part(text, start, None)),
                None => self.computed_part(value, method, text, start, None),
            },
            (Method::Slice, [start, end]) => match (number(start), number(end)) {
                (Some(start), Some(end)) => Ok(self.slice(text, start, end)),
                _ => self.computed_part(value, method, text, start, Some(end)),
            },
            (Method::Substring, [start]) => match number(start) {
                Some(start) => Ok(self.part(text, start.max(0), None)),
                None => self.computed_part(value, method, text, start, None),
            },
            (Method::Substring, [start, end]) => match (number(start), number(end)) {
                (Some(start), Some(end)) => {
                    let (start, end) = (start.max(0), end.max(0));
                    let (start, end) = (start.min(end), start.max(end));
                    Ok(self.part(text, start, Some(end - start)))
                }
                _ => self.computed_part(value, method, text, start, Some(end)),
            },
            (Method::Substr, [start]) => match number(start) {
                Some(start) if start < 0 => Ok(text.pipe(&format!("trunc {start}"), Ty::Text)),
                Some(start) => Ok(self.part(text, start, None)),
                None => self.refuse(value.span, "a part of a string that is computed"),
            },
            (Method::Substr, [start, length]) => match (number(start), number(length)) {
                (Some(start), Some(length)) if start < 0 => {
                    let last = text.pipe(&format!("trunc {start}"), Ty::Text);
                    Ok(self.part(last, 0, Some(length.max(0))))
                }
                (Some(start), Some(length)) => Ok(self.part(text, start, Some(length.max(0)))),
                _ => self.refuse(value.span, "a part of a string that is computed"),
            },
            (Method::CharCodeAt, _) => self.refuse(value.span, "the code of a character"),
            (Method::ToFixed, _) => self.refuse(value.span, "the method `toFixed`"),
            (Method::At, _) => self.refuse(value.span, "the method `at`"),
            _ => self.refuse(value.span, "a method with these arguments"),
        }
    }

    /// At most `length` bytes from `start` on.
    fn part(&mut self, text: Go, start: i64, length: Option<i64>) -> Go {
        let cut = match length {
            Some(length) => text.pipe(&format!("trunc {}", start.saturating_add(length)), Ty::Text),
            None => text,
        };
        if start == 0 {
            return cut;
        }
        // Behind its end a string is empty; Go's own functions fail there.
        let cut = self.keep(cut);
        let text = format!("trimPrefix (trunc {start} {0}) {0}", cut.text);
        Go::call(text, Ty::Text)
    }

    /// `slice(start, end)` with numbers that may count from the end.
    fn slice(&mut self, text: Go, start: i64, end: i64) -> Go {
        if start >= 0 && end >= 0 {
            return self.part(text, start, Some((end - start).max(0)));
        }
        if start < 0 && end >= 0 {
            // How long the string is decides which of them comes first.
            let text = self.keep(text);
            let cut = self.set(&text.pipe(&format!("trunc {end}"), Ty::Text));
            let before = self
                .set(&Go::call(format!("trimSuffix (trunc {start} {0}) {0}", text.text), Ty::Text));
            let text = format!(
                "ternary (trimPrefix {0} {1}) \"\" (gt (len {1}) (len {0}))",
                before.text, cut.text
            );
            return Go::call(text, Ty::Text);
        }
        let text = if start < 0 { text.pipe(&format!("trunc {start}"), Ty::Text) } else { text };
        let text = self.keep(text);
        let cut = Go::call(format!("trimSuffix (trunc {end} {0}) {0}", text.text), Ty::Text);
        if start > 0 { self.part(cut, start, None) } else { cut }
    }

    /// A part between places that are numbers of Go.
    fn computed_part(
        &mut self,
        value: &Expr,
        method: Method,
        text: Go,
        start: &Expr,
        end: Option<&Expr>,
    ) -> Result<Go, Refusal> {
        if !self.is_place(start) || end.is_some_and(|end| !self.is_place(end)) {
            return self.refuse(value.span, "a part of a string that is computed");
        }
        let text = self.keep(text);
        let length = format!("(len {})", text.text);
        let mut places = Vec::new();
        for place in [Some(start), end] {
            let Some(place) = place else {
                places.push(length.clone());
                continue;
            };
            let place = self.whole(place)?;
            let place = self.keep(place);
            // Beyond an end of the text it is that end; `slice` counts from the other end, too.
            let within = format!("max 0 (min {} {length})", place.text);
            let within = if method == Method::Slice {
                let from_end = format!("max 0 (add {} {length})", place.text);
                format!("ternary ({from_end}) ({within}) (lt (int64 {}) 0)", place.text)
            } else {
                within
            };
            places.push(self.set(&Go::call(within, Ty::Int)).text);
        }
        let [start, end] = places.as_slice() else {
            return self.refuse(value.span, "a part of a string that is computed");
        };
        let (first, last) = if method == Method::Slice {
            (start.clone(), format!("(max {start} {end})"))
        } else {
            (format!("(min {start} {end})"), format!("(max {start} {end})"))
        };
        // Its end counts from 0; a negative one would mean all of it.
        Ok(Go::call(format!("substr (int {first}) (int {last}) {}", text.text), Ty::Text))
    }

    fn split(&mut self, value: &Expr, text: &Go, separator: &Expr) -> Result<Go, Refusal> {
        match &separator.kind {
            ExprKind::Regex(regex) => {
                let pattern = super::regex::to_go(regex, separator.span)?;
                if pattern.may_be_empty || pattern.groups > 0 || pattern.lines {
                    return self.refuse(value.span, "this regular expression as a separator");
                }
                Ok(Go::call(
                    format!("regexSplit {} {} -1", quote(&pattern.text), text.arg()),
                    Ty::list(Ty::Text),
                ))
            }
            _ if self.types.ty(separator) == Ty::Text => {
                let separator = self.value(separator)?;
                Ok(text.pipe(&format!("splitList {}", separator.arg()), Ty::list(Ty::Text)))
            }
            _ => self.refuse(value.span, "a separator that may be no string"),
        }
    }

    fn test(&mut self, value: &Expr, receiver: &Expr, arguments: &[Expr]) -> Result<Go, Refusal> {
        let (ExprKind::Regex(regex), [argument]) = (&receiver.kind, arguments) else {
            return self.refuse(value.span, "`test` of what is no regular expression");
        };
        let pattern = super::regex::to_go(regex, receiver.span)?;
        let text = self.text(argument)?;
        let text = self.one_kind_of_line(text, pattern.lines);
        Ok(Go::call(format!("regexMatch {} {}", quote(&pattern.text), text.arg()), Ty::Bool))
    }

    /// Go knows one line break, JavaScript four: a text that has another cannot be searched by
    /// lines.
    pub(super) fn one_kind_of_line(&mut self, text: Go, lines: bool) -> Go {
        if !lines || !self.exact {
            return text;
        }
        let text = self.keep(text);
        let test = format!("regexMatch \"[\\\\r\\u2028\\u2029]\" {}", text.text);
        self.fail_if(&test, "a value has line breaks that Go does not know");
        text
    }

    /// `Buffer.from(E, from).toString(to)`
    pub(super) fn recode(
        &mut self,
        value: &Expr,
        inner: &Expr,
        from: Encoding,
        to: Encoding,
    ) -> Result<Go, Refusal> {
        let text = self.string_argument(inner)?;
        match (from, to) {
            (Encoding::Base64, _) if is_plain(to) => {
                if !self.exact {
                    self.note(
                        &codes::W05,
                        value.span,
                        "the value is decoded from base64, more strictly than by KES",
                    );
                    return Ok(text.pipe("b64dec", Ty::Text));
                }
                let decoded = self.with_helper(Helper::Base64, &text, "text", Ty::Text);
                if to != Encoding::Utf8 {
                    self.only_ascii(&decoded);
                }
                Ok(decoded)
            }
            (_, Encoding::Base64) if is_plain(from) => {
                let text = if from == Encoding::Utf8 { text } else { self.ascii(text) };
                Ok(text.pipe("b64enc", Ty::Text))
            }
            (_, Encoding::Hex) if is_plain(from) => {
                let text = if from == Encoding::Utf8 { text } else { self.ascii(text) };
                Ok(text.pipe("printf \"%x\"", Ty::Text))
            }
            _ if is_plain(from) && is_plain(to) => Ok(self.ascii(text)),
            _ => self.refuse(value.span, "bytes written in this encoding"),
        }
    }

    /// The text that a value always is, if one with characters that Go counts otherwise.
    pub(super) fn literal_beyond_ascii<'e>(&'e self, value: &'e Expr) -> Option<&'e str> {
        match &self.origins.followed(value).kind {
            ExprKind::Text(text) if !text.is_ascii() => Some(text),
            _ => None,
        }
    }

    /// A string whose bytes are its characters.
    pub(super) fn ascii(&mut self, text: Go) -> Go {
        if !self.exact {
            return text;
        }
        let text = self.keep(text);
        self.only_ascii(&text);
        text
    }

    fn only_ascii(&mut self, text: &Go) {
        let test = format!("regexMatch \"[^\\\\x00-\\\\x7f]\" {}", text.text);
        self.fail_if(&test, "a value is not ASCII");
    }
}

/// Methods whose result depends on how characters are counted.
fn counts_characters(method: Method) -> bool {
    matches!(
        method,
        Method::ToUpperCase
            | Method::ToLowerCase
            | Method::Slice
            | Method::Substring
            | Method::Substr
            | Method::CharAt
            | Method::IndexOf
            | Method::PadStart
            | Method::PadEnd
            | Method::Trim
    )
}

/// True for an expression made of fetched values, which KES read as ASCII, and ASCII literals.
pub(super) fn only_ascii_in(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Text(text) => text.is_ascii(),
        ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Regex(_) => true,
        ExprKind::Member { object, .. } => match &object.kind {
            ExprKind::Data => true,
            _ => matches!(object.kind, ExprKind::Method { .. }) && only_ascii_in(object),
        },
        ExprKind::Method { receiver, arguments, .. } => {
            only_ascii_in(receiver) && arguments.iter().all(only_ascii_in)
        }
        ExprKind::Concat(parts) => parts.iter().all(only_ascii_in),
        ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
            only_ascii_in(left) && only_ascii_in(right)
        }
        ExprKind::Recode { value, from, to } => {
            is_plain(*from)
                && matches!(to, Encoding::Base64 | Encoding::Hex)
                && only_ascii_in(value)
        }
        _ => false,
    }
}

fn without(text: &Go, pattern: &str) -> Go {
    Go::call(format!("regexReplaceAllLiteral {} {} \"\"", quote(pattern), text.arg()), Ty::Text)
}
