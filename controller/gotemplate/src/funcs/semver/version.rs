//! Versions.

use std::any::Any;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::error::Message;
use crate::value::{Object, UintType, Value};

/// A version. Lenient as `NewVersion` is: a leading `v`, missing segments, leading zeros.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
#[derive(Default)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) prerelease: String,
    metadata: String,
    original: String,
    /// Go has a `Version` here and no pointer to one.
    by_value: bool,
}

/// Why a text is no version.
#[cfg_attr(test, derive(Debug))]
pub(super) enum Error {
    Invalid,
    SegmentStartsWithZero,
    /// This number does not fit.
    Segment(String),
}

impl Error {
    pub(super) fn message(&self, secret: bool) -> Message {
        match self {
            Self::Invalid => "invalid semantic version".into(),
            Self::SegmentStartsWithZero => "version segment starts with 0".into(),
            Self::Segment(number) => {
                let message =
                    Message::from("error parsing version segment: strconv.ParseUint: parsing \"");
                let message = if secret {
                    message.secret(number.as_str())
                } else {
                    message.text(number.as_str())
                };
                message.text("\": value out of range")
            }
        }
    }
}

impl Version {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Error> {
        let original = std::str::from_utf8(text).map_err(|_| Error::Invalid)?;
        let rest = original.strip_prefix('v').unwrap_or(original);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (rest, None),
        };
        let valid = |part: Option<&str>| {
            part.is_none_or(|part| {
                part.split('.').all(|piece| {
                    !piece.is_empty()
                        && piece.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
            })
        };
        let segments: Vec<&str> = numbers.split('.').collect();
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if segments.len() > 3
            || !segments.iter().all(digits)
            || !valid(prerelease)
            || !valid(metadata)
        {
            return Err(Error::Invalid);
        }
        let number = |index: usize| {
            let digits = segments.get(index).copied().unwrap_or("0");
            digits.parse().map_err(|_| Error::Segment(digits.to_owned()))
        };
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        let padded = |piece: &str| {
            piece.len() > 1 && piece.starts_with('0') && piece.bytes().all(|b| b.is_ascii_digit())
        };
        if prerelease.is_some_and(|prerelease| prerelease.split('.').any(padded)) {
            return Err(Error::SegmentStartsWithZero);
        }
        Ok(Self {
            major,
            minor,
            patch,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
            by_value: false,
        })
    }

    /// Whether Go has a pointer here, which has more methods.
    pub(super) fn is_pointer(&self) -> bool {
        !self.by_value
    }

    /// Metadata does not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.prerelease.as_str(), other.prerelease.as_str()) {
                ("", "") => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (this, other) => compare_prereleases(this, other),
            })
    }

    fn display(&self) -> String {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch);
        for (sign, part) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !part.is_empty() {
                text.push(sign);
                text.push_str(part);
            }
        }
        text
    }

    /// The next version: the given numbers, and nothing behind them.
    fn next(&self, major: u64, minor: u64, patch: u64) -> Value {
        let mut next = Self {
            major,
            minor,
            patch,
            prerelease: String::new(),
            metadata: String::new(),
            original: String::new(),
            by_value: true,
        };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{}", next.display());
        Value::Object(Rc::new(next))
    }
}

/// Piece by piece: numbers before words, and fewer pieces before more.
pub(super) fn compare_prereleases(this: &str, other: &str) -> Ordering {
    let (mut these, mut others) = (this.split('.'), other.split('.'));
    loop {
        let order = match (these.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (this, other) => compare_pieces(this.unwrap_or_default(), other.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_pieces(this: &str, other: &str) -> Ordering {
    if this == other {
        return Ordering::Equal;
    }
    match (this.is_empty(), other.is_empty()) {
        (true, _) => return Ordering::Less,
        (_, true) => return Ordering::Greater,
        _ => {}
    }
    // A number that does not fit counts as a word in Go.
    let number = |text: &str| {
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None }
    };
    match (number(this), number(other)) {
        (None, None) => this.cmp(other),
        (None, Some(_)) => Ordering::Greater,
        (Some(this), Some(other)) if this > other => Ordering::Greater,
        (Some(_), _) => Ordering::Less,
    }
}

impl Object for Version {
    fn type_name(&self) -> &'static str {
        if self.by_value { "semver.Version" } else { "*semver.Version" }
    }

    fn kind(&self) -> &'static str {
        if self.by_value { "struct" } else { "ptr" }
    }

    fn member(&self, name: &str) -> Option<Result<Value, Message>> {
        let number = |number| Value::Uint(number, UintType::Uint64);
        Some(Ok(match name {
            "Major" => number(self.major),
            "Minor" => number(self.minor),
            "Patch" => number(self.patch),
            "Prerelease" => Value::string(&self.prerelease),
            "Metadata" => Value::string(&self.metadata),
            "String" => Value::string(self.display()),
            "Original" if !self.by_value => Value::string(&self.original),
            "IncMajor" => self.next(self.major.wrapping_add(1), 0, 0),
            "IncMinor" => self.next(self.major, self.minor.wrapping_add(1), 0),
            "IncPatch" if self.prerelease.is_empty() => {
                self.next(self.major, self.minor, self.patch.wrapping_add(1))
            }
            "IncPatch" => self.next(self.major, self.minor, self.patch),
            _ => return None,
        }))
    }

    fn text(&self) -> Vec<u8> {
        self.display().into_bytes()
    }

    fn deep_copy(&self) -> Option<Value> {
        Some(Value::Object(Rc::new(Self { by_value: self.by_value, ..Self::default() })))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let number = |number| Value::Uint(number, UintType::Uint64);
        vec![
            ("major", number(self.major)),
            ("minor", number(self.minor)),
            ("patch", number(self.patch)),
            ("pre", Value::string(&self.prerelease)),
            ("metadata", Value::string(&self.metadata)),
            ("original", Value::string(&self.original)),
        ]
    }

    fn json(&self) -> Result<Vec<u8>, Message> {
        Ok(format!("\"{}\"", self.display()).into_bytes())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
