//! What a template means, in JavaScript's terms.
//!
//! This is the part of JavaScript that a translation exists for, with every name resolved: a
//! variable is a [`VariableId`], a function of the language or of Node is one of [`Function`] and
//! [`Method`]. Nothing here knows Go: the printer finds text that renders the same bytes, and an
//! evaluator finds the bytes themselves. Both follow ECMAScript; where lodash or Node decide, the
//! item says so.
//!
//! Values are JavaScript's: undefined, null, booleans, numbers (doubles), strings, arrays and
//! plain objects with their keys in JavaScript's order. `data` holds strings only, decoded by KES
//! as 7-bit ASCII.

/// A range of bytes in the template's own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

/// One compiled template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// What it does, in order.
    pub body: Vec<Stmt>,
    /// The names of its variables, as written; a [`VariableId`] is a place in here.
    pub variables: Vec<String>,
}

/// What a program is made of.
#[derive(Clone, Copy, Debug)]
pub enum Part<'p> {
    /// A statement.
    Stmt(&'p Stmt),
    /// An expression.
    Expr(&'p Expr),
}

impl Program {
    /// True when it uses a fetched value, whose bytes KES may have changed.
    #[must_use]
    pub fn reads_data(&self) -> bool {
        self.any(&mut |part| matches!(part, Part::Expr(Expr { kind: ExprKind::Data, .. })))
    }

    /// True when a test holds for a statement or an expression, however deep it stands. It is asked
    /// of the whole before the parts, up to the first that it holds for.
    pub fn any<'p>(&'p self, test: &mut dyn FnMut(Part<'p>) -> bool) -> bool {
        any(&self.body, test)
    }
}

fn any<'p>(body: &'p [Stmt], test: &mut dyn FnMut(Part<'p>) -> bool) -> bool {
    body.iter().any(|statement| {
        if test(Part::Stmt(statement)) {
            return true;
        }
        match &statement.kind {
            StmtKind::Text(_) | StmtKind::Continue | StmtKind::Break => false,
            StmtKind::Print(value)
            | StmtKind::PrintEscaped(value)
            | StmtKind::Discard(value)
            | StmtKind::Assign { value, .. }
            | StmtKind::Push { value, .. } => value.any(test),
            StmtKind::Let { value, .. } => value.as_ref().is_some_and(|value| value.any(test)),
            StmtKind::If { condition, then, otherwise } => {
                condition.any(test) || any(then, test) || any(otherwise, test)
            }
            StmtKind::ForEach { list, body, .. } => list.any(test) || any(body, test),
            StmtKind::ForIn { object, body, .. } => object.any(test) || any(body, test),
            StmtKind::Count { from, to, body, .. } => {
                from.any(test) || to.any(test) || any(body, test)
            }
        }
    })
}

impl Expr {
    fn any<'p>(&'p self, test: &mut dyn FnMut(Part<'p>) -> bool) -> bool {
        if test(Part::Expr(self)) {
            return true;
        }
        match &self.kind {
            ExprKind::Data
            | ExprKind::Undefined
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Text(_)
            | ExprKind::Variable(_)
            | ExprKind::Regex(_) => false,
            ExprKind::Concat(parts) | ExprKind::List(parts) => {
                parts.iter().any(|part| part.any(test))
            }
            ExprKind::Object(members) => members.iter().any(|(_, value)| value.any(test)),
            ExprKind::Member { object, .. } | ExprKind::Chain(object) => object.any(test),
            ExprKind::Index { object, index, .. } => object.any(test) || index.any(test),
            ExprKind::Unary { operand, .. } => operand.any(test),
            ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
                left.any(test) || right.any(test)
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                condition.any(test) || then.any(test) || otherwise.any(test)
            }
            ExprKind::Call { arguments, .. } => arguments.iter().any(|part| part.any(test)),
            ExprKind::Recode { value, .. } => value.any(test),
            ExprKind::Method { receiver, arguments, .. } => {
                receiver.any(test) || arguments.iter().any(|part| part.any(test))
            }
            ExprKind::Each { receiver, result, .. } => receiver.any(test) || result.any(test),
        }
    }
}

/// A variable or parameter. Two declarations of one name are two variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub usize);

/// A statement and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// Literal text of the template.
    Text(String),
    /// `<%= E %>`, `${E}`, and each argument of `print(E)`: nothing for null and undefined, else
    /// `String(E)`.
    Print(Expr),
    /// `<%- E %>`: lodash's `_.escape(E)`.
    PrintEscaped(Expr),
    /// `let`, `const` or `var`; undefined without a value. In a loop it is made anew each time.
    Let {
        /// The new variable.
        variable: VariableId,
        /// Its value.
        value: Option<Expr>,
    },
    /// `v = E`; `v += E`, `v++` and their kin are written out.
    Assign {
        /// A variable declared before.
        variable: VariableId,
        /// Its new value.
        value: Expr,
    },
    /// `v.push(E)` on a variable that holds an array of its own.
    Push {
        /// The variable.
        variable: VariableId,
        /// The new last element.
        value: Expr,
    },
    /// `if`, by truth.
    If {
        /// The condition.
        condition: Expr,
        /// Where it is true.
        then: Vec<Stmt>,
        /// Where it is not.
        otherwise: Vec<Stmt>,
    },
    /// A loop over a list: `for (const e of E)` and `E.forEach((e, i) => { })`.
    ForEach {
        /// What is looped over: an array; with `forEach` false also a string, by code points.
        /// Anything else throws.
        list: Expr,
        /// True for `forEach`, which a string does not have.
        method: bool,
        /// What each element is called.
        item: Binding,
        /// The element's place, counted from 0.
        index: Option<VariableId>,
        /// What is done for each.
        body: Vec<Stmt>,
    },
    /// `for (const k in E)`: the own keys as strings; no turn for null and undefined, the places
    /// of a string or an array.
    ForIn {
        /// Whose keys.
        object: Expr,
        /// The key.
        key: VariableId,
        /// What is done for each.
        body: Vec<Stmt>,
    },
    /// `for (let i = A; i < B; i++)` where the body changes neither `i` nor what `B` reads.
    Count {
        /// `i`.
        variable: VariableId,
        /// `A`.
        from: Expr,
        /// `B`.
        to: Expr,
        /// `i <= B` instead of `i < B`.
        inclusive: bool,
        /// What is done for each.
        body: Vec<Stmt>,
    },
    /// `continue` of the innermost loop; also `return` from the function of a `forEach`.
    Continue,
    /// `break` of the innermost loop.
    Break,
    /// An expression for its errors only.
    Discard(Expr),
}

/// What an element of a list is bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// Nothing.
    None,
    /// `e`
    One(VariableId),
    /// `[a, b]`: the elements of the element, undefined when there are fewer; a hole is `None`.
    Elements(Vec<Option<VariableId>>),
    /// `{a, b: c}`: members of the element by name.
    Members(Vec<(String, VariableId)>),
}

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `undefined`, `void 0`
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, also negative.
    Number(f64),
    /// A string.
    Text(String),
    /// A template literal: `String(E)` of each part, joined.
    Concat(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{a: x, "b-c": y}`, in the order written; a key is there once.
    Object(Vec<(String, Expr)>),
    /// `data`: the fetched values, strings by key.
    Data,
    /// A variable.
    Variable(VariableId),
    /// `E.k`, `E["k"]`, `E?.k`: an own member. Throws for null and undefined (without `?`).
    /// `length` of strings and arrays is a member; other members of prototypes are not made.
    Member {
        /// The object.
        object: Box<Expr>,
        /// The key; also a decimal number, for elements.
        key: String,
        /// With `?.`: undefined for null and undefined, and so is the whole [`ExprKind::Chain`].
        optional: bool,
    },
    /// `E[i]` with a key that is computed, by `String(i)`.
    Index {
        /// The object.
        object: Box<Expr>,
        /// The key.
        index: Box<Expr>,
        /// With `?.[`
        optional: bool,
    },
    /// The whole of `a?.b.c`: ends as undefined where a `?.` found null or undefined.
    Chain(Box<Expr>),
    /// An operator with one operand.
    Unary {
        /// The operator.
        operator: Unary,
        /// The operand.
        operand: Box<Expr>,
    },
    /// An operator with two operands, both evaluated.
    Binary {
        /// The operator.
        operator: Binary,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `&&`, `||`, `??`: one of the operands; the right one is evaluated when it is needed.
    Logical {
        /// The operator.
        operator: Logical,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `c ? a : b`
    Conditional {
        /// The condition, by truth.
        condition: Box<Expr>,
        /// Where it is true.
        then: Box<Expr>,
        /// Where it is not.
        otherwise: Box<Expr>,
    },
    /// A function of the language, Node, js-yaml or lodash.
    Call {
        /// Which one.
        function: Function,
        /// Its arguments.
        arguments: Vec<Expr>,
    },
    /// `Buffer.from(E, from).toString(to)`; `btoa` is latin1 to base64, `atob` the reverse.
    Recode {
        /// A string; anything else throws.
        value: Box<Expr>,
        /// How its bytes are read from the string, leniently, as Node does.
        from: Encoding,
        /// How they are written.
        to: Encoding,
    },
    /// A method of a string, an array or any value; throws where the value does not have it.
    Method {
        /// Which one.
        method: Method,
        /// The value.
        receiver: Box<Expr>,
        /// Its arguments; as many as were written.
        arguments: Vec<Expr>,
        /// `E?.m()`
        optional: bool,
    },
    /// A method of an array that takes a function: `E.map((e, i) => x)`.
    Each {
        /// Which one.
        method: Each,
        /// The array; anything else throws.
        receiver: Box<Expr>,
        /// What each element is called in the result.
        item: Binding,
        /// The element's place.
        index: Option<VariableId>,
        /// The function's result.
        result: Box<Expr>,
        /// `E?.map()`
        optional: bool,
    },
    /// A regular expression; only as an argument of `replace`, `split`, `match`, and `test`.
    Regex(Regex),
}

/// A regular expression literal.
#[allow(clippy::struct_excessive_bools)] // They are its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    /// Between the slashes, as written.
    pub pattern: String,
    /// `g`
    pub global: bool,
    /// `i`
    pub ignore_case: bool,
    /// `m`
    pub multiline: bool,
    /// `s`
    pub dot_all: bool,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `!`
    Not,
    /// `+`: the number.
    Plus,
    /// `-`
    Minus,
    /// `typeof`
    Typeof,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `+`: joins as soon as one operand is a string, array or object; else adds.
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `===`
    Same,
    /// `!==`
    NotSame,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `k in o`: own keys only.
    In,
}

/// Operators that evaluate the right operand when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logical {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `??`
    Coalesce,
}

/// Encodings of Node's Buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `utf8`, `utf-8`, and none.
    Utf8,
    /// `ascii`: written with the highest bit cleared, read as latin1.
    Ascii,
    /// `latin1`, `binary`
    Latin1,
    /// `base64`: read leniently, also with the alphabet for URLs.
    Base64,
    /// `hex`: read up to the first character that is not one.
    Hex,
}

/// Functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `JSON.parse(E)`
    JsonParse,
    /// `JSON.stringify(E)`, or with null (or undefined) and a number or string of indentation.
    JsonStringify,
    /// js-yaml 3 `dump`, `safeDump`; ends with a line break.
    YamlDump,
    /// js-yaml 3 `load`, `safeLoad`.
    YamlLoad,
    /// lodash `_.escape(E)`
    Escape,
    /// `encodeURIComponent(E)`
    EncodeUriComponent,
    /// `encodeURI(E)`
    EncodeUri,
    /// `decodeURIComponent(E)`
    DecodeUriComponent,
    /// `String(E)`
    String,
    /// `Number(E)`
    Number,
    /// `Boolean(E)`
    Boolean,
    /// `parseInt(E)`, `parseInt(E, radix)`
    ParseInt,
    /// `parseFloat(E)`
    ParseFloat,
    /// `Array.isArray(E)`
    IsArray,
    /// `Object.keys(E)`
    Keys,
    /// `Object.values(E)`
    Values,
    /// `Object.entries(E)`: arrays of key and value.
    Entries,
    /// `Object.fromEntries(E)`
    FromEntries,
    /// `Object.assign({}, a, b)` and `{...a, ...b}`: a new object.
    Assign,
}

/// Methods. Each is that of the JavaScript type it is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are the methods of the language, by their names.
pub enum Method {
    At,
    CharAt,
    CharCodeAt,
    Concat,
    EndsWith,
    HasOwnProperty,
    Includes,
    IndexOf,
    Join,
    LastIndexOf,
    /// `E.match(/re/)`: an array, or null.
    Match,
    PadEnd,
    PadStart,
    /// On an array that nothing else refers to.
    Pop,
    Repeat,
    Replace,
    ReplaceAll,
    /// On an array that nothing else refers to.
    Reverse,
    /// On an array that nothing else refers to.
    Shift,
    Slice,
    /// On an array that nothing else refers to.
    Sort,
    Split,
    StartsWith,
    Substr,
    Substring,
    /// `/re/.test(E)`: the receiver is the regular expression, without `g`.
    Test,
    ToFixed,
    ToLowerCase,
    /// `E.toString()`
    ToString,
    ToUpperCase,
    Trim,
    TrimEnd,
    TrimStart,
}

/// Methods of arrays that take a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are the methods of the language, by their names.
pub enum Each {
    Map,
    Filter,
    Find,
    Some,
    Every,
    FlatMap,
}
