//! The evaluator takes any program and any values: it ends, and never panics.

use proptest::prelude::*;

use super::{MAX_OUTPUT, data, render};
use crate::lodash::ir::{
    Binary, Binding, Each, Encoding, Expr, ExprKind, Function, Logical, Method, Program, Regex,
    Span, Stmt, StmtKind, Unary, VariableId,
};

const METHODS: [Method; 33] = [
    Method::At,
    Method::CharAt,
    Method::CharCodeAt,
    Method::Concat,
    Method::EndsWith,
    Method::HasOwnProperty,
    Method::Includes,
    Method::IndexOf,
    Method::Join,
    Method::LastIndexOf,
    Method::Match,
    Method::PadEnd,
    Method::PadStart,
    Method::Pop,
    Method::Repeat,
    Method::Replace,
    Method::ReplaceAll,
    Method::Reverse,
    Method::Shift,
    Method::Slice,
    Method::Sort,
    Method::Split,
    Method::StartsWith,
    Method::Substr,
    Method::Substring,
    Method::Test,
    Method::ToFixed,
    Method::ToLowerCase,
    Method::ToString,
    Method::ToUpperCase,
    Method::Trim,
    Method::TrimEnd,
    Method::TrimStart,
];

const FUNCTIONS: [Function; 19] = [
    Function::JsonParse,
    Function::JsonStringify,
    Function::YamlDump,
    Function::YamlLoad,
    Function::Escape,
    Function::EncodeUriComponent,
    Function::EncodeUri,
    Function::DecodeUriComponent,
    Function::String,
    Function::Number,
    Function::Boolean,
    Function::ParseInt,
    Function::ParseFloat,
    Function::IsArray,
    Function::Keys,
    Function::Values,
    Function::Entries,
    Function::FromEntries,
    Function::Assign,
];

const ENCODINGS: [Encoding; 5] =
    [Encoding::Utf8, Encoding::Ascii, Encoding::Latin1, Encoding::Base64, Encoding::Hex];

const BINARY: [Binary; 14] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Rem,
    Binary::Same,
    Binary::NotSame,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessOrEqual,
    Binary::Greater,
    Binary::GreaterOrEqual,
    Binary::In,
];

const EACH: [Each; 6] =
    [Each::Map, Each::Filter, Each::Find, Each::Some, Each::Every, Each::FlatMap];

fn of(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn variable() -> impl Strategy<Value = VariableId> {
    (0..3usize).prop_map(VariableId)
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        Just(ExprKind::Undefined),
        Just(ExprKind::Null),
        Just(ExprKind::Data),
        any::<bool>().prop_map(ExprKind::Bool),
        any::<f64>().prop_map(ExprKind::Number),
        (-3i32..9).prop_map(|n| ExprKind::Number(f64::from(n))),
        "[a-c{}\\[\\]\":,0-9 \n%äß😀=-]{0,8}".prop_map(ExprKind::Text),
        variable().prop_map(ExprKind::Variable),
        Just(ExprKind::Member {
            object: Box::new(of(ExprKind::Data)),
            key: "x".into(),
            optional: false
        }),
        ("[a-c.*+?()|^$\\\\\\[\\]{}0-9]{0,6}", any::<bool>(), any::<bool>()).prop_map(
            |(pattern, global, ignore_case)| ExprKind::Regex(Regex {
                pattern,
                global,
                ignore_case,
                multiline: false,
                dot_all: false
            })
        ),
    ]
    .prop_map(of)
}

fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(5, 40, 3, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let some = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            some().prop_map(ExprKind::Concat),
            some().prop_map(ExprKind::List),
            prop::collection::vec(("[a-c0-2]", inner.clone()), 0..3).prop_map(ExprKind::Object),
            (one(), one(), any::<bool>()).prop_map(|(object, index, optional)| {
                ExprKind::Chain(Box::new(of(ExprKind::Index { object, index, optional })))
            }),
            (prop::sample::select(&BINARY[..]), one(), one())
                .prop_map(|(operator, left, right)| ExprKind::Binary { operator, left, right }),
            (one(), one()).prop_map(|(left, right)| ExprKind::Logical {
                operator: Logical::Coalesce,
                left,
                right
            }),
            one().prop_map(|operand| ExprKind::Unary { operator: Unary::Minus, operand }),
            (one(), one(), one()).prop_map(|(condition, then, otherwise)| {
                ExprKind::Conditional { condition, then, otherwise }
            }),
            (prop::sample::select(&FUNCTIONS[..]), some())
                .prop_map(|(function, arguments)| ExprKind::Call { function, arguments }),
            (one(), prop::sample::select(&ENCODINGS[..]), prop::sample::select(&ENCODINGS[..]))
                .prop_map(|(value, from, to)| ExprKind::Recode { value, from, to }),
            (prop::sample::select(&METHODS[..]), one(), some()).prop_map(
                |(method, receiver, arguments)| ExprKind::Method {
                    method,
                    receiver,
                    arguments,
                    optional: false
                }
            ),
            (prop::sample::select(&EACH[..]), one(), one()).prop_map(
                |(method, receiver, result)| {
                    ExprKind::Each {
                        method,
                        receiver,
                        item: Binding::One(VariableId(0)),
                        index: Some(VariableId(1)),
                        result,
                        optional: false,
                    }
                }
            ),
        ]
        .prop_map(of)
    })
}

fn statements() -> impl Strategy<Value = Vec<Stmt>> {
    let simple = prop_oneof![
        "[a-z<> ]{0,6}".prop_map(StmtKind::Text),
        expr().prop_map(StmtKind::Print),
        expr().prop_map(StmtKind::PrintEscaped),
        (variable(), expr()).prop_map(|(variable, value)| StmtKind::Assign { variable, value }),
        (variable(), expr()).prop_map(|(variable, value)| StmtKind::Push { variable, value }),
        Just(StmtKind::Continue),
        Just(StmtKind::Break),
    ];
    let statement = |kind| Stmt { kind, span: Span::default() };
    let simple = simple.prop_map(statement);
    let all = simple.prop_recursive(3, 16, 3, move |inner| {
        let body = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (expr(), body(), body()).prop_map(|(condition, then, otherwise)| StmtKind::If {
                condition,
                then,
                otherwise
            }),
            (expr(), any::<bool>(), body()).prop_map(|(list, method, body)| StmtKind::ForEach {
                list,
                method,
                item: Binding::Elements(vec![Some(VariableId(2)), None]),
                index: None,
                body
            }),
            (expr(), variable(), body()).prop_map(|(object, key, body)| StmtKind::ForIn {
                object,
                key,
                body
            }),
            (variable(), expr(), expr(), body()).prop_map(|(variable, from, to, body)| {
                StmtKind::Count { variable, from, to, inclusive: true, body }
            }),
        ]
        .prop_map(statement)
    });
    prop::collection::vec(all, 0..5)
}

proptest! {
    #[test]
    fn any_program_ends(body in statements(), value in "\\PC{0,12}|[{}\\[\\]\":,a-c0-9]{0,16}") {
        let program = Program { body, variables: vec!["a".into(), "b".into(), "c".into()] };
        let values = data([("x", value.as_bytes())]);
        if let Ok(text) = render(&program, &values) {
            prop_assert!(text.len() <= MAX_OUTPUT);
        }
    }
}
