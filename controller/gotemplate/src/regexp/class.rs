//! Character classes: `[...]`, `\d`, `[[:alpha:]]`, `\p{Greek}`, and case folding.
//!
//! Go 1.26 knows Unicode 15.0, and the tables here are newer: what came later is taken out, so that
//! a class holds the characters that it holds in Go.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::error::{Code, Error};
use super::parse::{before, check_utf8, escape, next_char};

/// Scripts by the names that Go's `\p{...}` finds: it drops underscores from the name before it
/// looks, so that scripts whose name has one cannot be found.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];

/// General categories by name, in lower case and without underscores: `\p{L}`, `\p{Letter}`.
const CATEGORIES: &[(&str, &str)] = &[
    ("C", "other"),
    ("Cc", "control"),
    ("Cc", "cntrl"),
    ("Cf", "format"),
    ("Cn", "unassigned"),
    ("Co", "privateuse"),
    ("Cs", "surrogate"),
    ("L", "letter"),
    ("LC", "casedletter"),
    ("Ll", "lowercaseletter"),
    ("Lm", "modifierletter"),
    ("Lo", "otherletter"),
    ("Lt", "titlecaseletter"),
    ("Lu", "uppercaseletter"),
    ("M", "mark"),
    ("M", "combiningmark"),
    ("Mc", "spacingmark"),
    ("Me", "enclosingmark"),
    ("Mn", "nonspacingmark"),
    ("N", "number"),
    ("Nd", "decimalnumber"),
    ("Nd", "digit"),
    ("Nl", "letternumber"),
    ("No", "othernumber"),
    ("P", "punctuation"),
    ("P", "punct"),
    ("Pc", "connectorpunctuation"),
    ("Pd", "dashpunctuation"),
    ("Pe", "closepunctuation"),
    ("Pf", "finalpunctuation"),
    ("Pi", "initialpunctuation"),
    ("Po", "otherpunctuation"),
    ("Ps", "openpunctuation"),
    ("S", "symbol"),
    ("Sc", "currencysymbol"),
    ("Sk", "modifiersymbol"),
    ("Sm", "mathsymbol"),
    ("So", "othersymbol"),
    ("Z", "separator"),
    ("Zl", "lineseparator"),
    ("Zp", "paragraphseparator"),
    ("Zs", "spaceseparator"),
];

/// What Unicode 15.0 had assigned, noncharacters and private use among it.
static UNICODE_15: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"\p{age=15.0}"));

static LETTERS: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"[\p{L}&&\p{age=15.0}]"));

static DIGITS: LazyLock<ClassUnicode> = LazyLock::new(|| table(r"[\p{Nd}&&\p{age=15.0}]"));

/// Pairs that differ in case only since Unicode 15.1.
static NOT_FOLDED: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let pairs = ['\u{390}', '\u{3B0}', '\u{1FD3}', '\u{1FE3}', '\u{FB05}', '\u{FB06}'];
    ClassUnicode::new(pairs.map(|c| ClassUnicodeRange::new(c, c)))
});

/// Go's `unicode.IsLetter` or `unicode.IsDigit`.
pub(super) fn is_letter_or_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { holds(&LETTERS, c) || holds(&DIGITS, c) }
}

fn holds(set: &ClassUnicode, c: char) -> bool {
    let place = set.ranges().binary_search_by(|range| {
        if range.end() < c {
            std::cmp::Ordering::Less
        } else if range.start() > c {
            std::cmp::Ordering::Greater
        } else {
            std::cmp::Ordering::Equal
        }
    });
    place.is_ok()
}

/// The class that this pattern of our own means.
fn table(pattern: &str) -> ClassUnicode {
    let Ok(hir) = regex_syntax::Parser::new().parse(pattern) else {
        return ClassUnicode::empty();
    };
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(set)) => set,
        // A class of one character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).unwrap_or_default();
            ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c)))
        }
        _ => ClassUnicode::empty(),
    }
}

/// Every character.
pub(super) fn any() -> ClassUnicode {
    range('\0', char::MAX)
}

/// The characters from `low` to `high`.
pub(super) fn range(low: char, high: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(low, high)])
}

/// Everything but `set`. (The crate's own negation invents a range where `set` holds both
/// neighbours of the surrogates.)
fn negated(set: &ClassUnicode) -> ClassUnicode {
    let mut gaps = Vec::new();
    let mut next = 0;
    for range in set.ranges() {
        let start = u32::from(range.start());
        if next < start {
            gaps.extend_from_slice(code_points(next, start - 1).ranges());
        }
        next = u32::from(range.end()) + 1;
    }
    gaps.extend_from_slice(code_points(next, u32::from(char::MAX)).ranges());
    ClassUnicode::new(gaps)
}

/// The range of code points, without surrogates, which no text holds.
fn code_points(low: u32, high: u32) -> ClassUnicode {
    const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;
    let low = if SURROGATES.contains(&low) { 0xE000 } else { low };
    let high = if SURROGATES.contains(&high) { 0xD7FF } else { high };
    match (char::from_u32(low), char::from_u32(high)) {
        (Some(low), Some(high)) if low <= high => range(low, high),
        _ => ClassUnicode::empty(),
    }
}

fn ascii(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}

/// The class with everything that differs from it in case only.
pub(super) fn folded(mut set: ClassUnicode) -> ClassUnicode {
    match set.ranges() {
        [one] if one.end().is_ascii() && one.start() == one.end() => {
            let c = one.start();
            let mut orbit = vec![(c.to_ascii_lowercase(), c.to_ascii_lowercase())];
            orbit.push((c.to_ascii_uppercase(), c.to_ascii_uppercase()));
            match c.to_ascii_lowercase() {
                'k' => orbit.push(('\u{212A}', '\u{212A}')),
                's' => orbit.push(('\u{17F}', '\u{17F}')),
                _ => {}
            }
            ascii(&orbit)
        }
        _ => {
            let mut orbits = set.clone();
            orbits.intersect(&UNICODE_15);
            orbits.difference(&NOT_FOLDED);
            orbits.case_fold_simple();
            orbits.intersect(&UNICODE_15);
            set.union(&orbits);
            set
        }
    }
}

/// `[...]` at the start of `text`: the class and what follows.
pub(super) fn bracketed(text: &[u8], fold: bool) -> Result<(ClassUnicode, &[u8]), Error> {
    let mut rest = text.get(1..).unwrap_or_default();
    let negates = rest.first() == Some(&b'^');
    if negates {
        rest = rest.get(1..).unwrap_or_default();
    }
    let mut ranges: Vec<ClassUnicodeRange> = Vec::new();
    // Folded at the end, all at once; sets are folded already.
    let mut singles: Vec<ClassUnicodeRange> = Vec::new();
    let mut first = true;
    while first || rest.first() != Some(&b']') {
        first = false;
        if let Some((set, after)) = named(rest, fold)? {
            ranges.extend_from_slice(set.ranges());
            rest = after;
            continue;
        }
        if let Some((set, after)) = escaped(rest, fold)? {
            ranges.extend_from_slice(set.ranges());
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = class_char(rest, text)?;
        rest = after;
        let mut high = low;
        if rest.len() >= 2 && rest.starts_with(b"-") && rest.get(1) != Some(&b']') {
            let (end, after) = class_char(rest.get(1..).unwrap_or_default(), text)?;
            rest = after;
            high = end;
            if high < low {
                return Err(Error::new(Code::InvalidCharRange, before(start, rest)));
            }
        }
        singles.extend_from_slice(code_points(low, high).ranges());
    }
    let singles = ClassUnicode::new(singles);
    let singles = if fold { folded(singles) } else { singles };
    ranges.extend_from_slice(singles.ranges());
    let set = ClassUnicode::new(ranges);
    let set = if negates { negated(&set) } else { set };
    Ok((set, rest.get(1..).unwrap_or_default()))
}

/// One character within `[...]`, which is `whole`.
fn class_char<'a>(text: &'a [u8], whole: &[u8]) -> Result<(u32, &'a [u8]), Error> {
    match text.first() {
        None => Err(Error::new(Code::MissingBracket, whole)),
        Some(b'\\') => escape(text),
        Some(_) => next_char(text).map(|(c, rest)| (u32::from(c), rest)),
    }
}

/// A class and what follows it.
type Found<'a> = Result<Option<(ClassUnicode, &'a [u8])>, Error>;

/// `[:alpha:]` or `[:^alpha:]`, if the text begins with one.
fn named(text: &[u8], fold: bool) -> Found<'_> {
    let Some(inner) = text.strip_prefix(b"[:") else { return Ok(None) };
    let Some(end) = inner.windows(2).position(|two| two == b":]") else { return Ok(None) };
    let (name, rest) = inner.split_at(end);
    let rest = rest.get(2..).unwrap_or_default();
    let (name, negates) = match name.strip_prefix(b"^") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ranges: &[(char, char)] = match name {
        b"alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        b"alpha" => &[('A', 'Z'), ('a', 'z')],
        b"ascii" => &[('\0', '\x7F')],
        b"blank" => &[('\t', '\t'), (' ', ' ')],
        b"cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        b"digit" => &[('0', '9')],
        b"graph" => &[('!', '~')],
        b"lower" => &[('a', 'z')],
        b"print" => &[(' ', '~')],
        b"punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        b"space" => &[('\t', '\r'), (' ', ' ')],
        b"upper" => &[('A', 'Z')],
        b"word" => &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
        b"xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return Err(Error::new(Code::InvalidCharRange, before(text, rest))),
    };
    Ok(Some((group(ascii(ranges), negates, fold), rest)))
}

fn group(set: ClassUnicode, negates: bool, fold: bool) -> ClassUnicode {
    let set = if fold { folded(set) } else { set };
    if negates { negated(&set) } else { set }
}

/// `\d`, `\pN`, `\p{Greek}` and the like, if the text begins with one.
pub(super) fn escaped(text: &[u8], fold: bool) -> Found<'_> {
    let (Some(b'\\'), Some(&kind)) = (text.first(), text.get(1)) else { return Ok(None) };
    let rest = text.get(2..).unwrap_or_default();
    let ranges: &[(char, char)] = match kind.to_ascii_lowercase() {
        b'd' => &[('0', '9')],
        b's' => &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')],
        b'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        b'p' => return property(text, fold).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((group(ascii(ranges), kind.is_ascii_uppercase(), fold), rest)))
}

/// `\pN` or `\p{Greek}` at the start of `text`.
fn property(text: &[u8], fold: bool) -> Result<(ClassUnicode, &[u8]), Error> {
    let mut negates = text.get(1) == Some(&b'P');
    let after = text.get(2..).unwrap_or_default();
    let (mut name, rest) = if after.starts_with(b"{") {
        let Some(end) = after.iter().position(|byte| *byte == b'}') else {
            check_utf8(text)?;
            return Err(Error::new(Code::InvalidCharRange, text));
        };
        let name = after.get(1..end).unwrap_or_default();
        check_utf8(name)?;
        (name, after.get(end + 1..).unwrap_or_default())
    } else if after.is_empty() {
        (after, after)
    } else {
        let (_, rest) = next_char(after)?;
        (before(after, rest), rest)
    };
    if let Some(inner) = name.strip_prefix(b"^") {
        negates = !negates;
        name = inner;
    }
    // Case, spaces, hyphens and underscores do not count.
    let name = String::from_utf8_lossy(name).to_ascii_lowercase().replace(['_', '-', ' '], "");
    let Some(set) = unicode_table(&name) else {
        return Err(Error::new(Code::InvalidCharRange, before(text, rest)));
    };
    let mut set = group(set, false, fold);
    // Go's table of what folds into this category forgets one.
    if fold && matches!(name.as_str(), "lc" | "casedletter") {
        set.difference(&range('\u{345}', '\u{345}'));
    }
    Ok((group(set, negates, false), rest))
}

/// The class of this name, which is in lower case.
fn unicode_table(name: &str) -> Option<ClassUnicode> {
    match name {
        "any" => return Some(any()),
        "ascii" => return Some(range('\0', '\x7F')),
        "assigned" => return Some(negated(&unassigned())),
        _ => {}
    }
    let category =
        CATEGORIES.iter().find(|(short, long)| short.eq_ignore_ascii_case(name) || *long == name);
    match category {
        Some(("Cn", _)) => Some(unassigned()),
        Some(("C", _)) => {
            let mut set = table(r"[\p{C}&&\p{age=15.0}]");
            set.union(&unassigned());
            Some(set)
        }
        // U+1171E was a nonspacing mark in Unicode 15.0 and is a spacing one now.
        Some(("Mc", _)) => Some(table(r"[\p{Mc}&&\p{age=15.0}&&[^\x{1171E}]]")),
        Some(("Mn", _)) => Some(table(r"[\p{Mn}\x{1171E}&&\p{age=15.0}]")),
        Some((short, _)) => Some(table(&format!(r"[\p{{gc={short}}}&&\p{{age=15.0}}]"))),
        None => {
            let script = SCRIPTS.iter().find(|script| script.eq_ignore_ascii_case(name))?;
            Some(table(&format!(r"[\p{{sc={script}}}&&\p{{age=15.0}}]")))
        }
    }
}

fn unassigned() -> ClassUnicode {
    table(r"[\p{Cn}\P{age=15.0}]")
}
