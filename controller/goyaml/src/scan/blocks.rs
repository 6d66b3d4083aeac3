//! `|` and `>`.

use super::{Kind, Scanned, Scanner};
use crate::error::Fault;

#[derive(Clone, Copy, PartialEq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Scanned {
        let line = self.input.mark.line;
        self.input.skip();
        let (chomping, increment) = self.scan_block_header()?;
        self.end_line()?;

        // 0 until the first line with something on it decides.
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = Vec::new();
        let mut last_break = Vec::new();
        let mut breaks = Vec::new();
        self.scan_block_breaks(&mut indent, &mut breaks)?;
        self.input.need(1)?;
        let mut after_blank = false;
        while self.column() == indent && !self.input.is_end() {
            let blank = self.input.is_blank(0);
            if !literal && !after_blank && !blank && last_break.starts_with(b"\n") {
                if breaks.is_empty() {
                    text.push(b' ');
                }
            } else {
                text.append(&mut last_break);
            }
            last_break.clear();
            text.append(&mut breaks);
            after_blank = blank;
            while !self.input.is_break_or_end(0) {
                self.input.take(&mut text);
                self.input.need(1)?;
            }
            self.input.need(2)?;
            self.input.take_line(&mut last_break);
            self.scan_block_breaks(&mut indent, &mut breaks)?;
        }
        if chomping != Chomping::Strip {
            text.append(&mut last_break);
        }
        if chomping == Chomping::Keep {
            text.append(&mut breaks);
        }
        self.push(Kind::Scalar { text, plain: false }, line);
        Ok(())
    }

    /// The chomping and the indentation, in either order.
    fn scan_block_header(&mut self) -> Result<(Chomping, isize), Fault> {
        self.input.need(1)?;
        let mut chomping = self.scan_chomping();
        if chomping.is_some() {
            self.input.need(1)?;
        }
        let mut increment = 0;
        if self.input.at(0).is_ascii_digit() {
            increment = isize::from(self.input.at(0) - b'0');
            if increment == 0 {
                return Err(self.fault("found an indentation indicator equal to 0"));
            }
            self.input.skip();
            if chomping.is_none() {
                self.input.need(1)?;
                chomping = self.scan_chomping();
            }
        }
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.input.at(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.input.skip();
        Some(chomping)
    }

    /// Passes over indentation and empty lines, and finds out the indentation.
    fn scan_block_breaks(&mut self, indent: &mut isize, breaks: &mut Vec<u8>) -> Scanned {
        let mut furthest = 0;
        loop {
            self.input.need(1)?;
            while (*indent == 0 || self.column() < *indent) && self.input.at(0) == b' ' {
                self.input.skip();
                self.input.need(1)?;
            }
            furthest = furthest.max(self.column());
            if (*indent == 0 || self.column() < *indent) && self.input.at(0) == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.fault(problem));
            }
            if !self.input.is_break(0) {
                break;
            }
            self.input.need(2)?;
            self.input.take_line(breaks);
        }
        if *indent == 0 {
            *indent = furthest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
