use serde_json::json;

use super::*;

fn ask(template: &str) -> String {
    let document = json!({
        "items": [
            { "name": "a", "age": 3, "labels": { "app.io/x": "1" }, "list": [1, 2, 3] },
            { "name": "b", "age": 5, "store": { "name": "main" } },
        ],
        "name": "outer",
    });
    template.parse::<Template>().unwrap().render(&document)
}

#[test]
fn templates_are_read_as_kubectl_reads_them() {
    for (template, text) in [
        ("{.name}", "outer"),
        (".name", "outer"),
        ("{$.items[0].name}", "a"),
        ("{.items[*].name}", "a b"),
        ("{.items[-1].name}", "b"),
        ("{.items[0].list[0:2]}", "1 2"),
        ("{.items[0].list[1:]}", "2 3"),
        ("{.items[0]['name','age']}", "a 3"),
        ("{.items[0].labels.app\\.io/x}", "1"),
        ("{.items[0].labels['app.io/x']}", "1"),
        ("{..name}", "outer a b main"),
        ("{.items[?(@.age>3)].name}", "b"),
        ("{.items[?(@.name==\"a\")].age}", "3"),
        ("{.items[?(@.name!='a')].age}", "5"),
        ("{.items[?(@.store)].name}", "b"),
        ("{.items[1].store}", "{\"name\":\"main\"}"),
        ("{range .items[*]}{.name}{\"\\t\"}{.age}{\"\\n\"}{end}", "a\t3\nb\t5\n"),
        ("{range .items[*]}{.name}={$.name};{end}", "a=outer;b=outer;"),
        ("name: {.name}!", "name: outer!"),
        ("{.missing.deep[3]}", ""),
        ("{.items[9].name}", ""),
        ("plain", "plain"),
        ("", ""),
    ] {
        assert_eq!(ask(template), text, "{template}");
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    for (template, says) in [
        ("{.a", "not closed"),
        ("{range .a}", "without `{end}`"),
        ("{end}", "without `range`"),
        ("{.a[}", "\"]\" is missing"),
        ("{.a[]}", "empty brackets"),
        ("{a}", "begins with"),
        ("{'a}", "not closed"),
        ("{.a[?(@.b==c)]}", "neither a number"),
    ] {
        let error = template.parse::<Template>().unwrap_err();
        assert!(error.contains(says), "{template}: {error}");
    }
    let deep = "{range .a}".repeat(100);
    assert!(deep.parse::<Template>().unwrap_err().contains("in each other"));
}

proptest::proptest! {
    #[test]
    fn no_template_makes_it_stumble(template in "[{}.\\[\\]a$@?()'\"=<*: \\\\rnged0-9-]{0,40}") {
        if let Ok(template) = template.parse::<Template>() {
            template.render(&json!({ "a": [{ "a": 1 }, { "a": "x" }] }));
        }
    }
}
