//! The tree of a parsed template: Go's `text/template/parse` nodes, without those that execution
//! never sees (comments).

/// Where a node stands: bytes from the start of the text of its tree.
pub(crate) type Pos = usize;

/// One template: the text of a `Template`, or of a `define` or `block` in it.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The name it is called by.
    pub(crate) name: String,
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
    Template { pos: Pos, name: String, pipe: Option<Pipe> },
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
        quoted: String,
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
        name: String,
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
    pub(crate) text: String,
}
