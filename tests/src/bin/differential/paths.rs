//! gjson paths, on JSON that has something to find.

use super::documents;
use super::random::{Random, damage};
use super::{Case, put};

/// A case of mode `gjson`.
pub(crate) fn case(random: &mut Random) -> Case {
    let mut case = Case::new();
    let json = if random.chance(30) {
        br#"{"name":{"first":"Tom","last":"Anderson"},"age":37,"children":["Sara","Alex","Jack"],"fav.movie":"Deer Hunter","friends":[{"first":"Dale","last":"Murphy","age":44,"nets":["ig","fb","tw"]},{"first":"Roger","last":"Craig","age":68,"nets":["fb","tw"]},{"first":"Jane","last":"Murphy","age":47,"nets":["ig","tw"]}]}"#.to_vec()
    } else if random.chance(8) {
        let lines: Vec<_> = (0..random.between(1, 3)).map(|_| documents::json(random)).collect();
        lines.join(&b'\n')
    } else {
        documents::json(random)
    };
    put(&mut case, "json", &json);
    let mut path = path(random, 3).into_bytes();
    if random.chance(10) {
        path = damage(random, &path, b".|#@*?{}[]()\"\\!=<>%~:,a0 \xff");
    }
    put(&mut case, "path", &path);
    case
}

fn path(random: &mut Random, depth: usize) -> String {
    let mut text = String::new();
    if random.chance(3) {
        text.push_str("..");
    }
    for number in 0..random.between(1, 4) {
        if number > 0 {
            text.push_str(random.pick(&[".", ".", ".", "|"]));
        }
        text.push_str(&part(random, depth));
    }
    text
}

fn name(random: &mut Random) -> String {
    random
        .pick(&[
            "a",
            "b",
            "user",
            "first",
            "last",
            "name",
            "age",
            "children",
            "friends",
            "nets",
            "list",
            "host",
            "fav\\.movie",
            "a\\.b",
            "x y",
            "é",
            "missing",
            "password",
            "\\@this",
            "key\\*",
            "",
        ])
        .to_owned()
}

fn part(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 8 } else { 16 }) {
        0..=3 => name(random),
        4 => random.below(4).to_string(),
        5 => random
            .pick(&["#", "*", "?", "a*", "*st", "f?rst", "c*n", "**", "na?e*", "\\*"])
            .to_owned(),
        6 => "#".to_owned(),
        7 => random
            .pick(&["-1", "01", "1e1", "999999999999999999999", "#.", "##", ":1", "@"])
            .to_owned(),
        8..=10 => query(random, depth - 1),
        11 | 12 => modifier(random, depth - 1),
        13 => {
            let parts: Vec<_> = (0..random.between(1, 3))
                .map(|_| {
                    let label = random.pick(&["", "", "k:", "\"n\":", "\"a.b\":"]);
                    format!("{label}{}", path(random, depth - 1))
                })
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        14 => {
            let parts: Vec<_> =
                (0..random.between(1, 3)).map(|_| path(random, depth - 1)).collect();
            format!("[{}]", parts.join(","))
        }
        _ => random.pick(&["!\"lit\"", "!1", "!true", "!{\"a\":1}", "![1]", "!", "!x"]).to_owned(),
    }
}

fn query(random: &mut Random, depth: usize) -> String {
    let left = match random.below(6) {
        0 => String::new(),
        1 => path(random, depth),
        2 => query(random, depth.saturating_sub(1)),
        _ => name(random),
    };
    let operator =
        random.pick(&["==", "=", "!=", "<", "<=", ">", ">=", "%", "!%", "", "=~", "~", "==~"]);
    let right = if operator.is_empty() {
        ""
    } else {
        random.pick(&[
            "\"Murphy\"",
            "Murphy",
            "44",
            "47.0",
            "true",
            "null",
            "\"D*\"",
            "\"*a*\"",
            "fb",
            "\"fb\"",
            "~true",
            "~false",
            "~null",
            "~*",
            "\"\"",
            "",
            "'x'",
            "1e1",
            "\"\\u0041\"",
        ])
    };
    let space = random.pick(&["", "", " "]);
    let all = random.pick(&["", "#"]);
    format!("#({left}{space}{operator}{space}{right}){all}")
}

fn modifier(random: &mut Random, depth: usize) -> String {
    let simple = [
        "@this", "@reverse", "@ugly", "@pretty", "@valid", "@flatten", "@join", "@keys", "@values",
        "@tostr", "@fromstr", "@group", "@dig", "@nope",
    ];
    match random.below(8) {
        0 => random
            .pick(&[
                "@flatten:{\"deep\":true}",
                "@join:{\"preserve\":true}",
                "@pretty:{\"sortKeys\":true}",
                "@pretty:{\"indent\":\"\\t\",\"prefix\":\">\"}",
                "@pretty:{\"width\":10}",
                "@reverse:x",
                "@this:",
                "@flatten:{\"deep\":false}",
                "@pretty:{\"indent\":\"\"}",
            ])
            .to_owned(),
        1 => format!("@dig:{}", name(random)),
        2 if depth > 0 => format!("@this|{}", path(random, depth - 1)),
        _ => random.pick(&simple).to_owned(),
    }
}
