//! Values to try: every use of a value in every form that could come out differently.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_engine::property::Payload;

use super::shape::{self, Shape};
use super::store::Values;
use crate::Options;
use crate::kes::{Backend, Kes};

/// One form of a value.
#[derive(Debug)]
pub(super) struct Form {
    /// Completes "when X ...".
    pub(super) words: &'static str,
    pub(super) at: Class,
    value: Raw,
}

/// What the form is written as.
#[derive(Debug)]
enum Raw {
    /// JSON; for a whole text, the text that this JSON string is.
    Json(&'static str),
    /// A text, of which the store has the base64.
    Encoded(&'static str),
    /// Bytes, as AWS Secrets Manager has them.
    Binary(&'static [u8]),
    /// Nothing at all.
    Missing,
    /// A list of so many elements.
    Elements(usize),
    /// The usual value with blanks around everything.
    Blanks,
}

/// Where a form can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A text, whole or a member.
    Text,
    /// A member or an element that may be anything.
    Member,
    /// A text that is read as base64.
    Base64,
    /// An object or a list within another.
    Inner,
    /// A list.
    List,
    /// A whole value that is read as JSON.
    Whole,
    /// A whole value that is not looked into.
    Plain,
}

const fn form(at: Class, words: &'static str, json: &'static str) -> Form {
    Form { words, at, value: Raw::Json(json) }
}

/// All forms, the most telling ones first.
pub(super) const FORMS: &[Form] = &[
    form(
        Class::Text,
        "holds quotes, braces, blanks and the like",
        r#""a \"b\" 'c' \\d {{ .x }} ${y} <% z %> <&>\t%20+=#: e  ""#,
    ),
    form(Class::Text, "holds characters beyond ASCII", r#""p\u00e4\u20ac ß""#),
    form(Class::Text, "is empty", r#""""#),
    form(Class::Text, "repeats itself", r#""a-b_c,d.e:f/g h a-b_c,d.e:f/g h A-B""#),
    form(Class::Text, "has several lines", r#""l1\nl2\r\n\n  l3\n""#),
    form(Class::Text, "begins and ends with blanks", r#"" \t x \n""#),
    form(Class::Text, "is a text of digits", r#""0123""#),
    form(Class::Text, "is a text of many digits", r#""1234567890123""#),
    form(Class::Text, "is a word such as true or null", r#""true""#),
    form(Class::Text, "is a word such as true or null", r#""null""#),
    form(Class::Text, "is a long text", LONG),
    form(Class::Plain, "is the text of a JSON object", r#""{\"b\": 1.0, \"a\": \"<x>\"}""#),
    form(Class::Plain, "is base64", r#""aGVsbG8=""#),
    Form {
        words: "is stored as bytes",
        at: Class::Plain,
        value: Raw::Binary(b"\x00\xff\xfebytes"),
    },
    Form {
        words: "is stored as bytes",
        at: Class::Base64,
        value: Raw::Binary(b"\x00\xff\xfebytes"),
    },
    Form {
        words: "is base64 of other text",
        at: Class::Base64,
        value: Raw::Encoded("a \"b\" {{ <&>\n"),
    },
    Form {
        words: "is base64 of characters beyond ASCII",
        at: Class::Base64,
        value: Raw::Encoded("pä€ß"),
    },
    form(Class::Base64, "is base64 without padding", r#""YWI""#),
    form(Class::Base64, "is base64 in the alphabet of URLs", r#""-_-_""#),
    form(Class::Base64, "is base64 in several lines", r#""aGVs\nbG8=\n""#),
    form(Class::Base64, "is no base64", r#""hello, world!""#),
    form(Class::Base64, "is empty", r#""""#),
    form(Class::Member, "is null", "null"),
    form(Class::Member, "is an object", r#"{"zeta": "<z>", "alpha": [1, 2]}"#),
    form(Class::Member, "is a list", r#"["x", 1, null]"#),
    form(Class::Member, "is a whole number above 2^53", "9007199254740993"),
    form(Class::Member, "is a number of 7 digits or more", "12345678"),
    form(Class::Member, "is a small number", "42"),
    form(Class::Member, "is zero", "0"),
    form(Class::Member, "is a negative number", "-7"),
    form(Class::Member, "is a number above 10^21", "1.5e22"),
    form(Class::Member, "is a fraction", "1.5"),
    form(Class::Member, "is a tiny fraction", "0.00000012"),
    form(
        Class::Member,
        "is a number written with an exponent or with zeros behind its point",
        "1.50e3",
    ),
    form(Class::Member, "is true", "true"),
    form(Class::Member, "is false", "false"),
    form(Class::Member, "is an empty object", "{}"),
    form(Class::Member, "is an empty list", "[]"),
    Form { words: "is missing", at: Class::Member, value: Raw::Missing },
    form(Class::Inner, "is null", "null"),
    form(Class::Inner, "is a text", r#""text""#),
    form(Class::Inner, "is empty", "{}"),
    Form { words: "is missing", at: Class::Inner, value: Raw::Missing },
    Form { words: "has no element", at: Class::List, value: Raw::Elements(0) },
    Form { words: "has one element", at: Class::List, value: Raw::Elements(1) },
    Form { words: "has three elements", at: Class::List, value: Raw::Elements(3) },
    form(Class::Whole, "is not JSON", r#""not JSON""#),
    form(Class::Whole, "is an empty text", r#""""#),
    form(Class::Whole, "is JSON null", r#""null""#),
    form(Class::Whole, "is a JSON number", r#""12""#),
    form(Class::Whole, "is a JSON text", r#""\"text\"""#),
    form(Class::Whole, "is a JSON list", r#""[\"a\", \"b\"]""#),
    form(Class::Whole, "is an empty object", r#""{}""#),
    Form { words: "is written with blanks", at: Class::Whole, value: Raw::Blanks },
];

const LONG: &str = r#""word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12 word13 word14 word15 word16""#;

/// A place at which forms are tried.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// Such as: member `a.b` of `app/db`.
    pub(super) words: String,
    classes: Vec<Class>,
}

impl Spot {
    /// Whether the form can be tried here.
    pub(super) fn takes(&self, form: &Form) -> bool {
        self.classes.contains(&form.at)
    }
}

/// Every place of these values, in the order in which [`values`] numbers them.
pub(super) fn spots(shapes: &BTreeMap<String, Shape>) -> Vec<Spot> {
    let mut writer = Writer { spots: Vec::new(), form: None, at: None, blanks: false };
    for (name, shape) in shapes {
        writer.whole(name, shape);
    }
    writer.spots
}

/// The values with `form` at the spot `at`, or at every spot that takes it; without a form, the
/// usual ones.
pub(super) fn values(
    shapes: &BTreeMap<String, Shape>,
    form: Option<&Form>,
    at: Option<usize>,
) -> Values {
    let mut writer = Writer { spots: Vec::new(), form, at, blanks: false };
    let values = shapes.iter().map(|(name, shape)| (name.clone(), writer.whole(name, shape)));
    Values(values.collect())
}

struct Writer<'f> {
    spots: Vec<Spot>,
    form: Option<&'f Form>,
    at: Option<usize>,
    blanks: bool,
}

impl<'f> Writer<'f> {
    /// Numbers a spot; the form to write there, if there is one.
    fn spot(&mut self, words: String, classes: &[Class]) -> (usize, Option<&'f Raw>) {
        let number = self.spots.len();
        let spot = Spot { words, classes: classes.to_vec() };
        let form =
            self.form.filter(|form| spot.takes(form) && self.at.is_none_or(|at| at == number));
        self.spots.push(spot);
        (number, form.map(|form| &form.value))
    }

    /// A whole value.
    fn whole(&mut self, name: &str, shape: &Shape) -> Payload {
        let looked_into = shape.parsed || !shape.members.is_empty() || shape.element.is_some();
        let classes: &[Class] = match (looked_into, shape.base64) {
            (true, _) => &[Class::Whole],
            (_, true) => &[Class::Base64],
            _ if shape.encoded => &[Class::Text, Class::Plain, Class::Base64],
            _ => &[Class::Text, Class::Plain],
        };
        let (number, form) = self.spot(format!("`{name}`"), classes);
        let text = |text: String| Payload { string: Some(text.into_bytes()), ..Payload::default() };
        let blanks = matches!(form, Some(Raw::Blanks));
        let given = match form {
            Some(Raw::Json(json)) => Some(text(unquoted(json))),
            Some(Raw::Encoded(plain)) => Some(text(STANDARD.encode(plain))),
            Some(Raw::Binary(bytes)) => {
                Some(Payload { binary: Some(bytes.to_vec()), ..Payload::default() })
            }
            _ => None,
        };
        if !looked_into {
            return given.unwrap_or_else(|| text(plain(number, shape)));
        }
        // Also for a value that is given, so that spots keep their numbers.
        let before = std::mem::replace(&mut self.blanks, blanks);
        let json = self.content(name, &mut Vec::new(), shape);
        self.blanks = before;
        given.unwrap_or_else(|| text(json))
    }

    /// The JSON of what is in a value that is looked into.
    fn content(&mut self, name: &str, path: &mut Vec<String>, shape: &Shape) -> String {
        let (comma, colon, open, close) =
            if self.blanks { (" ,\n ", " : ", " ", " ") } else { (",", ":", "", "") };
        if let Some(element) = shape.element.as_ref().filter(|_| shape.members.is_empty()) {
            let (_, form) = self.spot(words(name, path), &[Class::List]);
            let count = match form {
                Some(Raw::Elements(count)) => *count,
                _ => 2,
            };
            let mut items = Vec::new();
            path.push("0".into());
            // One spot stands for all elements; the others are told apart by their numbers.
            let first = self.value(name, path, element).unwrap_or_else(|| "null".into());
            path.pop();
            for number in 0..count {
                items.push(if number == 0 { first.clone() } else { again(&first, number) });
            }
            return format!("[{open}{}{close}]", items.join(comma));
        }
        // Not in the order of their names, so that sorting shows.
        let unnamed = ["zeta", "alpha"].map(|name| (name.to_owned(), Shape::default()));
        let members = if shape.members.is_empty() { &unnamed[..] } else { &shape.members };
        let mut out = Vec::new();
        for (member, inner) in members {
            path.push(member.clone());
            if let Some(value) = self.value(name, path, inner) {
                out.push(format!("{}{colon}{value}", quoted(member)));
            }
            path.pop();
        }
        format!("{{{open}{}{close}}}", out.join(comma))
    }

    /// The JSON of a member or an element; `None` when it is missing.
    fn value(&mut self, name: &str, path: &mut Vec<String>, shape: &Shape) -> Option<String> {
        let inner = !shape.members.is_empty() || shape.element.is_some() || shape.parsed;
        let classes: &[Class] = match (inner, shape.base64) {
            (true, _) if shape.parsed => &[Class::Whole, Class::Inner],
            (true, _) => &[Class::Inner],
            (_, true) => &[Class::Base64],
            _ if shape.encoded => &[Class::Text, Class::Member, Class::Base64],
            _ => &[Class::Text, Class::Member],
        };
        let (number, form) = self.spot(words(name, path), classes);
        let given = match form {
            Some(Raw::Missing) => Some(None),
            Some(Raw::Json(json)) => Some(Some((*json).to_owned())),
            Some(Raw::Encoded(plain)) => Some(Some(quoted(&STANDARD.encode(plain)))),
            Some(Raw::Binary(_) | Raw::Elements(_) | Raw::Blanks) | None => None,
        };
        let usual = if inner {
            let content = self.content(name, path, shape);
            if shape.parsed { quoted(&content) } else { content }
        } else {
            quoted(&plain(number, shape))
        };
        given.unwrap_or(Some(usual))
    }
}

fn words(name: &str, path: &[String]) -> String {
    match path.last() {
        None => format!("`{name}`"),
        Some(last) if shape::INVENTED.contains(&last.as_str()) => format!("a member of `{name}`"),
        Some(_) => format!("member `{}` of `{name}`", path.join(".")),
    }
}

/// A value unlike all others.
fn plain(number: usize, shape: &Shape) -> String {
    let text = format!("value{number}");
    if shape.base64 || shape.encoded { STANDARD.encode(text) } else { text }
}

/// An element like the first, but for its texts.
fn again(first: &str, number: usize) -> String {
    first.replace("\"value", &format!("\"value-{number}-"))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn unquoted(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => text,
        _ => json.to_owned(),
    }
}

impl Form {
    /// Whether a character beyond ASCII is in it.
    pub(super) fn beyond_ascii(&self) -> bool {
        match self.value {
            Raw::Json(text) => !text.is_ascii() || text.contains("\\u"),
            Raw::Encoded(text) => !text.is_ascii(),
            Raw::Binary(_) => true,
            Raw::Missing | Raw::Elements(_) | Raw::Blanks => false,
        }
    }

    /// Only AWS Secrets Manager stores bytes.
    pub(super) fn is_of(&self, backend: Backend) -> bool {
        !matches!(self.value, Raw::Binary(_)) || backend == Backend::SecretsManager
    }
}

/// Adds parameters below the paths of an object; `colliding` ones have the name of another, or of
/// an item.
pub(super) fn below(kes: &Kes<'_>, options: &Options, colliding: bool, values: &mut Values) {
    for (number, path) in kes.paths.iter().enumerate() {
        let root = path.key.value.trim_end_matches('/');
        let mut add = |name: &str, text: String| {
            let payload = Payload { string: Some(text.into_bytes()), ..Payload::default() };
            values.0.insert(format!("{root}/{name}"), payload);
        };
        let [first, second] = shape::PARAMETERS.map(|name| format!("{name}-{number}"));
        add(&first, format!("below-{number}-1"));
        add(&format!("deeper/{second}"), format!("below-{number}-2"));
        if !colliding {
            continue;
        }
        add(&format!("deeper/{first}"), format!("below-{number}-3"));
        if !options.assume_disjoint {
            for item in kes.items.iter().filter_map(|item| item.name.as_ref()) {
                add(&item.value, format!("below-{number}-{}", item.value));
            }
        }
    }
}
