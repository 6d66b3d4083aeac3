//! Distinguished names, read and shown as Go does it.

use std::fmt::Write as _;

use super::der::{self, Der, Oid};
use crate::error::Message;

/// A distinguished name: its attributes in order, without their grouping.
#[derive(Default)]
pub(in crate::funcs) struct Name {
    attributes: Vec<(Oid, Vec<u8>)>,
}

/// The attributes that Go has fields for (below 2.5.4), in the order in which it writes them.
/// The second value says whether it keeps all values or the last one.
const FIELDS: &[(u32, &str, bool)] = &[
    (6, "C", true),
    (8, "ST", true),
    (7, "L", true),
    (9, "STREET", true),
    (17, "POSTALCODE", true),
    (10, "O", true),
    (11, "OU", true),
    (3, "CN", false),
    (5, "SERIALNUMBER", false),
];

impl Name {
    /// Reads the content of an `RDNSequence`.
    pub(in crate::funcs) fn parse(mut input: Der<'_>) -> Result<Self, Message> {
        let mut name = Self::default();
        while !input.is_empty() {
            let mut set = input.read(der::SET).ok_or("x509: invalid RDNSequence")?;
            while !set.is_empty() {
                let attribute = set.read(der::SEQUENCE);
                let mut attribute =
                    attribute.ok_or("x509: invalid RDNSequence: invalid attribute")?;
                let oid = attribute.oid();
                let oid = oid.ok_or("x509: invalid RDNSequence: invalid attribute type")?;
                let value = attribute.any();
                let value = value.ok_or("x509: invalid RDNSequence: invalid attribute value")?;
                let value = string(value.tag, value.content).map_err(|reason| {
                    format!("x509: invalid RDNSequence: invalid attribute value: {reason}")
                })?;
                name.attributes.push((oid, value));
            }
        }
        Ok(name)
    }

    /// Go's `Name.String()`: RFC 2253, the last attribute first.
    pub(in crate::funcs) fn text(&self) -> Vec<u8> {
        let mut groups: Vec<Vec<u8>> = Vec::new();
        for (oid, value) in &self.attributes {
            if field(oid).is_none() {
                groups.push(unknown(oid, value));
            }
        }
        for (number, short, all) in FIELDS {
            let mut values: Vec<&[u8]> = self
                .attributes
                .iter()
                .filter(|(oid, _)| field(oid) == Some(*number))
                .map(|(_, value)| &**value)
                .collect();
            if !all {
                values = values.pop().filter(|value| !value.is_empty()).into_iter().collect();
            }
            if !values.is_empty() {
                let values: Vec<_> =
                    values.into_iter().map(|value| escaped(short, value)).collect();
                groups.push(values.join(&b'+'));
            }
        }
        groups.reverse();
        groups.join(&b',')
    }
}

/// The last arc of an attribute that Go has a field for.
fn field(oid: &Oid) -> Option<u32> {
    match oid.arcs() {
        [2, 5, 4, number] => FIELDS.iter().map(|(known, ..)| *known).find(|known| known == number),
        _ => None,
    }
}

/// An attribute without a name: its OID, and the string in DER in hexadecimal digits.
fn unknown(oid: &Oid, value: &[u8]) -> Vec<u8> {
    let tag = string_tag(value);
    let mut text = oid.text() + "=#";
    for byte in &*der::write(tag, value) {
        let _ = write!(text, "{byte:02x}");
    }
    text.into_bytes()
}

/// The type in which Go writes a string: it reads `*` and `&` in the simpler one, but writes none.
pub(super) fn string_tag(value: &[u8]) -> u8 {
    let printable = value.iter().all(|byte| is_printable(*byte) && !matches!(byte, b'*' | b'&'));
    if printable { der::PRINTABLE_STRING } else { der::UTF8_STRING }
}

fn escaped(short: &str, value: &[u8]) -> Vec<u8> {
    let mut text = format!("{short}=").into_bytes();
    for (index, byte) in value.iter().enumerate() {
        let escape = match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
            b' ' => index == 0 || index + 1 == value.len(),
            b'#' => index == 0,
            _ => false,
        };
        if escape {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text
}

/// As Go has it for reading, which tolerates `*` and `&`.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// A string of any of the types of a name, as UTF-8.
fn string(tag: u8, value: &[u8]) -> Result<Vec<u8>, String> {
    let checked = |valid: bool, kind: &str| {
        if valid { Ok(value.to_vec()) } else { Err(format!("invalid {kind}")) }
    };
    match tag {
        der::T61_STRING => {
            Ok(value.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())
        }
        der::PRINTABLE_STRING => {
            checked(value.iter().all(|byte| is_printable(*byte)), "PrintableString")
        }
        der::UTF8_STRING => checked(std::str::from_utf8(value).is_ok(), "UTF-8 string"),
        der::BMP_STRING => bmp_string(value).ok_or_else(|| "invalid BMPString".to_owned()),
        der::IA5_STRING => checked(value.is_ascii(), "IA5String"),
        der::NUMERIC_STRING => checked(
            value.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '),
            "NumericString",
        ),
        _ => Err(format!("unsupported string type: {tag}")),
    }
}

fn bmp_string(value: &[u8]) -> Option<Vec<u8>> {
    let (units, rest) = value.as_chunks::<2>();
    let units = units.strip_suffix(&[[0, 0]]).unwrap_or(units);
    let text = units
        .iter()
        .map(|unit| u16::from_be_bytes(*unit))
        .map(|unit| match unit {
            0xfffe | 0xffff | 0xfdd0..=0xfdef => None,
            unit => char::from_u32(u32::from(unit)),
        })
        .collect::<Option<String>>()?;
    rest.is_empty().then(|| text.into_bytes())
}
