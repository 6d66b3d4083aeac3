//! Pipelines: what stands between the delimiters of an action.

use crate::ast::Source as _;
use crate::ast::{Arg, Command, Number, Pipe, Variable};
use crate::error::{Error, ErrorKind, Message};
use crate::exec::Callee;
use crate::fmt::quote;
use crate::lex::{Item, Kind};
use crate::parse::Parser;
use crate::parse::number::{self, NumberError};
use crate::strconv::unquote;

impl<'a> Parser<'_, 'a> {
    /// Declarations, then commands, up to and over `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, Error> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, assign: false, decl: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let item = self.next_non_space();
            match item.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(item, context)),
            }
        }
        self.check(&pipe, context)?;
        Ok(pipe)
    }

    /// Reads a variable that is declared or assigned; true when a second one of a `range` follows.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result<bool, Error> {
        let variable = self.peek_non_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        // In `$x foo` only `foo` tells that `$x` is an argument; both have to go back then.
        let behind = self.peek();
        let next = self.peek_non_space();
        let comma = next.kind == Kind::Char && next.text == b",";
        if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
            if behind.kind == Kind::Space {
                self.items[1] = behind;
                self.items[2] = variable;
                self.peeked = 3;
            } else {
                self.backup_to(variable);
            }
            return Ok(false);
        }
        self.next_non_space();
        pipe.decl.push(variable_of(variable));
        self.variables.push(variable.text);
        if !comma {
            pipe.assign = next.kind == Kind::Assign;
            return Ok(false);
        }
        if context != "range" || pipe.decl.len() >= 2 {
            return Err(self.error(format!("too many declarations in {context}")));
        }
        match self.peek_non_space().kind {
            Kind::Variable | Kind::RightDelimiter | Kind::RightParen => Ok(true),
            _ => Err(self.error("range can only initialize variables")),
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let constant = matches!(
                command.args.first(),
                Some(
                    Arg::Bool { .. }
                        | Arg::Dot { .. }
                        | Arg::Nil { .. }
                        | Arg::Number(_)
                        | Arg::String { .. }
                )
            );
            if constant {
                let stage = i + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(())
    }

    /// Operands up to and over a pipe character, or up to the end of the pipeline.
    fn command(&mut self) -> Result<Command, Error> {
        let pos = self.peek_non_space().pos;
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            args.extend(self.operand()?);
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::Pipe => break,
                Kind::RightDelimiter | Kind::RightParen => {
                    self.backup();
                    break;
                }
                _ => return Err(self.unexpected(item, "operand")),
            }
        }
        if args.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(Command { pos, args })
    }

    /// A term and the fields behind it; `None` when no term follows.
    fn operand(&mut self) -> Result<Option<Arg>, Error> {
        let Some(term) = self.term()? else { return Ok(None) };
        let first = self.peek();
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_of(self.next()));
        }
        if fields.is_empty() {
            return Ok(Some(term));
        }
        // The place of a chain is that of its first field.
        let pos = first.pos;
        Ok(Some(match term {
            Arg::Field { mut idents, .. } => {
                idents.append(&mut fields);
                Arg::Field { pos, idents }
            }
            Arg::Variable(Variable { mut idents, .. }) => {
                idents.append(&mut fields);
                Arg::Variable(Variable { pos, idents })
            }
            Arg::Bool { .. }
            | Arg::String { .. }
            | Arg::Number(_)
            | Arg::Nil { .. }
            | Arg::Dot { .. } => {
                let what = Message::from("unexpected . after term ");
                return Err(self.error(what.secret(quote(&term.source()))));
            }
            node => Arg::Chain { pos, node: Box::new(node), fields },
        }))
    }

    /// `None` when the next word begins no term; it stays to be read.
    fn term(&mut self) -> Result<Option<Arg>, Error> {
        let item = self.next_non_space();
        let pos = item.pos;
        Ok(Some(match item.kind {
            Kind::Identifier => self.function(item)?,
            Kind::Dot => Arg::Dot { pos },
            Kind::Nil => Arg::Nil { pos },
            Kind::Variable => {
                if !self.variables.contains(&item.text) {
                    let what = Message::from("undefined variable ");
                    return Err(self.error(what.secret(quote(item.text))));
                }
                Arg::Variable(variable_of(item))
            }
            Kind::Field => Arg::Field { pos, idents: vec![field_of(item)] },
            Kind::Bool => Arg::Bool { pos, value: item.text == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => Arg::Number(self.number(item)?),
            Kind::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.leave();
                Arg::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let text = unquote(item.text).ok_or_else(|| self.error("invalid syntax"))?;
                Arg::String { pos, quoted: item.text.to_owned(), text }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }

    fn function(&self, item: Item<'a>) -> Result<Arg, Error> {
        let Some(callee) = Callee::named(item.text) else {
            let what = Message::from("function ").secret(quote(item.text));
            return Err(self.error(what.text(" not defined")));
        };
        Ok(Arg::Identifier { pos: item.pos, callee })
    }

    fn number(&self, item: Item<'a>) -> Result<Number, Error> {
        number::number(item).map_err(|error| match error {
            NumberError::Invalid(what) => self.error(what),
            NumberError::Complex => {
                let what = Message::from("complex constant ").secret(quote(item.text));
                self.error_of(ErrorKind::Unsupported, what.text(" is not supported"))
            }
        })
    }
}

/// Names are made of letters, so nothing is lost.
fn text_of(item: Item<'_>) -> String {
    String::from_utf8_lossy(item.text).into_owned()
}

fn variable_of(item: Item<'_>) -> Variable {
    Variable { pos: item.pos, idents: vec![text_of(item)] }
}

/// The name without its dot.
fn field_of(item: Item<'_>) -> String {
    let name = item.text.strip_prefix(b".").unwrap_or(item.text);
    String::from_utf8_lossy(name).into_owned()
}
