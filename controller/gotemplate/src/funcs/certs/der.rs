//! DER as Go's `cryptobyte` reads it, which is how `crypto/x509` reads certificates, and writing.

use zeroize::Zeroizing;

pub(in crate::funcs) const BOOLEAN: u8 = 0x01;
pub(in crate::funcs) const INTEGER: u8 = 0x02;
pub(in crate::funcs) const BIT_STRING: u8 = 0x03;
pub(in crate::funcs) const OCTET_STRING: u8 = 0x04;
pub(in crate::funcs) const NULL: u8 = 0x05;
pub(in crate::funcs) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(in crate::funcs) const UTF8_STRING: u8 = 0x0c;
pub(in crate::funcs) const NUMERIC_STRING: u8 = 0x12;
pub(in crate::funcs) const PRINTABLE_STRING: u8 = 0x13;
pub(in crate::funcs) const T61_STRING: u8 = 0x14;
pub(in crate::funcs) const IA5_STRING: u8 = 0x16;
pub(in crate::funcs) const UTC_TIME: u8 = 0x17;
pub(in crate::funcs) const GENERALIZED_TIME: u8 = 0x18;
pub(in crate::funcs) const BMP_STRING: u8 = 0x1e;
pub(in crate::funcs) const SEQUENCE: u8 = 0x30;
pub(in crate::funcs) const SET: u8 = 0x31;

/// The tag of a field that names itself by a number.
pub(in crate::funcs) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The same around a whole element.
pub(in crate::funcs) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(in crate::funcs) struct Der<'a>(pub(in crate::funcs) &'a [u8]);

/// One element.
#[derive(Clone, Copy)]
pub(in crate::funcs) struct Element<'a> {
    pub(in crate::funcs) tag: u8,
    pub(in crate::funcs) content: &'a [u8],
    /// With tag and length.
    pub(in crate::funcs) whole: &'a [u8],
}

impl<'a> Der<'a> {
    pub(in crate::funcs) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::funcs) fn peek(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element, whatever it is.
    pub(in crate::funcs) fn any(&mut self) -> Option<Element<'a>> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (header, length) = if length & 0x80 == 0 {
            (2, usize::from(*length))
        } else {
            let count = usize::from(length & 0x7f);
            if !(1..=4).contains(&count) {
                return None;
            }
            let bytes = rest.get(..count)?;
            let length = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            // DER has one way to write a length, and the reader computes in 32 bits.
            if length < 128 || bytes.first() == Some(&0) {
                return None;
            }
            if length + 2 + count as u64 > u64::from(u32::MAX) {
                return None;
            }
            (2 + count, usize::try_from(length).ok()?)
        };
        let (whole, rest) = self.0.split_at_checked(header + length)?;
        let element = Element { tag: *tag, content: whole.get(header..)?, whole };
        self.0 = rest;
        Some(element)
    }

    /// The next element, if it has this tag.
    pub(in crate::funcs) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The content of the next element, if it has this tag.
    pub(in crate::funcs) fn read(&mut self, tag: u8) -> Option<Self> {
        self.element(tag).map(|element| Self(element.content))
    }

    /// `None`: malformed. `Some(None)`: the next element has another tag.
    #[expect(clippy::option_option, reason = "malformed, absent and present")]
    pub(in crate::funcs) fn optional(&mut self, tag: u8) -> Option<Option<Self>> {
        if self.peek(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    /// The bytes of an integer in their only valid form.
    pub(in crate::funcs) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_tagged(INTEGER)
    }

    pub(in crate::funcs) fn integer_tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        let bytes = self.read(tag)?.0;
        match bytes {
            [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => None,
            _ => Some(bytes),
        }
    }

    /// An integer of Go's `int` size.
    pub(in crate::funcs) fn int(&mut self) -> Option<i64> {
        signed(self.integer()?)
    }

    pub(in crate::funcs) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The arcs of an object identifier.
    pub(in crate::funcs) fn oid(&mut self) -> Option<Oid> {
        Oid::parse(self.read(OBJECT_IDENTIFIER)?.0)
    }

    /// The bytes of a bit string, aligned right as Go does it, and how many bits they are.
    pub(in crate::funcs) fn bits(&mut self) -> Option<BitString<'a>> {
        let (padding, bytes) = self.read(BIT_STRING)?.0.split_first()?;
        if *padding > 7 {
            return None;
        }
        match bytes.last() {
            None if *padding != 0 => None,
            Some(last) if last & ((1 << padding) - 1) != 0 => None,
            _ => Some(BitString { bytes, padding: *padding }),
        }
    }
}

/// A two's complement number of up to eight bytes.
pub(in crate::funcs) fn signed(bytes: &[u8]) -> Option<i64> {
    if bytes.len() > 8 {
        return None;
    }
    let start = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    Some(bytes.iter().fold(start, |value: i64, byte| value << 8 | i64::from(*byte)))
}

/// A bit string.
#[derive(Clone, Copy)]
pub(in crate::funcs) struct BitString<'a> {
    bytes: &'a [u8],
    padding: u8,
}

impl BitString<'_> {
    /// The bits as a number, the last one lowest.
    pub(in crate::funcs) fn right_aligned(self) -> Vec<u8> {
        if self.padding == 0 {
            return self.bytes.to_vec();
        }
        let mut before = 0;
        self.bytes
            .iter()
            .map(|byte| {
                let aligned = before << (8 - self.padding) | byte >> self.padding;
                before = *byte;
                aligned
            })
            .collect()
    }
}

/// An object identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::funcs) struct Oid(Vec<u32>);

impl Oid {
    pub(in crate::funcs) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut arcs = Vec::with_capacity(bytes.len() + 1);
        let mut value = 0_u32;
        let mut length = 0;
        for byte in bytes {
            if length == 0 && *byte == 0x80 || length == 5 || value >= 1 << (31 - 7) {
                return None;
            }
            value = value << 7 | u32::from(byte & 0x7f);
            length += 1;
            if byte & 0x80 == 0 {
                if arcs.is_empty() {
                    let first = (value / 40).min(2);
                    arcs.extend([first, value - 40 * first]);
                } else {
                    arcs.push(value);
                }
                (value, length) = (0, 0);
            }
        }
        (length == 0 && !arcs.is_empty()).then_some(Self(arcs))
    }

    pub(in crate::funcs) const fn new(arcs: Vec<u32>) -> Self {
        Self(arcs)
    }

    pub(in crate::funcs) fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// `1.2.840.113549`
    pub(in crate::funcs) fn text(&self) -> String {
        self.0.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
    }
}

impl PartialEq<[u32]> for Oid {
    fn eq(&self, other: &[u32]) -> bool {
        self.0 == other
    }
}

/// Writes one element.
pub(in crate::funcs) fn write(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let length = length.get(significant..).unwrap_or_default();
    let mut output = Zeroizing::new(Vec::with_capacity(content.len() + length.len() + 2));
    output.push(tag);
    if content.len() >= 128 {
        output.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
    }
    output.extend_from_slice(length);
    output.extend_from_slice(content);
    output
}

/// Writes an element of elements.
pub(in crate::funcs) fn write_all(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        content.extend_from_slice(part);
    }
    write(tag, &content)
}

/// Writes a number that is not negative, given in big-endian bytes.
pub(in crate::funcs) fn write_unsigned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if bytes.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    write_all(INTEGER, &[sign, bytes])
}

/// Writes a number in its shortest form.
pub(in crate::funcs) fn write_int(value: i64) -> Zeroizing<Vec<u8>> {
    let bytes = value.to_be_bytes();
    let mut bytes = bytes.as_slice();
    while let [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] = bytes {
        bytes = bytes.get(1..).unwrap_or_default();
    }
    write(INTEGER, bytes)
}

/// Writes an object identifier.
pub(in crate::funcs) fn write_oid(arcs: &[u32]) -> Zeroizing<Vec<u8>> {
    let mut content = Vec::new();
    let (first, rest) = match arcs {
        [first, second, rest @ ..] => (first * 40 + second, rest),
        _ => (0, [].as_slice()),
    };
    for arc in std::iter::once(&first).chain(rest) {
        let groups = (32 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group == 0 { 0 } else { 0x80 };
            content.push(more | u8::try_from(arc >> (7 * group) & 0x7f).unwrap_or_default());
        }
    }
    write(OBJECT_IDENTIFIER, &content)
}
