//! DER as Go's `encoding/asn1` reads it into structs: more lenient than `cryptobyte`, and with
//! error texts that describe the Go struct. Keys and PKCS#12 files go this way.

use super::der::Oid;
use crate::error::Message;

/// The Go type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::funcs) enum Kind {
    /// `asn1.RawValue`
    Raw,
    /// `asn1.ObjectIdentifier`
    Oid,
    /// `asn1.BitString`
    BitString,
    /// `int`
    Int,
    /// `*big.Int`
    BigInt,
    /// `[]byte`
    Octets,
    /// A struct of this name.
    Struct(&'static str),
    /// A slice of structs or of others that are compound.
    Slice,
}

impl Kind {
    const fn tag(self) -> i64 {
        match self {
            Self::Raw => -1,
            Self::Int | Self::BigInt => 2,
            Self::BitString => 3,
            Self::Octets => 4,
            Self::Oid => 6,
            Self::Struct(_) | Self::Slice => 16,
        }
    }

    const fn compound(self) -> bool {
        matches!(self, Self::Struct(_) | Self::Slice)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "RawValue",
            Self::Oid => "ObjectIdentifier",
            Self::BitString => "BitString",
            Self::Int => "int",
            Self::Struct(name) => name,
            Self::BigInt | Self::Octets | Self::Slice => "",
        }
    }
}

/// The tag string of a field.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "as the tag string has them")]
pub(in crate::funcs) struct Parameters {
    pub(in crate::funcs) optional: bool,
    pub(in crate::funcs) explicit: bool,
    pub(in crate::funcs) tag: Option<i64>,
    pub(in crate::funcs) set: bool,
    pub(in crate::funcs) omit_empty: bool,
}

impl Parameters {
    pub(in crate::funcs) const REQUIRED: Self =
        Self { optional: false, explicit: false, tag: None, set: false, omit_empty: false };
    pub(in crate::funcs) const OPTIONAL: Self = Self { optional: true, ..Self::REQUIRED };

    fn text(self) -> String {
        let Self { optional, explicit, tag, set, omit_empty } = self;
        // Go prints an address here.
        let tag = if tag.is_some() { "0xc000000000" } else { "<nil>" };
        format!(
            "{{optional:{optional} explicit:{explicit} application:false private:false \
             defaultValue:<nil> tag:{tag} stringType:0 timeType:0 set:{set} \
             omitEmpty:{omit_empty}}}"
        )
    }
}

/// The fields of one struct, to be read in order.
pub(in crate::funcs) struct Fields<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// What a field was read from.
#[derive(Clone, Copy)]
pub(in crate::funcs) struct Field<'a> {
    pub(in crate::funcs) tag: i64,
    pub(in crate::funcs) content: &'a [u8],
    pub(in crate::funcs) whole: &'a [u8],
}

#[derive(Clone, Copy)]
struct Header {
    class: u8,
    tag: i64,
    length: usize,
    compound: bool,
}

fn structure(text: &str) -> Message {
    format!("asn1: structure error: {text}").into()
}

fn syntax(text: &str) -> Message {
    format!("asn1: syntax error: {text}").into()
}

impl<'a> Fields<'a> {
    pub(in crate::funcs) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// What is behind the fields read so far.
    pub(in crate::funcs) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// A field that has to be there.
    pub(in crate::funcs) fn required(&mut self, kind: Kind) -> Result<Field<'a>, Message> {
        match self.field(kind, Parameters::REQUIRED)? {
            Some(field) => Ok(field),
            None => Err(syntax("sequence truncated")),
        }
    }

    /// The next field, `None` if it is optional and absent.
    pub(in crate::funcs) fn field(
        &mut self,
        kind: Kind,
        parameters: Parameters,
    ) -> Result<Option<Field<'a>>, Message> {
        let start = self.offset;
        if start == self.bytes.len() {
            return if parameters.optional { Ok(None) } else { Err(syntax("sequence truncated")) };
        }
        let mut header = self.header()?;
        if let (true, Some(tag)) = (parameters.explicit, parameters.tag) {
            if self.offset == self.bytes.len() {
                return Err(structure("explicit tag has no child"));
            }
            if header.class == 2 && header.tag == tag && (header.length == 0 || header.compound) {
                if kind != Kind::Raw {
                    if header.length == 0 {
                        return Err(structure("zero length explicit tag was not an asn1.Flag"));
                    }
                    header = self.header()?;
                }
            } else if parameters.optional {
                self.offset = start;
                return Ok(None);
            } else {
                return Err(structure("explicitly tagged member didn't match"));
            }
        }

        let implicit = parameters.tag.filter(|_| !parameters.explicit);
        let class = if implicit.is_some() { 2 } else { 0 };
        let tag = implicit.unwrap_or(if parameters.set { 17 } else { kind.tag() });
        let any = kind == Kind::Raw;
        let other = (!any || implicit.is_some()) && (header.class != class || header.tag != tag);
        if other || !any && header.compound != kind.compound() {
            if parameters.optional {
                self.offset = start;
                return Ok(None);
            }
            let Header { class, tag: found, length, compound } = header;
            return Err(Message::new()
                .text(format!("asn1: structure error: tags don't match ({tag} vs "))
                .secret(format!(
                    "{{class:{class} tag:{found} length:{length} isCompound:{compound}}}"
                ))
                .text(format!(") {} {} @{}", parameters.text(), kind.name(), self.offset)));
        }
        let content = self.offset.checked_add(header.length);
        let content = content.and_then(|end| self.bytes.get(self.offset..end));
        let Some(content) = content else { return Err(syntax("data truncated")) };
        self.offset += header.length;
        let whole = self.bytes.get(start..self.offset).unwrap_or_default();
        Ok(Some(Field { tag: header.tag, content, whole }))
    }

    /// An `int`.
    pub(in crate::funcs) fn int(&mut self) -> Result<i64, Message> {
        self.required(Kind::Int)?.int()
    }

    fn header(&mut self) -> Result<Header, Message> {
        let truncated = || syntax("truncated tag or length");
        let first = self.next().ok_or("asn1: internal error in parseTagAndLength")?;
        let mut tag = i64::from(first & 0x1f);
        if tag == 0x1f {
            tag = i64::from(self.base128()?);
            if tag < 0x1f {
                return Err(syntax("non-minimal tag"));
            }
        }
        let byte = self.next().ok_or_else(truncated)?;
        let mut length = usize::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            let count = length;
            if count == 0 {
                return Err(syntax("indefinite length found (not DER)"));
            }
            length = 0;
            for _ in 0..count {
                let byte = self.next().ok_or_else(truncated)?;
                if length >= 1 << 23 {
                    return Err(structure("length too large"));
                }
                length = length << 8 | usize::from(byte);
                if length == 0 {
                    return Err(structure("superfluous leading zeros in length"));
                }
            }
            if length < 0x80 {
                return Err(structure("non-minimal length"));
            }
        }
        Ok(Header { class: first >> 6, tag, length, compound: first & 0x20 != 0 })
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.offset).copied();
        self.offset += usize::from(byte.is_some());
        byte
    }

    fn base128(&mut self) -> Result<u32, Message> {
        let mut value = 0_u64;
        for count in 0.. {
            let Some(byte) = self.next() else { break };
            if count == 5 {
                return Err(structure("base 128 integer too large"));
            }
            if count == 0 && byte == 0x80 {
                return Err(syntax("integer is not minimally encoded"));
            }
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return u32::try_from(value)
                    .ok()
                    .filter(|value| *value <= i32::MAX.cast_unsigned())
                    .ok_or_else(|| structure("base 128 integer too large"));
            }
        }
        Err(syntax("truncated base 128 integer"))
    }
}

impl<'a> Field<'a> {
    /// The number, as an `int`.
    pub(in crate::funcs) fn int(self) -> Result<i64, Message> {
        let bytes = self.integer()?;
        super::der::signed(bytes).ok_or_else(|| structure("integer too large"))
    }

    /// The number, in two's complement.
    pub(in crate::funcs) fn integer(self) -> Result<&'a [u8], Message> {
        match self.content {
            [] => Err(structure("empty integer")),
            [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => {
                Err(structure("integer not minimally-encoded"))
            }
            bytes => Ok(bytes),
        }
    }

    /// The identifier.
    pub(in crate::funcs) fn oid(self) -> Result<Oid, Message> {
        if self.content.is_empty() {
            return Err(syntax("zero length OBJECT IDENTIFIER"));
        }
        let mut reader = Fields::new(self.content);
        let mut arcs = Vec::new();
        while !reader.rest().is_empty() {
            let value = reader.base128()?;
            if arcs.is_empty() {
                let first = (value / 40).min(2);
                arcs.extend([first, value - 40 * first]);
            } else {
                arcs.push(value);
            }
        }
        Ok(Oid::new(arcs))
    }

    /// Checks a bit string. No caller needs its content.
    pub(in crate::funcs) fn check_bits(self) -> Result<(), Message> {
        let Some((padding, bytes)) = self.content.split_first() else {
            return Err(syntax("zero length BIT STRING"));
        };
        // With no bytes behind it Go looks at the bits of the padding byte itself.
        let last = bytes.last().unwrap_or(padding);
        if *padding > 7 || bytes.is_empty() && *padding > 0 || last & ((1 << padding) - 1) != 0 {
            return Err(syntax("invalid padding bits in BIT STRING"));
        }
        Ok(())
    }

    /// The fields of a struct.
    pub(in crate::funcs) const fn fields(self) -> Fields<'a> {
        Fields::new(self.content)
    }

    /// The elements of a slice of `kind`, which Go checks for their tags before it reads any.
    pub(in crate::funcs) fn elements(self, kind: Kind) -> Result<Fields<'a>, Message> {
        let mut reader = self.fields();
        while !reader.rest().is_empty() {
            let header = reader.header()?;
            if header.class != 0 || header.compound != kind.compound() || header.tag != kind.tag() {
                return Err(structure("sequence tag mismatch"));
            }
            if header.length > reader.rest().len() {
                return Err(syntax("truncated sequence"));
            }
            reader.offset += header.length;
        }
        Ok(self.fields())
    }
}

/// `pkix.AlgorithmIdentifier`
pub(in crate::funcs) struct Algorithm<'a> {
    /// `None` only where the whole was optional and absent.
    pub(in crate::funcs) oid: Option<Oid>,
    /// The parameters as a whole element, empty if absent.
    pub(in crate::funcs) parameters: &'a [u8],
    /// The content of the parameters.
    pub(in crate::funcs) content: &'a [u8],
}

impl<'a> Algorithm<'a> {
    pub(in crate::funcs) const ABSENT: Self = Self { oid: None, parameters: &[], content: &[] };

    pub(in crate::funcs) fn read(fields: &mut Fields<'a>) -> Result<Self, Message> {
        Self::from_field(fields.required(Kind::Struct("AlgorithmIdentifier"))?)
    }

    pub(in crate::funcs) fn from_field(field: Field<'a>) -> Result<Self, Message> {
        let mut inner = field.fields();
        let oid = inner.required(Kind::Oid)?.oid()?;
        let parameters = inner.field(Kind::Raw, Parameters::OPTIONAL)?;
        Ok(Self {
            oid: Some(oid),
            parameters: parameters.map(|field| field.whole).unwrap_or_default(),
            content: parameters.map(|field| field.content).unwrap_or_default(),
        })
    }

    pub(in crate::funcs) fn is(&self, arcs: &[u32]) -> bool {
        self.oid.as_ref().is_some_and(|oid| oid.arcs() == arcs)
    }

    pub(in crate::funcs) fn text(&self) -> String {
        self.oid.as_ref().map(Oid::text).unwrap_or_default()
    }
}
