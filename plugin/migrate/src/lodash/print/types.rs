//! What is known of values before they are there.

use std::collections::BTreeSet;

use crate::lodash::ir::{
    Binary, Binding, Each, Expr, ExprKind, Function, Logical, Method, Program, Stmt, StmtKind,
    Unary, VariableId,
};

/// A set of JavaScript values, and how Go holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    /// No value yet.
    Never,
    /// Go's nil.
    Undefined,
    /// Go's nil.
    Null,
    Bool,
    /// Go's `int` or `int64`.
    Int,
    /// Go's `float64`, but not NaN.
    Float,
    /// Go's `float64`.
    Number,
    Text,
    /// A string, or undefined as Go's nil.
    OptText,
    /// Go's `[]any` or `[]string`.
    List(Box<Ty>),
    /// Go's `map[string]any`.
    Map(Box<Ty>),
    /// Anything that JSON has.
    Json,
    /// Anything that JSON has, or undefined.
    OptJson,
}

impl Ty {
    pub(super) fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    /// What may be either.
    pub(super) fn join(self, other: Self) -> Self {
        use Ty::{
            Float, Int, Json, List, Map, Never, Null, Number, OptJson, OptText, Text, Undefined,
        };
        match (self, other) {
            (a, b) if a == b => a,
            (Never, a) | (a, Never) => a,
            (Int, Float) | (Float, Int) => Float,
            (Number, Int | Float) | (Int | Float, Number) => Number,
            (Text | OptText, Undefined | Text | OptText) | (Undefined, Text | OptText) => OptText,
            (List(a), List(b)) => List(Box::new(a.join(*b))),
            (Map(a), Map(b)) => Map(Box::new(a.join(*b))),
            (a, b) if a.may_be_undefined() || b.may_be_undefined() => OptJson,
            (Null, a) | (a, Null) if a != Undefined => Json,
            _ => Json,
        }
    }

    pub(super) fn may_be_undefined(&self) -> bool {
        matches!(self, Self::Undefined | Self::OptText | Self::OptJson)
    }

    /// Joining with `+` makes a string, whatever the other side is.
    pub(super) fn is_joined(&self) -> bool {
        matches!(self, Self::Text | Self::List(_) | Self::Map(_))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Number)
    }

    /// `Number(E)` of it.
    fn number(&self) -> Self {
        match self {
            Self::Int | Self::Null => Self::Int,
            Self::Float => Self::Float,
            _ => Self::Number,
        }
    }

    /// What an operator makes of two numbers: whole ones, or NaN.
    fn calculated(&self, other: &Self) -> Self {
        match (self.number(), other.number()) {
            (Self::Number, _) | (_, Self::Number) => Self::Number,
            _ => Self::Int,
        }
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Json | Self::OptJson)
    }

    /// One of its elements.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::List(item) => (**item).clone(),
            Self::Text | Self::OptText => Self::Text,
            _ => Self::Json,
        }
    }

    /// What is left of it where it is true.
    fn truthy(self) -> Self {
        match self {
            Self::OptText => Self::Text,
            Self::OptJson => Self::Json,
            Self::Undefined | Self::Null => Self::Never,
            other => other,
        }
    }

    /// What is left of it where it is neither null nor undefined.
    fn defined(self) -> Self {
        self.truthy()
    }
}

/// The types of all variables of a program.
pub(super) struct Types<'d> {
    declared: &'d BTreeSet<String>,
    variables: Vec<Ty>,
    changed: bool,
}

impl<'d> Types<'d> {
    pub(super) fn of(program: &Program, declared: &'d BTreeSet<String>) -> Self {
        let mut types =
            Self { declared, variables: vec![Ty::Never; program.variables.len()], changed: true };
        // A type rises a few steps at most; what does not settle is anything.
        for _ in 0..8 {
            types.changed = false;
            types.statements(&program.body);
            if !types.changed {
                return types;
            }
        }
        types.variables.fill(Ty::OptJson);
        types
    }

    pub(super) fn variable(&self, id: VariableId) -> Ty {
        match self.variables.get(id.0) {
            Some(Ty::Never) | None => Ty::Undefined,
            Some(ty) => ty.clone(),
        }
    }

    fn set(&mut self, id: VariableId, ty: Ty) {
        if let Some(known) = self.variables.get_mut(id.0) {
            let joined = known.clone().join(ty);
            if *known != joined {
                *known = joined;
                self.changed = true;
            }
        }
    }

    fn bind(&mut self, binding: &Binding, ty: &Ty) {
        match binding {
            Binding::None => {}
            Binding::One(id) => self.set(*id, ty.clone()),
            Binding::Elements(ids) => {
                for id in ids.iter().flatten() {
                    self.set(*id, member_of(ty.clone(), "0"));
                }
            }
            Binding::Members(members) => {
                for (key, id) in members {
                    self.set(*id, member_of(ty.clone(), key));
                }
            }
        }
    }

    fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            match &statement.kind {
                StmtKind::Text(_) | StmtKind::Continue | StmtKind::Break => {}
                StmtKind::Print(value)
                | StmtKind::PrintEscaped(value)
                | StmtKind::Discard(value) => self.inside(value),
                StmtKind::Let { variable, value } => {
                    let ty = value.as_ref().map_or(Ty::Undefined, |value| self.read(value));
                    self.set(*variable, ty);
                }
                StmtKind::Assign { variable, value } => {
                    let ty = self.read(value);
                    self.set(*variable, ty);
                }
                StmtKind::Push { variable, value } => {
                    let ty = Ty::list(self.read(value));
                    self.set(*variable, ty);
                }
                StmtKind::If { condition, then, otherwise } => {
                    self.inside(condition);
                    self.statements(then);
                    self.statements(otherwise);
                }
                StmtKind::ForEach { list, item, index, body, .. } => {
                    if let Some((key, value, of)) = entries(list, item) {
                        let ty = value_of(self.read(of));
                        if let Some(key) = key {
                            self.set(key, Ty::Text);
                        }
                        if let Some(value) = value {
                            self.set(value, ty);
                        }
                    } else {
                        let ty = self.read(list).item();
                        self.bind(item, &ty);
                    }
                    if let Some(index) = index {
                        self.set(*index, Ty::Int);
                    }
                    self.statements(body);
                }
                StmtKind::ForIn { object, key, body } => {
                    self.inside(object);
                    self.set(*key, Ty::Text);
                    self.statements(body);
                }
                StmtKind::Count { variable, from, to, body, .. } => {
                    self.inside(from);
                    self.inside(to);
                    self.set(*variable, Ty::Int);
                    self.statements(body);
                }
            }
        }
    }

    /// The type of an expression, and of the parameters in it.
    fn read(&mut self, value: &Expr) -> Ty {
        self.inside(value);
        self.ty(value)
    }

    /// Types the parameters of functions inside an expression.
    fn inside(&mut self, value: &Expr) {
        match &value.kind {
            ExprKind::Each { receiver, item, index, result, .. } => {
                self.inside(receiver);
                if let Some((key, of_value, of)) = entries(receiver, item) {
                    let ty = value_of(self.ty(of));
                    if let Some(key) = key {
                        self.set(key, Ty::Text);
                    }
                    if let Some(of_value) = of_value {
                        self.set(of_value, ty);
                    }
                } else {
                    let ty = self.ty(receiver).item();
                    self.bind(item, &ty);
                }
                if let Some(index) = index {
                    self.set(*index, Ty::Int);
                }
                self.inside(result);
            }
            ExprKind::Concat(parts) | ExprKind::List(parts) => {
                for part in parts {
                    self.inside(part);
                }
            }
            ExprKind::Object(members) => members.iter().for_each(|(_, part)| self.inside(part)),
            ExprKind::Member { object, .. } | ExprKind::Chain(object) => self.inside(object),
            ExprKind::Index { object, index, .. } => {
                self.inside(object);
                self.inside(index);
            }
            ExprKind::Unary { operand, .. } => self.inside(operand),
            ExprKind::Binary { left, right, .. } | ExprKind::Logical { left, right, .. } => {
                self.inside(left);
                self.inside(right);
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.inside(condition);
                self.inside(then);
                self.inside(otherwise);
            }
            ExprKind::Call { arguments, .. } => arguments.iter().for_each(|it| self.inside(it)),
            ExprKind::Recode { value, .. } => self.inside(value),
            ExprKind::Method { receiver, arguments, .. } => {
                self.inside(receiver);
                for argument in arguments {
                    self.inside(argument);
                }
            }
            _ => {}
        }
    }

    /// The type of an expression.
    pub(super) fn ty(&self, value: &Expr) -> Ty {
        match &value.kind {
            ExprKind::Undefined => Ty::Undefined,
            ExprKind::Null => Ty::Null,
            ExprKind::Bool(_) => Ty::Bool,
            ExprKind::Number(number) => number_type(*number),
            ExprKind::Text(_) | ExprKind::Concat(_) | ExprKind::Recode { .. } => Ty::Text,
            ExprKind::List(items) => {
                Ty::list(items.iter().fold(Ty::Never, |ty, item| ty.join(self.ty(item))))
            }
            ExprKind::Object(members) => Ty::Map(Box::new(
                members.iter().fold(Ty::Never, |ty, (_, item)| ty.join(self.ty(item))),
            )),
            ExprKind::Data => Ty::Map(Box::new(Ty::Text)),
            ExprKind::Variable(id) => self.variable(*id),
            ExprKind::Member { object, key, optional } => {
                if matches!(object.kind, ExprKind::Data) {
                    return if self.declared.contains(key) { Ty::Text } else { Ty::OptText };
                }
                let ty = member_of(self.ty(object), key);
                if *optional { ty.join(Ty::Undefined) } else { ty }
            }
            ExprKind::Index { object, .. } => match self.ty(object) {
                Ty::List(item) | Ty::Map(item) => item.join(Ty::Undefined),
                Ty::Text => Ty::OptText,
                _ => Ty::OptJson,
            },
            ExprKind::Chain(inner) => self.ty(inner).join(Ty::Undefined),
            ExprKind::Unary { operator, operand } => match operator {
                Unary::Not => Ty::Bool,
                Unary::Plus => self.ty(operand).number(),
                Unary::Minus => Ty::Int.calculated(&self.ty(operand)),
                Unary::Typeof => Ty::Text,
            },
            ExprKind::Binary { operator, left, right } => match operator {
                Binary::Add => {
                    let (left, right) = (self.ty(left), self.ty(right));
                    if left.is_joined() || right.is_joined() {
                        Ty::Text
                    } else if left.is_json() || right.is_json() {
                        Ty::Json
                    } else {
                        left.calculated(&right)
                    }
                }
                Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                    self.ty(left).calculated(&self.ty(right))
                }
                _ => Ty::Bool,
            },
            ExprKind::Logical { operator, left, right } => {
                let (left, right) = (self.ty(left), self.ty(right));
                match operator {
                    Logical::And => left.join(right),
                    Logical::Or => left.truthy().join(right),
                    Logical::Coalesce => left.defined().join(right),
                }
            }
            ExprKind::Conditional { then, otherwise, .. } => self.ty(then).join(self.ty(otherwise)),
            ExprKind::Call { function, arguments } => self.call(*function, arguments),
            ExprKind::Method { method, receiver, arguments, optional } => {
                let ty = self.method(*method, receiver, arguments);
                if *optional { ty.join(Ty::Undefined) } else { ty }
            }
            ExprKind::Each { method, receiver, result, .. } => match method {
                Each::Map => Ty::list(self.ty(result)),
                Each::FlatMap => Ty::list(Ty::Json),
                Each::Filter => match self.ty(receiver) {
                    list @ Ty::List(_) => list,
                    _ => Ty::list(Ty::Json),
                },
                Each::Find => self.ty(receiver).item().join(Ty::Undefined),
                Each::Some | Each::Every => Ty::Bool,
            },
            ExprKind::Regex(_) => Ty::OptJson,
        }
    }

    fn call(&self, function: Function, arguments: &[Expr]) -> Ty {
        match function {
            Function::JsonParse => Ty::Json,
            Function::JsonStringify
            | Function::YamlDump
            | Function::Escape
            | Function::EncodeUriComponent
            | Function::EncodeUri
            | Function::DecodeUriComponent
            | Function::String => Ty::Text,
            Function::Number => {
                arguments.first().map_or(Ty::Number, |given| self.ty(given).number())
            }
            Function::ParseInt | Function::ParseFloat => Ty::Number,
            Function::Boolean | Function::IsArray => Ty::Bool,
            Function::Keys => Ty::list(Ty::Text),
            Function::Values => {
                Ty::list(arguments.first().map_or(Ty::Json, |of| value_of(self.ty(of))))
            }
            Function::Entries => Ty::list(Ty::list(Ty::Json)),
            Function::YamlLoad | Function::FromEntries | Function::Assign => {
                Ty::Map(Box::new(Ty::Json))
            }
        }
    }

    fn method(&self, method: Method, receiver: &Expr, arguments: &[Expr]) -> Ty {
        match method {
            Method::EndsWith
            | Method::HasOwnProperty
            | Method::Includes
            | Method::StartsWith
            | Method::Test => Ty::Bool,
            Method::IndexOf | Method::LastIndexOf | Method::CharCodeAt => Ty::Int,
            Method::Split => Ty::list(Ty::Text),
            Method::Pop | Method::Shift => {
                let ty = self.ty(receiver).item();
                if never_empty(receiver) { ty } else { ty.join(Ty::Undefined) }
            }
            Method::Reverse | Method::Sort => match self.ty(receiver) {
                list @ Ty::List(_) => list,
                _ => Ty::list(Ty::Json),
            },
            Method::Match => match arguments {
                [Expr { kind: ExprKind::Regex(regex), .. }] if regex.global => Ty::list(Ty::Text),
                _ => Ty::OptJson,
            },
            Method::Slice | Method::Concat => match self.ty(receiver) {
                Ty::Json | Ty::OptJson if method == Method::Slice => Ty::Json,
                Ty::Json | Ty::OptJson
                    if arguments.iter().any(|it| matches!(self.ty(it), Ty::List(_))) =>
                {
                    Ty::list(Ty::Json)
                }
                Ty::List(item) if method == Method::Slice => Ty::List(item),
                Ty::List(item) => {
                    Ty::List(Box::new(arguments.iter().fold(
                        *item,
                        |ty, next| match self.ty(next) {
                            Ty::List(item) => ty.join(*item),
                            Ty::Json | Ty::OptJson => Ty::Json,
                            other => ty.join(other),
                        },
                    )))
                }
                _ => Ty::Text,
            },
            Method::At => Ty::OptJson,
            _ => Ty::Text,
        }
    }
}

/// True for a list that `split` made, which has at least one element.
pub(super) fn never_empty(list: &Expr) -> bool {
    match &list.kind {
        ExprKind::Method { method: Method::Split, arguments, .. } => {
            arguments.first().is_some_and(|it| match &it.kind {
                ExprKind::Text(text) => !text.is_empty(),
                ExprKind::Regex(_) => true,
                _ => false,
            }) && arguments.len() == 1
        }
        _ => false,
    }
}

/// Key, value and object of a loop over `Object.entries(o)` by `[k, v]`.
pub(super) fn entries<'e>(
    list: &'e Expr,
    item: &Binding,
) -> Option<(Option<VariableId>, Option<VariableId>, &'e Expr)> {
    let ExprKind::Call { function: Function::Entries, arguments } = &list.kind else {
        return None;
    };
    match (item, arguments.as_slice()) {
        (Binding::Elements(ids), [of]) if ids.len() <= 2 => {
            Some((ids.first().copied().flatten(), ids.get(1).copied().flatten(), of))
        }
        (Binding::None, [of]) => Some((None, None, of)),
        _ => None,
    }
}

fn value_of(object: Ty) -> Ty {
    match object {
        Ty::Map(item) => *item,
        _ => Ty::Json,
    }
}

fn member_of(object: Ty, key: &str) -> Ty {
    let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
    match object {
        Ty::Text | Ty::List(_) if key == "length" => Ty::Int,
        Ty::List(item) if is_index => item.join(Ty::Undefined),
        Ty::Text if is_index => Ty::OptText,
        Ty::Map(item) => item.join(Ty::Undefined),
        _ => Ty::OptJson,
    }
}

/// Whole numbers that Go's `int` and a double both hold.
pub(super) fn number_type(number: f64) -> Ty {
    let zero = number == 0.0 && number.is_sign_negative();
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 && !zero {
        Ty::Int
    } else {
        Ty::Float
    }
}
