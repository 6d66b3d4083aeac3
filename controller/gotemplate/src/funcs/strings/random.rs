//! Random texts, from the caller's random bytes.

use super::{Call, Failure, Value, int, text};
use crate::environment::Environment;
use crate::runes;

/// Numbers from the random source, taken in blocks.
pub(in crate::funcs) struct Random<'e> {
    environment: &'e mut dyn Environment,
    block: [u8; 64],
    used: usize,
}

impl<'e> Random<'e> {
    pub(in crate::funcs) fn new(environment: &'e mut dyn Environment) -> Self {
        Self { environment, block: [0; 64], used: 64 }
    }

    fn byte(&mut self) -> u8 {
        if self.used >= self.block.len() {
            self.environment.fill_random(&mut self.block);
            self.used = 0;
        }
        self.used += 1;
        self.block.get(self.used - 1).copied().unwrap_or_default()
    }

    /// A number below `bound`, all of them equally likely; 0 for a `bound` of 0.
    pub(in crate::funcs) fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        let bits = u64::BITS - (bound - 1).leading_zeros();
        let mask = u64::MAX >> (u64::BITS - bits);
        loop {
            let bytes = (0..bits.div_ceil(8)).map(|_| u64::from(self.byte()));
            let number = bytes.fold(0, |number, byte| number << 8 | byte) & mask;
            if number < bound {
                return number;
            }
        }
    }
}

fn of(call: &mut Call<'_>, arguments: &[Value], alphabet: &[u8]) -> Result<Value, Failure> {
    // goutils refuses a negative count, and sprig gives its empty text.
    let count = usize::try_from(int(arguments, 0)).unwrap_or_default();
    call.reserve(count)?;
    call.work(count / 16)?;
    let mut random = Random::new(call.environment);
    let mut text = Vec::with_capacity(count);
    for _ in 0..count {
        let index = usize::try_from(random.below(alphabet.len() as u64)).unwrap_or_default();
        text.extend(alphabet.get(index));
    }
    Ok(Value::string(text))
}

fn characters(wanted: impl Fn(&u8) -> bool) -> Vec<u8> {
    (b' '..=b'~').filter(wanted).collect()
}

pub(super) fn alpha(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    of(call, arguments, &characters(u8::is_ascii_alphabetic))
}

pub(super) fn alpha_num(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    of(call, arguments, &characters(u8::is_ascii_alphanumeric))
}

pub(super) fn ascii(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    of(call, arguments, &characters(|_| true))
}

pub(super) fn numeric(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    of(call, arguments, &characters(u8::is_ascii_digit))
}

pub(super) fn shuffle(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    call.reserve(text.len().saturating_mul(size_of::<char>()))?;
    call.work(text.len() / 16)?;
    let mut shuffled: Vec<char> = runes::runes(text).collect();
    let mut random = Random::new(call.environment);
    for last in (1..shuffled.len()).rev() {
        let other = usize::try_from(random.below(last as u64 + 1)).unwrap_or_default();
        shuffled.swap(last, other);
    }
    Ok(Value::string(shuffled.into_iter().collect::<String>()))
}
