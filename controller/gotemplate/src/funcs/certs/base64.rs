//! Go's reading of base64: line ends anywhere, and errors that name the place.

use base64::alphabet::STANDARD;
use zeroize::Zeroizing;

use crate::error::Message;

/// Decodes padded standard base64.
///
/// # Errors
/// Go's `CorruptInputError`.
pub(in crate::funcs) fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Message> {
    let mut output = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let mut rest = Input { text, at: 0 };
    while !quantum(&mut rest, &mut output).map_err(corrupt)? {}
    Ok(output)
}

fn corrupt(at: usize) -> Message {
    format!("illegal base64 data at input byte {at}").into()
}

struct Input<'a> {
    text: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn skip_line_ends(&mut self) {
        while matches!(self.text.get(self.at), Some(b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    let index = STANDARD.as_str().bytes().position(|other| other == byte)?;
    u8::try_from(index).ok()
}

/// Reads four digits. True: the text has ended. An error is the place of the corruption.
fn quantum(input: &mut Input<'_>, output: &mut Vec<u8>) -> Result<bool, usize> {
    let mut value = 0_u32;
    let mut count = 0;
    while count < 4 {
        let Some(byte) = input.next() else {
            return if count == 0 { Ok(true) } else { Err(input.at - count) };
        };
        if let Some(digit) = digit(byte) {
            value = value << 6 | u32::from(digit);
            count += 1;
        } else if byte == b'=' {
            padding(input, count)?;
            let [_, a, b, _] = (value << (6 * (4 - count))).to_be_bytes();
            output.extend([a, b].iter().take(count - 1));
            return Ok(true);
        } else if !matches!(byte, b'\n' | b'\r') {
            return Err(input.at - 1);
        }
    }
    let [_, a, b, c] = value.to_be_bytes();
    output.extend([a, b, c]);
    Ok(false)
}

/// After the first `=`: what has to follow `count` digits, and nothing else.
fn padding(input: &mut Input<'_>, count: usize) -> Result<(), usize> {
    if count < 2 {
        return Err(input.at - 1);
    }
    if count == 2 {
        input.skip_line_ends();
        match input.text.get(input.at) {
            None => return Err(input.text.len()),
            Some(b'=') => input.at += 1,
            Some(_) => return Err(input.at - 1),
        }
    }
    input.skip_line_ends();
    if input.at < input.text.len() { Err(input.at) } else { Ok(()) }
}
