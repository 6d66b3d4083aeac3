//! Where the two Secrets differ, and whether the migration had said so.

use std::collections::BTreeSet;

use extsecret_crds::ExternalSecret;
use extsecret_engine::request::Field;
use extsecret_engine::template::Place;
use extsecret_manifest::diagnostic::{Code, Diagnostic};
use extsecret_manifest::source::Span;

use super::evaluate;
use super::pipeline::{self, Fate, Kind, Origin, Part, Slot, TemplateText, Written};
use super::shape;
use super::target::{At, Failure, FailureKind, Target};
use crate::codes;
use crate::kes::{Binary, Item, Kes};

/// What a difference is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The whole object.
    Object,
    Key(String),
    Label(String),
    Annotation(String),
    /// Any key that this item brings.
    Brought(String),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Object => f.write_str("the Secret"),
            Self::Key(key) => write!(f, "`{key}`"),
            Self::Label(key) => write!(f, "label `{key}`"),
            Self::Annotation(key) => write!(f, "annotation `{key}`"),
            Self::Brought(label) => write!(f, "a key of {label}"),
        }
    }
}

/// How the two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Bytes,
    /// Only KES had it.
    Lost,
    /// Only the new object has it.
    New,
    /// KES wrote a Secret, the new object is in error.
    Fails,
    /// KES was in error, the new object writes a Secret.
    Works,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) subject: Subject,
    pub(super) effect: Effect,
    pub(super) code: &'static Code,
    /// Why, as far as it is known.
    pub(super) reason: String,
    pub(super) field: Option<String>,
    pub(super) span: Option<Span>,
}

/// What is known about the object besides the two Secrets.
pub(super) struct Facts<'a, 'n> {
    pub(super) kes: &'a Kes<'n>,
    pub(super) texts: &'a [TemplateText<'n>],
    pub(super) object: &'a ExternalSecret,
    /// What the migration said about the object.
    pub(super) said: &'a [Diagnostic],
    /// A value holds characters beyond ASCII.
    pub(super) beyond_ascii: bool,
    /// The values are the user's own.
    pub(super) given: bool,
}

/// What there is to say about a pair of results.
pub(super) fn compare(
    facts: &Facts<'_, '_>,
    kes: &Fate<Written>,
    target: &Result<Target, Failure>,
) -> Vec<Difference> {
    match (kes, target) {
        (Fate::Wrote(written), Ok(target)) => facts.values(written, target),
        // A Secret without keys has no bytes; the new object keeps what is there.
        (Fate::Wrote(written), Err(failure)) if failure.empty && written.data.is_empty() => {
            Vec::new()
        }
        (Fate::Wrote(written), Err(failure)) => vec![facts.failure(written, failure)],
        (Fate::Failed(why), Ok(_)) => vec![Difference {
            subject: Subject::Object,
            effect: Effect::Works,
            code: &codes::I07,
            reason: why.clone(),
            field: None,
            span: None,
        }],
        (Fate::Failed(_) | Fate::Unknown(_), _) => Vec::new(),
    }
}

/// Both Secrets, and what the new one has where they differ.
#[derive(Clone, Copy)]
struct Sides<'a> {
    written: &'a Written,
    target: &'a Target,
    bytes: Option<&'a Vec<u8>>,
}

/// How a key is called.
type Make<'f> = &'f dyn Fn(&String, Option<Origin>) -> Subject;

impl<'n> Facts<'_, 'n> {
    /// What a key is called. Made-up names stand for all keys of their item.
    pub(super) fn key(&self, key: &str, origin: Option<Origin>) -> Subject {
        let starts = |names: &[&str]| names.iter().any(|name| key.starts_with(name));
        let item = match origin {
            _ if self.given => None,
            Some(Origin::Extract(index)) if starts(&shape::INVENTED) => {
                self.kes.extracts.get(index)
            }
            Some(Origin::Path(index)) if starts(&shape::PARAMETERS) => self.kes.paths.get(index),
            _ => None,
        };
        item.map_or_else(|| Subject::Key(key.to_owned()), |it| Subject::Brought(it.label.clone()))
    }

    /// Every key, label and annotation that KES wrote.
    pub(super) fn subjects(&self, written: &Written) -> impl Iterator<Item = Subject> {
        let keys = written.data.iter().map(|(key, slot)| self.key(key, Some(slot.origin)));
        keys.chain(written.labels.keys().cloned().map(Subject::Label))
            .chain(written.annotations.keys().cloned().map(Subject::Annotation))
    }

    fn values(&self, written: &Written, target: &Target) -> Vec<Difference> {
        let mut found = Vec::new();
        let bytes = |map: &std::collections::BTreeMap<String, String>| {
            map.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes())).collect()
        };
        let key = |key: &String, origin| self.key(key, origin);
        let label = |key: &String, _| Subject::Label(key.clone());
        let annotation = |key: &String, _| Subject::Annotation(key.clone());
        for (ours, theirs, make) in [
            (&written.data, target.data.clone(), &key as Make<'_>),
            (&written.labels, bytes(&target.labels), &label),
            (&written.annotations, bytes(&target.annotations), &annotation),
        ] {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let effect = match (ours.get(key), theirs.get(key)) {
                    (Some(slot), Some(bytes)) if slot.bytes == *bytes => continue,
                    (Some(_), Some(_)) => Effect::Bytes,
                    (Some(_), None) => Effect::Lost,
                    (None, _) => Effect::New,
                };
                let slot = ours.get(key);
                let subject = make(key, slot.map(|slot| slot.origin));
                let sides = Sides { written, target, bytes: theirs.get(key) };
                found.push(self.value(subject, effect, slot, sides));
            }
        }
        found
    }

    /// A difference in one value, which `slot` was in KES.
    fn value(
        &self,
        subject: Subject,
        effect: Effect,
        slot: Option<&Slot>,
        sides: Sides<'_>,
    ) -> Difference {
        let origin = slot.map(|slot| slot.origin);
        let announced = slot.and_then(|slot| match slot.origin {
            Origin::Item(index) => {
                self.kes.items.get(index).and_then(|item| self.of_item(item, slot, effect))
            }
            Origin::Extract(index) => {
                self.kes.extracts.get(index).and_then(|_| of_kind(slot.kind, false))
            }
            Origin::Path(_) => self.of_path(),
            Origin::Template(index) => self
                .texts
                .get(index)
                .and_then(|text| self.of_inputs(text, sides).or_else(|| self.of_text(text))),
        });
        let (field, span) = origin.map_or((None, None), |origin| self.place(origin));
        let (code, reason) = announced.unwrap_or((&codes::E20, ""));
        Difference { subject, effect, code, reason: reason.to_owned(), field, span }
    }

    fn place(&self, origin: Origin) -> (Option<String>, Option<Span>) {
        let item = match origin {
            Origin::Extract(index) => self.kes.extracts.get(index),
            Origin::Item(index) => self.kes.items.get(index),
            Origin::Path(index) => self.kes.paths.get(index),
            Origin::Template(index) => {
                let text = self.texts.get(index);
                return (text.map(|text| text.field.clone()), text.map(|text| text.span));
            }
        };
        (item.map(|item| item.field.clone()), item.map(|item| item.span))
    }

    /// Whether the migration gave this code to the field, to what is in it or to what it is in.
    fn said(&self, code: &'static Code, field: &str) -> bool {
        let within = |outer: &str, inner: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.said.iter().any(|diagnostic| {
            diagnostic.code.id == code.id
                && diagnostic
                    .field
                    .as_deref()
                    .is_none_or(|said| within(said, field) || within(field, said))
        })
    }

    fn of_item(
        &self,
        item: &Item<'_>,
        slot: &Slot,
        effect: Effect,
    ) -> Option<(&'static Code, &'static str)> {
        if item.binary == Binary::Yes && self.said(&codes::W05, &item.field) {
            return Some((&codes::W05, "KES decoded base64 leniently, ESO does it strictly"));
        }
        if let Some(code) = of_kind(slot.kind, true).filter(|_| item.property.is_some()) {
            return (effect == Effect::Bytes).then_some(code);
        }
        for (code, reason) in [
            (&codes::W07, "ESO writes JSON in another order or with other escapes"),
            (&codes::W16, "the value is rebuilt by a template"),
            (&codes::W10, "a path yields the same key"),
        ] {
            if self.said(code, &item.field) {
                return Some((code, reason));
            }
        }
        None
    }

    /// The reason of the fetched values, if the text differs by them alone: then what KES would
    /// render on the new values is what the new template renders.
    fn of_inputs(
        &self,
        text: &TemplateText<'_>,
        sides: Sides<'_>,
    ) -> Option<(&'static Code, &'static str)> {
        let values = sides.target.fetched.iter();
        let values = values.map(|(key, bytes)| (key.as_str(), bytes.as_slice()));
        let rendered = pipeline::render(text, &evaluate::data(values))?;
        if sides.bytes != Some(&rendered) {
            return None;
        }
        let mut reason = None;
        for (key, bytes) in &sides.target.fetched {
            let Some(slot) = sides.written.data.get(key).filter(|slot| slot.bytes != *bytes) else {
                continue;
            };
            let of_slot = match slot.origin {
                Origin::Item(index) => self
                    .kes
                    .items
                    .get(index)
                    .and_then(|item| self.of_item(item, slot, Effect::Bytes)),
                Origin::Extract(_) => of_kind(slot.kind, false),
                Origin::Path(_) => self.of_path(),
                Origin::Template(_) => continue,
            };
            reason = Some(of_slot?);
        }
        reason
    }

    fn of_path(&self) -> Option<(&'static Code, &'static str)> {
        let root = self.kes.root;
        [
            (&codes::W11, "two parameters end in the same name"),
            (&codes::W10, "an item has the name of a parameter"),
        ]
        .into_iter()
        .find(|(code, _)| self.said(code, root))
    }

    fn of_text(&self, text: &TemplateText<'_>) -> Option<(&'static Code, &'static str)> {
        if self.beyond_ascii && self.said(&codes::W15, &text.field) {
            return Some((&codes::W15, "KES damaged characters beyond ASCII"));
        }
        [
            (&codes::W13, "a number is printed in another form"),
            (&codes::W14, "all occurrences are replaced, not only the first"),
            (&codes::W16, "JSON or YAML is written in another order or form"),
            (&codes::W05, "base64 is decoded strictly"),
            (&codes::W07, "the form of a value differs"),
            (&codes::W10, "a fetched key has the same name"),
        ]
        .into_iter()
        .find(|(code, _)| self.said(code, &text.field))
    }

    /// KES wrote a Secret, and the new object would be in error.
    fn failure(&self, written: &Written, failure: &Failure) -> Difference {
        let (field, span, code) = match &failure.at {
            At::Item(Field::Data(index)) => {
                let key = self.object.spec.data().get(*index).map(|data| &data.secret_key);
                let named = |item: &&(usize, &Item<'_>)| {
                    item.1.name.as_ref().map(|name| name.value.as_ref()) == key.map(String::as_str)
                };
                let items: Vec<(usize, &Item<'_>)> = self.kes.items.iter().enumerate().collect();
                // Of several, the last one counts.
                match items.iter().rev().find(named) {
                    Some((index, item)) => {
                        let code = self.item_fails(written, Origin::Item(*index), item, failure);
                        (Some(item.field.clone()), Some(item.span), code)
                    }
                    None => (None, None, None),
                }
            }
            At::Item(Field::DataFrom(index)) => {
                let extracts = self.kes.extracts.len();
                let (origin, item) = match index.checked_sub(extracts) {
                    None => (Origin::Extract(*index), self.kes.extracts.get(*index)),
                    Some(path) => (Origin::Path(path), self.kes.paths.get(path)),
                };
                let code = item.and_then(|item| self.item_fails(written, origin, item, failure));
                (item.map(|item| item.field.clone()), item.map(|item| item.span), code)
            }
            At::Template(place) => {
                let text = self.text_at(place);
                let code = match failure.kind {
                    FailureKind::Guard => Some(&codes::W08),
                    _ => text.and_then(|text| self.of_text(text)).map(|(code, _)| code),
                };
                (text.map(|text| text.field.clone()), text.map(|text| text.span), code)
            }
            At::Object => (None, None, None),
        };
        Difference {
            subject: Subject::Object,
            effect: Effect::Fails,
            code: code.unwrap_or(&codes::E20),
            reason: match code {
                _ if failure.kind == FailureKind::Guard => {
                    "the value is not what the template takes it for, so that nothing is written"
                        .to_owned()
                }
                Some(code) => announced(code).to_owned(),
                None => failure.message.clone(),
            },
            field,
            span,
        }
    }

    fn item_fails(
        &self,
        written: &Written,
        origin: Origin,
        item: &Item<'_>,
        failure: &Failure,
    ) -> Option<&'static Code> {
        let code = match failure.kind {
            // What KES left out, or took for a list of places.
            FailureKind::NotJson
                if written.skipped.contains(&origin) || matches!(origin, Origin::Extract(_)) =>
            {
                &codes::W08
            }
            FailureKind::Decoding => &codes::W05,
            FailureKind::Collision => &codes::W11,
            FailureKind::NotJson | FailureKind::Guard | FailureKind::Other => return None,
        };
        self.said(code, &item.field).then_some(code)
    }

    fn text_at(&self, place: &Place) -> Option<&TemplateText<'n>> {
        let is = |text: &&TemplateText<'_>| match place {
            Place::Data(key) => {
                matches!(text.part, Part::Data | Part::StringData) && text.key == key
            }
            Place::Label(key) => text.part == Part::Labels && text.key == key,
            Place::Annotation(key) => text.part == Part::Annotations && text.key == key,
            _ => false,
        };
        self.texts.iter().find(is)
    }
}

/// What was announced of objects in error.
fn announced(code: &Code) -> &'static str {
    match code.id {
        "W05" => "KES decoded base64 leniently, ESO does it strictly",
        "W08" => {
            "KES left such a value out or took it apart, ESO fails on it with the whole object"
        }
        "W11" => "two parameters end in the same name",
        _ => "a template fails on the value",
    }
}

/// What the specification says of values that are no texts (1.6).
fn of_kind(kind: Kind, property: bool) -> Option<(&'static Code, &'static str)> {
    Some(match kind {
        Kind::Null => (&codes::W07, "KES wrote the word null, ESO writes nothing"),
        Kind::Number if property => {
            (&codes::W07, "KES wrote numbers as JavaScript prints them, ESO as Go does")
        }
        Kind::Number => (
            &codes::W07,
            "KES wrote numbers as JavaScript prints them, ESO as they stand in the store",
        ),
        Kind::Composite => {
            (&codes::W07, "KES wrote compact JSON, ESO the JSON as it stands in the store")
        }
        Kind::Text | Kind::Bytes | Kind::Bool => return None,
    })
}
