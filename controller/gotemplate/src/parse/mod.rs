//! The grammar of a template: Go's `text/template/parse`.
//!
//! Like Go's, the parser reads words one by one and looks ahead by at most three; an error names
//! the line of the word that was read last, which is why the look-ahead is the same as Go's.

use std::collections::BTreeMap;

use crate::ast::{Branch, Node, Pos, Tree};
use crate::error::{Error, ErrorKind, Message};
use crate::fmt::quote;
use crate::lex::{Item, Kind, Lexer};
use crate::limits::LimitExceeded;
use crate::runes;
use crate::strconv::unquote;
use crate::template::Options;

mod number;
mod pipeline;
#[cfg(test)]
mod tests;

/// How deep parentheses, branches and `else if` chains may be nested in all. Go allows 10,000
/// parentheses and any number of branches; its stack grows, ours does not.
const MAX_DEPTH: usize = 200;

/// Parses `text` into the tree called `name` and those that it defines.
pub(crate) fn parse(
    name: &str,
    text: &[u8],
    options: &Options,
) -> Result<BTreeMap<Vec<u8>, Tree>, Error> {
    let mut shared = Shared {
        lexer: Lexer::new(text, &options.delimiters),
        trees: BTreeMap::new(),
        name,
        secret_text: options.secret_text,
        depth: 0,
    };
    let parser = Parser::new(&mut shared);
    parser.top()?;
    Ok(shared.trees)
}

/// What the parsers of all trees of one text have in common.
struct Shared<'a> {
    lexer: Lexer<'a>,
    trees: BTreeMap<Vec<u8>, Tree>,
    name: &'a str,
    secret_text: bool,
    depth: usize,
}

/// The parser of one tree: variables, loops and look-ahead end with it.
struct Parser<'s, 'a> {
    shared: &'s mut Shared<'a>,
    /// Words read; the first is the last one read.
    items: [Item<'a>; 3],
    /// How many of `items` are still to be delivered.
    peeked: usize,
    /// The variables in scope, innermost last.
    variables: Vec<&'a [u8]>,
    /// The line that the action at hand began on.
    action_line: Option<usize>,
    range_depth: usize,
}

/// What stands between two pieces of text.
enum Step {
    Node(Node),
    Else,
    End,
}

impl Step {
    /// As Go's errors show it.
    fn source(&self) -> &'static str {
        match self {
            Self::Node(_) => "",
            Self::Else => "{{else}}",
            Self::End => "{{end}}",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    Range,
    With,
}

impl Control {
    fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Range => "range",
            Self::With => "with",
        }
    }
}

impl<'s, 'a> Parser<'s, 'a> {
    fn new(shared: &'s mut Shared<'a>) -> Self {
        let nothing = Item { kind: Kind::Eof, pos: 0, line: 0, text: b"" };
        Self {
            shared,
            items: [nothing; 3],
            peeked: 0,
            variables: vec![b"$"],
            action_line: None,
            range_depth: 0,
        }
    }

    fn next(&mut self) -> Item<'a> {
        let Some(peeked) = self.peeked.checked_sub(1) else {
            let item = self.shared.lexer.next_item();
            self.items[0] = item;
            return item;
        };
        self.peeked = peeked;
        self.items.get(peeked).copied().unwrap_or(self.items[0])
    }

    fn peek(&mut self) -> Item<'a> {
        let item = self.next();
        self.backup();
        item
    }

    /// Gives the word back that was delivered last.
    fn backup(&mut self) {
        self.peeked += 1;
    }

    /// Gives two words back; the second is the one read last.
    fn backup_to(&mut self, first: Item<'a>) {
        self.items[1] = first;
        self.peeked = 2;
    }

    fn next_non_space(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'a> {
        let item = self.next_non_space();
        self.backup();
        item
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Item<'a>, Error> {
        let item = self.next_non_space();
        if item.kind == kind { Ok(item) } else { Err(self.unexpected(item, context)) }
    }

    /// An error at the word read last.
    fn error(&self, what: impl Into<Message>) -> Error {
        self.error_of(ErrorKind::Parse, what)
    }

    fn error_of(&self, kind: ErrorKind, what: impl Into<Message>) -> Error {
        let line = self.items[0].line;
        let place = format!("template: {}:{line}: ", self.shared.name);
        let message = Message::from(place).then(self.disclosed(what.into()));
        Error { kind, message, line, column: None }
    }

    /// What quotes the template's text is secret only when the template is.
    fn disclosed(&self, message: Message) -> Message {
        if self.shared.secret_text {
            return message;
        }
        String::from_utf8(message.reveal()).map_or(message, Message::from)
    }

    fn unexpected(&self, item: Item<'a>, context: &str) -> Error {
        if item.kind != Kind::Error {
            let shown = Message::from("unexpected ").secret(shown(item));
            return self.error(shown.text(format!(" in {context}")));
        }
        let why = self.shared.lexer.error().clone();
        let Some(line) = self.action_line.filter(|line| *line != item.line) else {
            return self.error(why);
        };
        // Not "action in action".
        let of = if why.reveal().ends_with(b" action") { "" } else { " in action" };
        self.error(why.text(format!("{of} started at {}:{line}", self.shared.name)))
    }

    /// Counts a level of nesting; [`Self::leave`] ends it.
    fn enter(&mut self) -> Result<(), Error> {
        self.shared.depth += 1;
        if self.shared.depth > MAX_DEPTH {
            let limit = LimitExceeded::Depth;
            return Err(self.error_of(ErrorKind::Limit(limit), limit.to_string()));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.shared.depth -= 1;
    }

    /// Makes `root` the tree of this name. Of two, the one with something in it stays.
    fn add(&mut self, name: &[u8], root: Vec<Node>) -> Result<(), Error> {
        match self.shared.trees.get(name) {
            Some(tree) if !is_empty(&tree.root) => {
                if is_empty(&root) {
                    return Ok(());
                }
                let what = Message::from("template: multiple definition of template ");
                Err(self.error(what.secret(quote(name))))
            }
            _ => {
                let parse_name = self.shared.name.to_owned();
                let tree = Tree { name: name.to_owned(), parse_name, root };
                self.shared.trees.insert(name.to_owned(), tree);
                Ok(())
            }
        }
    }

    /// The whole text: what a list has, and definitions.
    fn top(mut self) -> Result<(), Error> {
        let mut root = Vec::new();
        loop {
            let item = self.peek();
            match item.kind {
                Kind::Eof => break,
                Kind::LeftDelimiter => {
                    self.next();
                    if self.next_non_space().kind == Kind::Define {
                        Parser::new(self.shared).definition()?;
                        continue;
                    }
                    self.backup_to(item);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Step::Node(node) => root.push(node),
                step => return Err(self.error(format!("unexpected {}", step.source()))),
            }
        }
        let name = self.shared.name;
        self.add(name.as_bytes(), root)
    }

    /// `{{define "name"}} list {{end}}`, from behind `define`.
    fn definition(mut self) -> Result<(), Error> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(item, CONTEXT)?;
        self.expect(Kind::RightDelimiter, CONTEXT)?;
        match self.list()? {
            (root, Step::End) => self.add(&name, root),
            (_, step) => Err(self.error(format!("unexpected {} in {CONTEXT}", step.source()))),
        }
    }

    fn template_name(&mut self, item: Item<'a>, context: &str) -> Result<Vec<u8>, Error> {
        match item.kind {
            Kind::String | Kind::RawString => {
                unquote(item.text).ok_or_else(|| self.error("invalid syntax"))
            }
            _ => Err(self.unexpected(item, context)),
        }
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Result<(Vec<Node>, Step), Error> {
        let mut list = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Step::Node(node) => list.push(node),
                step => return Ok((list, step)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Step, Error> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => Ok(Step::Node(Node::Text { pos: item.pos, text: item.text.to_owned() })),
            Kind::LeftDelimiter => {
                self.action_line = Some(item.line);
                let step = self.action()?;
                self.action_line = None;
                Ok(step)
            }
            _ => Err(self.unexpected(item, "input")),
        }
    }

    /// From behind the left delimiter to behind the right one, or to the `{{end}}` of a branch.
    fn action(&mut self) -> Result<Step, Error> {
        let item = self.next_non_space();
        let node = match item.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.loop_control("{{break}}")?;
                Node::Break { pos: item.pos }
            }
            Kind::Continue => {
                self.loop_control("{{continue}}")?;
                Node::Continue { pos: item.pos }
            }
            Kind::Else => return self.else_word(),
            Kind::End => {
                self.expect(Kind::RightDelimiter, "end")?;
                return Ok(Step::End);
            }
            Kind::If => Node::If(self.branch(Control::If)?),
            Kind::Range => Node::Range(self.branch(Control::Range)?),
            Kind::With => Node::With(self.branch(Control::With)?),
            Kind::Template => self.template()?,
            _ => {
                self.backup();
                let pos = self.peek().pos;
                let pipe = self.pipeline("command", Kind::RightDelimiter)?;
                Node::Action { pos, pipe }
            }
        };
        Ok(Step::Node(node))
    }

    fn loop_control(&mut self, source: &str) -> Result<(), Error> {
        self.expect(Kind::RightDelimiter, source)?;
        if self.range_depth == 0 {
            return Err(self.error(format!("{source} outside {{{{range}}}}")));
        }
        Ok(())
    }

    /// The `if` or `with` behind `else` is left for [`Self::branch`].
    fn else_word(&mut self) -> Result<Step, Error> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelimiter, "else")?;
        }
        Ok(Step::Else)
    }

    /// `{{block "name" pipeline}} list {{end}}`: a definition and its use.
    fn block(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelimiter)?;
        self.enter()?;
        let mut block = Parser::new(self.shared);
        let (root, step) = block.list()?;
        if matches!(step, Step::End) {
            block.add(&name, root)?;
        } else {
            // Go names the line of the block here, and that of the definition in `definition`.
            return Err(self.error(format!("unexpected {} in {CONTEXT}", step.source())));
        }
        self.leave();
        Ok(Node::Template { pos: item.pos, name, pipe: Some(pipe) })
    }

    /// `{{template "name" pipeline}}`
    fn template(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(item, CONTEXT)?;
        let pipe = if self.next_non_space().kind == Kind::RightDelimiter {
            None
        } else {
            self.backup();
            Some(self.pipeline(CONTEXT, Kind::RightDelimiter)?)
        };
        Ok(Node::Template { pos: item.pos, name, pipe })
    }

    /// `if`, `range` or `with`, from behind the word to behind its `{{end}}`.
    fn branch(&mut self, control: Control) -> Result<Branch, Error> {
        self.enter()?;
        let variables = self.variables.len();
        let pipe = self.pipeline(control.word(), Kind::RightDelimiter)?;
        let in_range = usize::from(control == Control::Range);
        self.range_depth += in_range;
        let (list, step) = self.list()?;
        self.range_depth -= in_range;
        let else_list = match step {
            Step::Else => Some(self.else_list(control)?),
            _ => None,
        };
        self.variables.truncate(variables);
        self.leave();
        let pos: Pos = pipe.pos;
        Ok(Branch { pos, pipe, list, else_list })
    }

    /// `{{else if}}` is an `if` in the list whose `{{end}}` ends both.
    fn else_list(&mut self, control: Control) -> Result<Vec<Node>, Error> {
        let chained = match (control, self.peek().kind) {
            (Control::If, Kind::If) => Node::If,
            (Control::With, Kind::With) => Node::With,
            _ => {
                return match self.list()? {
                    (list, Step::End) => Ok(list),
                    (_, step) => Err(self.error(format!("expected end; found {}", step.source()))),
                };
            }
        };
        self.next();
        Ok(vec![chained(self.branch(control)?)])
    }
}

/// A word as Go's errors show it.
fn shown(item: Item<'_>) -> String {
    match item.kind {
        Kind::Eof => "EOF".to_owned(),
        kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(item.text)),
        _ if item.text.len() > 10 => format!("{}...", quote(first_ten(item.text))),
        _ => quote(item.text),
    }
}

fn first_ten(text: &[u8]) -> &[u8] {
    let end = runes::indices(text).nth(10).map_or(text.len(), |(at, ..)| at);
    text.get(..end).unwrap_or(text)
}

/// Whether a tree has nothing but white space.
fn is_empty(list: &[Node]) -> bool {
    list.iter().all(|node| match node {
        Node::Text { text, .. } => runes::runes(text).all(runes::is_space),
        _ => false,
    })
}
