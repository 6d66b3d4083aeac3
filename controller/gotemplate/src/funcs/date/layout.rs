//! Go's layouts: a date written the way that dates shall be written.

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    ZoneName,
    Offset(Offset),
    Fraction(Fraction),
}

/// `-0700` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` stands for no offset.
    pub(super) z: bool,
    pub(super) colon: bool,
    /// Hours, minutes and seconds, or fewer of them.
    pub(super) groups: usize,
}

/// `.000` or `,999`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) digits: usize,
    /// Written with nines: zeros at the end are left out.
    pub(super) trim: bool,
    pub(super) separator: u8,
}

/// The next element of a layout.
pub(super) struct Chunk<'l> {
    /// The literal text before it.
    pub(super) prefix: &'l [u8],
    /// `None`: there is no further element, and `prefix` is all the rest.
    pub(super) element: Option<Element>,
    /// The element as it is written.
    pub(super) text: &'l [u8],
    pub(super) rest: &'l [u8],
}

/// Splits off the next element.
pub(super) fn next(layout: &[u8]) -> Chunk<'_> {
    for at in 0..layout.len() {
        let Some(here) = layout.get(at..) else { break };
        if let Some((skip, length, element)) = element(here) {
            let (prefix, after) = layout.split_at(at + skip);
            let (text, rest) = after.split_at(length.min(after.len()));
            return Chunk { prefix, element: Some(element), text, rest };
        }
    }
    Chunk { prefix: layout, element: None, text: b"", rest: b"" }
}

/// The element at the start of `text`, if there is one: how many bytes stand before it, and its
/// length.
fn element(text: &[u8]) -> Option<(usize, usize, Element)> {
    use Element as E;
    let first = *text.first()?;
    let starts = |prefix: &str| text.starts_with(prefix.as_bytes());
    let lower_follows = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    let found = match first {
        b'J' if starts("January") => (7, E::LongMonth),
        b'J' if starts("Jan") && !lower_follows(3) => (3, E::Month),
        b'M' if starts("Monday") => (6, E::LongWeekday),
        b'M' if starts("Mon") && !lower_follows(3) => (3, E::Weekday),
        b'M' if starts("MST") => (3, E::ZoneName),
        b'0' => match text.get(1)? {
            b'1' => (2, E::ZeroMonth),
            b'2' => (2, E::ZeroDay),
            b'3' => (2, E::ZeroHour12),
            b'4' => (2, E::ZeroMinute),
            b'5' => (2, E::ZeroSecond),
            b'6' => (2, E::Year),
            b'0' if starts("002") => (3, E::ZeroYearDay),
            _ => return None,
        },
        b'1' if starts("15") => (2, E::Hour),
        b'1' => (1, E::NumberMonth),
        b'2' if starts("2006") => (4, E::LongYear),
        b'2' => (1, E::Day),
        b'_' if starts("_2006") => return Some((1, 4, E::LongYear)),
        b'_' if starts("_2") => (2, E::SpaceDay),
        b'_' if starts("__2") => (3, E::SpaceYearDay),
        b'3' => (1, E::Hour12),
        b'4' => (1, E::Minute),
        b'5' => (1, E::Second),
        b'P' if starts("PM") => (2, E::UpperHalf),
        b'p' if starts("pm") => (2, E::LowerHalf),
        b'-' | b'Z' => {
            let (length, offset) = offset(text.get(1..)?, first == b'Z')?;
            (length + 1, E::Offset(offset))
        }
        b'.' | b',' => {
            let (length, fraction) = fraction(text)?;
            (length, E::Fraction(fraction))
        }
        _ => return None,
    };
    Some((0, found.0, found.1))
}

/// The digits of an offset, behind their `-` or `Z`.
fn offset(text: &[u8], z: bool) -> Option<(usize, Offset)> {
    let shapes: [(&[u8], bool, usize); 5] = [
        (b"070000", false, 3),
        (b"07:00:00", true, 3),
        (b"0700", false, 2),
        (b"07:00", true, 2),
        (b"07", false, 1),
    ];
    let (shape, colon, groups) = shapes.into_iter().find(|(shape, ..)| text.starts_with(shape))?;
    Some((shape.len(), Offset { z, colon, groups }))
}

/// A point or a comma with zeros, or with nines, and no other digit behind them.
fn fraction(text: &[u8]) -> Option<(usize, Fraction)> {
    let (separator, digits) = text.split_first()?;
    let digit = *digits.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = digits.iter().take_while(|other| **other == digit).count();
    if digits.get(count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    // Go keeps twelve bits of the count.
    let fraction = Fraction { digits: count & 0xfff, trim: digit == b'9', separator: *separator };
    Some((count + 1, fraction))
}
