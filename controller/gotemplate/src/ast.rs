//! The tree of a parsed template: Go's `text/template/parse` nodes, without those that execution
//! never sees (comments).

use std::fmt;

use crate::exec::Callee;
use crate::fmt::quote;
use crate::lex::newlines;

/// Where a node stands: bytes from the start of the text of its tree.
pub(crate) type Pos = usize;

/// One template: the text of a `Template`, or of a `define` or `block` in it.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The name it is called by; bytes, because a quoted string in a template can be any.
    pub(crate) name: Vec<u8>,
    /// The name of the top template it was written in; Go's error places begin with it.
    pub(crate) parse_name: String,
    pub(crate) root: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text { pos: Pos, text: Vec<u8> },
    Action { pos: Pos, pipe: Pipe },
    If(Branch),
    Range(Branch),
    With(Branch),
    Break { pos: Pos },
    Continue { pos: Pos },
    Template { pos: Pos, name: Vec<u8>, pipe: Option<Pipe> },
}

/// `if`, `range` and `with`; `else if` and `else with` are a branch in `else_list`.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) pos: Pos,
    pub(crate) pipe: Pipe,
    pub(crate) list: Vec<Node>,
    pub(crate) else_list: Option<Vec<Node>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: Pos,
    /// `=` rather than `:=`.
    pub(crate) assign: bool,
    /// Variables declared or assigned, in order, with their `$`.
    pub(crate) decl: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) pos: Pos,
    /// The variable with its `$`, then field names: `$x.a.b` is `["$x", "a", "b"]`.
    pub(crate) idents: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) pos: Pos,
    /// At least one.
    pub(crate) args: Vec<Arg>,
}

/// An operand.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Bool {
        pos: Pos,
        value: bool,
    },
    Dot {
        pos: Pos,
    },
    Nil {
        pos: Pos,
    },
    Number(Number),
    /// `quoted` is the source text with its quotes, `text` what it stands for.
    String {
        pos: Pos,
        quoted: Vec<u8>,
        text: Vec<u8>,
    },
    /// `.a.b`
    Field {
        pos: Pos,
        idents: Vec<String>,
    },
    Variable(Variable),
    /// A function.
    Identifier {
        pos: Pos,
        callee: Callee,
    },
    /// `(pipe).a.b`; `node` is never itself a chain.
    Chain {
        pos: Pos,
        node: Box<Arg>,
        fields: Vec<String>,
    },
    Pipe(Box<Pipe>),
}

/// A constant that may be read as more than one type, as in Go.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) pos: Pos,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// The source text.
    pub(crate) text: Vec<u8>,
}

/// A place in a template's text, which Go shows as `NAME:LINE:COLUMN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// Bytes from the start of the line.
    pub(crate) column: usize,
}

impl Place {
    /// The place of `pos` in the text that was parsed.
    pub(crate) fn of(pos: Pos, text: &[u8]) -> Self {
        let before = text.get(..pos).unwrap_or(text);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Self { line: 1 + newlines(before), column: before.len() - line_start }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What Go's `String` method of a node gives, which error messages quote: the source with
/// uniform spacing and the usual delimiters.
pub(crate) trait Source {
    fn write(&self, out: &mut Vec<u8>);

    fn source(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

impl Source for [Node] {
    fn write(&self, out: &mut Vec<u8>) {
        for node in self {
            node.write(out);
        }
    }
}

impl Node {
    pub(crate) fn pos(&self) -> Pos {
        match self {
            Self::Text { pos, .. }
            | Self::Action { pos, .. }
            | Self::Break { pos }
            | Self::Continue { pos }
            | Self::Template { pos, .. } => *pos,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.pos,
        }
    }
}

impl Source for Node {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text { text, .. } => out.extend_from_slice(text),
            Self::Action { pipe, .. } => {
                out.extend_from_slice(b"{{");
                pipe.write(out);
                out.extend_from_slice(b"}}");
            }
            Self::If(branch) => branch.write("if", out),
            Self::Range(branch) => branch.write("range", out),
            Self::With(branch) => branch.write("with", out),
            Self::Break { .. } => out.extend_from_slice(b"{{break}}"),
            Self::Continue { .. } => out.extend_from_slice(b"{{continue}}"),
            Self::Template { name, pipe, .. } => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(quote(name).as_bytes());
                if let Some(pipe) = pipe {
                    out.push(b' ');
                    pipe.write(out);
                }
                out.extend_from_slice(b"}}");
            }
        }
    }
}

impl Branch {
    fn write(&self, keyword: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(keyword.as_bytes());
        out.push(b' ');
        self.pipe.write(out);
        out.extend_from_slice(b"}}");
        self.list.write(out);
        if let Some(list) = &self.else_list {
            out.extend_from_slice(b"{{else}}");
            list.write(out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Source for Pipe {
    fn write(&self, out: &mut Vec<u8>) {
        for (i, variable) in self.decl.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            variable.write(out);
        }
        if !self.decl.is_empty() {
            out.extend_from_slice(if self.assign { b" = " } else { b" := " });
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b" | ");
            }
            command.write(out);
        }
    }
}

impl Source for Variable {
    fn write(&self, out: &mut Vec<u8>) {
        for (i, ident) in self.idents.iter().enumerate() {
            if i > 0 {
                out.push(b'.');
            }
            out.extend_from_slice(ident.as_bytes());
        }
    }
}

impl Source for Command {
    fn write(&self, out: &mut Vec<u8>) {
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            arg.write_operand(out);
        }
    }
}

impl Arg {
    pub(crate) fn pos(&self) -> Pos {
        match self {
            Self::Bool { pos, .. }
            | Self::Dot { pos }
            | Self::Nil { pos }
            | Self::String { pos, .. }
            | Self::Field { pos, .. }
            | Self::Identifier { pos, .. }
            | Self::Chain { pos, .. } => *pos,
            Self::Number(number) => number.pos,
            Self::Variable(variable) => variable.pos,
            Self::Pipe(pipe) => pipe.pos,
        }
    }

    /// A pipeline inside another node has its parentheses; alone it has none.
    fn write_operand(&self, out: &mut Vec<u8>) {
        if let Self::Pipe(pipe) = self {
            out.push(b'(');
            pipe.write(out);
            out.push(b')');
        } else {
            self.write(out);
        }
    }
}

impl Source for Arg {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool { value: true, .. } => out.extend_from_slice(b"true"),
            Self::Bool { value: false, .. } => out.extend_from_slice(b"false"),
            Self::Dot { .. } => out.push(b'.'),
            Self::Nil { .. } => out.extend_from_slice(b"nil"),
            Self::Number(number) => out.extend_from_slice(&number.text),
            Self::String { quoted, .. } => out.extend_from_slice(quoted),
            Self::Field { idents, .. } => write_fields(idents, out),
            Self::Variable(variable) => variable.write(out),
            Self::Identifier { callee, .. } => out.extend_from_slice(callee.name().as_bytes()),
            Self::Chain { node, fields, .. } => {
                node.write_operand(out);
                write_fields(fields, out);
            }
            Self::Pipe(pipe) => pipe.write(out),
        }
    }
}

fn write_fields(fields: &[String], out: &mut Vec<u8>) {
    for field in fields {
        out.push(b'.');
        out.extend_from_slice(field.as_bytes());
    }
}
