//! The order of keys: numbers before text, and digits inside of text by their value.

use std::cmp::Ordering;

use crate::decode::{Key, Mapping, Yaml};
use crate::runes::{is_digit, is_letter};

type Entry<'a> = (&'a Key, &'a Yaml);

/// The entries in the order in which they are written.
pub(super) fn sorted(mapping: &Mapping) -> Vec<Entry<'_>> {
    let entries: Vec<_> = mapping.iter().collect();
    merge_sort(entries)
}

/// Not the standard library's sort: that may panic where an order contradicts itself, and digits
/// that overflow make this one do so.
fn merge_sort(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    if entries.len() < 2 {
        return entries;
    }
    let right = merge_sort(entries.split_off(entries.len() / 2));
    let left = merge_sort(entries);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some((l, _)), Some((r, _))) if is_less(r, l) => right.next(),
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        };
        let Some(entry) = next else { return merged };
        merged.push(entry);
    }
}

fn is_less(a: &Key, b: &Key) -> bool {
    match (a, b) {
        (Key::Text(a), Key::Text(b)) => {
            is_text_less(&String::from_utf8_lossy(a), &String::from_utf8_lossy(b))
        }
        _ => match (number(a), number(b)) {
            (Some(x), Some(y)) => match x.partial_cmp(&y) {
                Some(Ordering::Less) => true,
                Some(Ordering::Equal) if kind(a) == kind(b) => a < b,
                Some(Ordering::Equal) => kind(a) < kind(b),
                // Where NaN is compared, nothing is unequal for long.
                Some(Ordering::Greater) | None => false,
            },
            _ => kind(a) < kind(b),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "Go compares them so")]
fn number(key: &Key) -> Option<f64> {
    match key {
        Key::Bool(b) => Some(f64::from(*b)),
        Key::Int(i) => Some(*i as f64),
        Key::Uint(u) => Some(*u as f64),
        Key::Float(bits) => Some(f64::from_bits(*bits)),
        Key::Null | Key::Text(_) => None,
    }
}

/// The number of Go's `reflect.Kind`.
const fn kind(key: &Key) -> u8 {
    match key {
        Key::Bool(_) => 1,
        Key::Int(_) => 2,
        Key::Uint(_) => 11,
        Key::Float(_) => 14,
        Key::Null => 20,
        Key::Text(_) => 24,
    }
}

fn is_text_less(a: &str, b: &str) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // The first characters that differ may share their first bytes.
    let at = (0..=same).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at));
    let at = at.unwrap_or_default();
    let (before, a) = a.split_at(at);
    let (_, b) = b.split_at(at);
    let (x, y) = match (a.chars().next(), b.chars().next()) {
        (Some(x), Some(y)) => (x, y),
        (None, Some(_)) => return true,
        (_, None) => return false,
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, letter) => return letter,
    }
    // Zeros inside a number count, in front of one they do not.
    let inside = (x == '0' || y == '0')
        && before.chars().rev().take_while(|rune| is_digit(*rune)).any(|rune| rune != '0');
    let (value_a, digits_a) = leading_number(a, inside);
    let (value_b, digits_b) = leading_number(b, inside);
    if value_a != value_b {
        return value_a < value_b;
    }
    if digits_a != digits_b {
        return digits_a < digits_b;
    }
    x < y
}

fn leading_number(text: &str, inside: bool) -> (i64, usize) {
    let mut digits = 0;
    let value = text.chars().take_while(|rune| is_digit(*rune)).fold(
        i64::from(inside),
        |value: i64, rune| {
            digits += 1;
            value.wrapping_mul(10).wrapping_add(i64::from(u32::from(rune)) - i64::from(b'0'))
        },
    );
    (value, digits)
}
