use std::fmt::Write as _;

use super::*;
use crate::testing::{documents, file, node, outline, refusal};

fn slice(text: &str, span: Span) -> &str {
    &text[span.range()]
}

/// A map with that many keys.
fn many_keys(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "key{i}: 1");
        text
    })
}

mod streams {
    use super::*;

    #[test]
    fn a_broken_document_does_not_hide_the_next() {
        let text = "a: 1\n---\nb: [\n---\n{{ c }}\n---\nd: 4\n";
        assert_eq!(outline(text), [r#"{"a":1}"#, "R01", "R01", r#"{"d":4}"#]);
    }

    #[test]
    fn empty_documents_count() {
        let text = "---\n# only a comment\n---\n---\na: 1\n---\n\n---\nnull\n---\n";
        assert_eq!(outline(text), ["-", "-", r#"{"a":1}"#, "-", "-"]);
        let positions: Vec<_> = documents(text).iter().map(|d| d.index).collect();
        assert_eq!(positions, [0, 1, 2, 3, 4]);
        assert_eq!(outline(""), [""; 0]);
        assert_eq!(outline("---\n"), [""; 0]);
        assert_eq!(outline("\n"), ["-"]);
        assert_eq!(outline("# c\n"), ["-"]);
    }

    #[test]
    fn the_text_is_cut_at_the_lines_where_kubectl_cuts_it() {
        // In a block as well as anywhere else.
        assert_eq!(outline("a: |\n  x\n---\n  b: 1\n"), [r#"{"a":"x\n"}"#, r#"{"b":1}"#]);
        assert_eq!(outline("a: |\n  x\n  ---\n  y\n"), [r#"{"a":"x\n---\ny\n"}"#]);
        assert_eq!(
            outline("a: 1\n---\t\nb: 1\n---# c\nc: 1\n--- # c\r\nd: 1"),
            [r#"{"a":1}"#, r#"{"b":1}"#, r#"{"c":1}"#, r#"{"d":1}"#]
        );
        assert_eq!(outline("a: 1\n----\n"), ["R01"]);
        // Content behind the dashes, and the end mark, which kubectl does not read.
        assert_eq!(
            outline("--- {a: 1}\n--- !!map\nb: 1\n...\nc: 1\n...\n"),
            [r#"{"a":1}"#, r#"{"b":1}"#, r#"{"c":1}"#]
        );
    }

    #[test]
    fn spans_leave_the_separators_alone() {
        let text = "\u{feff}# head\na: 1\n\n---\nb: 1 # x\n# tail\n--- # c\n--- {c: 1}\n";
        let spans: Vec<_> = documents(text).iter().map(|d| slice(text, d.span)).collect();
        assert_eq!(spans, ["# head\na: 1\n\n", "b: 1 # x\n# tail\n", "", " {c: 1}\n"]);
    }

    #[test]
    fn indented_documents_and_crlf_are_read() {
        assert_eq!(
            outline("a: 1\r\n---\r\n  b: |\r\n    x\r\n    y\r\n  c: 'p\r\n    q'\r\n"),
            [r#"{"a":1}"#, r#"{"b":"x\ny\n","c":"p q"}"#]
        );
    }

    #[test]
    fn json_is_read_as_json() {
        assert_eq!(
            outline(
                "{\n\t\"a\":\"\\ud83d\\ude00\\/\\t\"\n}\n{\"b\":[1,-0,1.0,1e2,true,null,{}]} {\"c\":[]}"
            ),
            [r#"{"a":"😀/\t"}"#, r#"{"b":[1,0,1,100,true,null,{}]}"#, r#"{"c":[]}"#]
        );
        assert_eq!(
            outline("{\"a\":1}\n---\n{\"b\":2}\n---\nc: 3\n"),
            [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]
        );
        assert_eq!(outline("{\"a\":1}\n{\"b\":2}\n{\"c\":\n"), [r#"{"a":1}"#, r#"{"b":2}"#, "R01"]);
        // One refused document does not take the next one with it.
        assert_eq!(outline("{\"a\":1,\"a\":{\"x\":[2]}}\n{\"b\":2}\n"), ["R02", r#"{"b":2}"#]);
        assert_eq!(
            outline("{\"a\":\"\\ud83d\"}{\"a\":1e999}{\"a\":1}"),
            ["R10", "R10", r#"{"a":1}"#]
        );
        // Braces that are YAML.
        assert_eq!(outline("{a: 1, b: 0777} # c\n"), [r#"{"a":1,"b":511}"#]);
        assert_eq!(outline("{\"a\": 0777,}\n# c\n"), [r#"{"a":511}"#]);
    }

    #[test]
    fn a_json_error_points_into_the_json() {
        let text = "{\n  \"a\": 1,\n  \"b\" 2\n}\n";
        let [Document { content: Content::Broken(diagnostic), .. }] = &documents(text)[..] else {
            panic!("read")
        };
        assert_eq!(diagnostic.message, "this is not valid JSON from here on");
        assert_eq!(file(text).location(diagnostic.place.unwrap().span.start).line, 3);
    }
}

mod bytes {
    use super::*;

    fn code(bytes: &[u8]) -> &'static str {
        decode("f", bytes.to_vec(), &Limits::default()).map_or_else(|d| d.code.id, |_| "text")
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(code(b"a: 1"), "text");
        assert_eq!(code(b"\xef\xbb\xbfa: 1"), "text");
        assert_eq!(code(b"a: \xff"), "R03");
        assert_eq!(code(b"a\0b"), "R03");
        assert_eq!(code(b"\x7fELF\x02\x01\x01\x00"), "R03");
        assert_eq!(code(b"\xff\xfea"), "R03");
        assert_eq!(code(b"\xff\xfe\x00\xd8a\x00"), "R03");
        let small = Limits { max_file_bytes: 3, ..Limits::default() };
        let refused = decode("dir/f", b"a: 1".to_vec(), &small).unwrap_err();
        assert_eq!(refused.code.id, "R05");
        assert!(refused.message.contains("dir/f"), "{}", refused.message);
    }

    #[test]
    fn utf16_with_a_mark_is_read() {
        for (mark, to_bytes) in [
            ([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ([0xfe, 0xff], u16::to_be_bytes),
        ] {
            let mut bytes = mark.to_vec();
            bytes.extend("a: ü😀\n".encode_utf16().flat_map(to_bytes));
            let file = decode("f", bytes, &Limits::default()).unwrap();
            assert_eq!(file.text(), "a: ü😀\n");
        }
    }

    #[test]
    fn characters_that_readers_disagree_on_are_refused_in_the_open_only() {
        for c in ["\u{7}", "\u{7f}", "\u{9b}", "\u{85}", "\u{2028}", "\u{ffff}"] {
            assert!(refusal(&format!("a: x{c}y\n")).starts_with("R01 the character U+"), "{c:?}");
        }
        assert_eq!(node("a: \"\\x07\\u2028\"\n").to_json()["a"], "\u{7}\u{2028}");
        assert_eq!(node("{\"a\": \"\u{2028}\u{7f}\"}").to_json()["a"], "\u{2028}\u{7f}");
        assert_eq!(node("a: \u{a0}é😀\u{feff}\n").to_json()["a"], "\u{a0}é😀\u{feff}");
    }
}

mod refusals {
    use super::*;

    #[test]
    fn a_duplicate_key_shows_both_places() {
        let text = "a:\n  k: 1\n  l: 2\n  k: 3\n";
        let [Document { content: Content::Broken(diagnostic), .. }] = &documents(text)[..] else {
            panic!("read")
        };
        assert_eq!(diagnostic.code.id, "R02");
        let lines: Vec<_> = [diagnostic.place.unwrap(), diagnostic.related[0].0]
            .map(|place| file(text).location(place.span.start).line)
            .into();
        assert_eq!(lines, [4, 2]);
        // The same key for kubectl, however it is written.
        assert_eq!(outline("on: 1\n'true': 2\n"), ["R02"]);
        assert_eq!(outline("{1: a, \"1\": b}\n"), ["R02"]);
        let many = many_keys(100);
        assert_eq!(outline(&format!("{many}key57: 2\n")), ["R02"]);
    }

    #[test]
    fn tabs_are_named() {
        for text in [
            "a:\n\tb: 1\n",
            "\ta: 1\n",
            "a:\n- b\n-\tc\n",
            "a: |\n\tx\n",
            "a: 1\n\t# c\n",
            "a:\n  b: 1\n \tc: 1\n",
            "a: |\n  \tx\n",
        ] {
            assert!(refusal(text).starts_with("R07 "), "{text:?} {}", refusal(text));
        }
        assert_eq!(node("a:\t1\t# c\nb: |2\n  \tx\nc: \"\tx\"\n").to_json()["b"], "\tx\n");
    }

    #[test]
    fn a_template_is_named() {
        for text in [
            "{{- if .Values.enabled }}\na: 1\n{{- end }}\n",
            "a: {{ .Values.x }}\n",
            "a: 1\n{{ include \"x\" . }}\n",
            "a:\n  {{- toYaml .x | nindent 2 }}\n",
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with("R01 not YAML: this looks like a template"), "{refusal}");
            assert!(looks_like_template(text));
        }
        assert_eq!(node("a: \"{{ .x }}\"\n").to_json()["a"], "{{ .x }}");
    }

    #[test]
    fn messages_do_not_repeat_the_text() {
        for text in [
            "a: hunter2: x\n",
            "a: \"hunter2\n",
            "a: !!int hunter2\n",
            "a: [hunter2\n",
            "a: *hunter2\n",
            "{\"a\": hunter2\"",
            "- hunter2\nb: 1\n",
            "a: @hunter2\n",
        ] {
            assert!(!format!("{:?}", documents(text)).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn what_kubectl_reads_differently_is_not_guessed() {
        // `{a:}` is the key `a:` to kubectl and the key `a` to others; `[?x]` is a map to it.
        for text in [
            "v: {a:}\n",
            "v: {a:, b: 1}\n",
            "v: [a:]\n",
            "v: [?x]\n",
            "v: [!t, 2]\n",
            "v: &a:b\n",
            "&a? v: 1\n",
        ] {
            assert!(refusal(text).starts_with("R01 "), "{text}");
        }
        assert_eq!(node("v: {\"a\":1, 'b':2, c: d:e}\n").to_json()["v"]["a"], 1);
    }
}

mod anchors {
    use super::*;

    #[test]
    fn aliases_and_merge_keys_are_expanded() {
        let text = "\
base: &base {a: 1, b: 2}
more: &more
  b: 3
use:
  <<: *base
  b: 4
list:
  <<: [*more, *base]
late:
  b: 5
  <<: *base
two:
  <<: *base
  <<: *more
copy: *base
key: &k name
*k : value
quoted: {\"<<\": {a: 1}}
";
        assert_eq!(
            outline(text),
            [concat!(
                r#"{"base":{"a":1,"b":2},"more":{"b":3},"use":{"a":1,"b":4},"list":{"a":1,"b":3},"#,
                r#""late":{"b":2,"a":1},"two":{"a":1,"b":3},"copy":{"a":1,"b":2},"key":"name","#,
                r#""name":"value","quoted":{"<<":{"a":1}}}"#
            )]
        );
        for bad in ["<<: 1\n", "a: &a [{b: 1}]\nc:\n  <<: *a\n", "<<: [1]\n"] {
            assert!(refusal(bad).starts_with("R10 the merge key"), "{bad}");
        }
        assert!(refusal("a: &a [*a]\n").starts_with("R01 "));
        assert!(refusal("a: *b\n").starts_with("R01 "));
        // A merged key is no duplicate, a written one is.
        assert_eq!(outline("a: &a {b: 1}\nc: {<<: *a, b: 2, b: 3}\n"), ["R02"]);
    }

    #[test]
    fn an_alias_stands_where_it_is_written_and_its_content_where_that_is() {
        let text = "a: &x\n  k: v\nb: *x\n";
        let node = node(text);
        assert_eq!(slice(text, node.get("b").unwrap().span), "*x");
        assert_eq!(node.get("b").unwrap().style, crate::node::Style::None);
        assert_eq!(node.at(&["b", "k"]).unwrap().span, node.at(&["a", "k"]).unwrap().span);
    }
}

mod spans {
    use super::*;

    #[test]
    fn nodes_know_where_they_stand() {
        let text = "ü: [1, \"zwei\"]\nm:\n  k:  v w   # c\n  l:\n  -   x\n  - - y\n  s: |  # c\n    one\n\n  z:\n";
        let node = node(text);
        let at = |path: &[&str]| slice(text, node.at(path).unwrap().span);
        assert_eq!(at(&["ü"]), "[1, \"zwei\"]");
        assert_eq!(at(&["m", "k"]), "v w");
        assert_eq!(at(&["m", "l"]), "-   x\n  - - y");
        assert_eq!(at(&["m", "s"]), "|  # c\n    one");
        assert_eq!(at(&["m", "z"]), "");
        assert!(at(&["m"]).starts_with("k:  v"));
        let items = node.at(&["m", "l"]).unwrap().as_sequence().unwrap();
        assert_eq!(slice(text, items[1].span), "- y");
        assert_eq!(slice(text, node.get("m").unwrap().entry("k").unwrap().key_span), "k");
    }
}

mod limits {
    use super::*;

    fn code(text: &str) -> String {
        let refusal = refusal(text);
        refusal.split(' ').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn depth_is_limited() {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let text = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(outline(&text(100)).len(), 1, "{open}");
            node(&text(100));
            assert_eq!(code(&text(101)), "R04", "{open}");
            assert_eq!(code(&text(100_000)), "R04", "{open}");
        }
        let json = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        node(&json(99));
        assert_eq!(code(&json(100)), "R04");
        assert_eq!(code(&json(1_000_000)), "R04");
        assert!(refusal(&json(1000)).contains("100 levels"));
        // Through aliases as well.
        let mut text = "a0: &a0 [1]\n".to_owned();
        for i in 1..200 {
            let _ = writeln!(text, "a{i}: &a{i} [*a{}]", i - 1);
        }
        assert_eq!(code(&text), "R04");
    }

    #[test]
    fn alias_bombs_are_counted_before_they_are_built() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        let mut merges = "a0: &a0 {x0: 1, x1: 1}\n".to_owned();
        for i in 1..60 {
            let before = i - 1;
            let _ =
                writeln!(laughs, "a{i}: &a{i} [{}]", vec![format!("*a{before}"); 10].join(", "));
            let _ = writeln!(merges, "a{i}: &a{i}");
            for k in 0..10 {
                let _ = writeln!(merges, "  k{k}: {{<<: *a{before}}}");
            }
        }
        assert_eq!(code(&laughs), "R04");
        assert_eq!(code(&merges), "R04");
    }

    #[test]
    fn values_are_counted_over_the_whole_file() {
        let limits = Limits { max_nodes: 7, ..Limits::default() };
        let text = "a: [1, 2]\n---\nb: [1, 2]\n---\nc: 1\n";
        let broken: Vec<_> = read(FileId(0), &file(text), &limits)
            .iter()
            .map(|d| matches!(d.content, Content::Broken(_)))
            .collect();
        assert_eq!(broken, [false, true, true]);
    }

    #[test]
    fn documents_and_comments_are_counted() {
        let limits = Limits { max_documents: 2, ..Limits::default() };
        for text in [
            "a: 1\n---\nb: 1\n---\nc: 1\n---\nd: 1\n",
            "a: 1\n...\nb: 1\n...\nc: 1\n",
            "{\"a\":1}{\"b\":1}{\"c\":1}",
            "a: 1\n---\nb: 1\n...\nc: 1\n",
        ] {
            let documents = read(FileId(0), &file(text), &limits);
            let [first, second, rest] = documents.as_slice() else { panic!("{documents:?}") };
            assert!(first.node().is_some() && second.node().is_some(), "{documents:?}");
            let Content::Broken(diagnostic) = &rest.content else { panic!("{rest:?}") };
            assert_eq!(diagnostic.code.id, "R04");
            assert_eq!(rest.span.end as usize, text.len());
        }
        let few = Limits { max_nodes: 100, ..Limits::default() };
        let text = format!("{}a: 1\n", "# c\n".repeat(101));
        let documents = read(FileId(0), &file(&text), &few);
        assert!(matches!(&documents[0].content, Content::Broken(d) if d.code.id == "R04"));
        assert_eq!(code(&format!("a:\n{}- x\n", "# c\n".repeat(100_001))), "R04");
    }

    #[test]
    fn an_object_is_limited_and_a_list_of_objects_is_not() {
        let big = "x".repeat(600_000);
        assert_eq!(code(&format!("kind: A\na: {big}\nb: {big}\n")), "R06");
        let item = format!("- kind: A\n  a: {big}\n");
        node(&format!("kind: List\nitems:\n{item}{item}"));
        let text = format!("kind: List\nitems:\n{item}- kind: A\n  a: {big}\n  b: {big}\n");
        assert!(refusal(&text).starts_with("R06 item 1 "), "{:.60}", refusal(&text));
    }

    #[test]
    fn a_map_of_many_keys_is_read_in_linear_time() {
        // Quadratic, this would take minutes.
        let text = many_keys(300_000);
        let limits = Limits { max_object_bytes: usize::MAX, ..Limits::default() };
        let read = read(FileId(0), &file(&text), &limits);
        assert_eq!(read[0].node().and_then(|n| n.as_mapping()).map(<[_]>::len), Some(300_000));
    }
}

mod comments {
    use super::*;
    use crate::node::{Comments, Node};

    /// All comments below a node: path, position, text.
    fn all(node: &Node) -> Vec<String> {
        fn walk(node: &Node, path: &str, found: &mut Vec<String>) {
            if let Some(Comments { before, trailing, after }) = node.comments.as_deref() {
                found.extend(before.iter().map(|c| format!("{path} < {c}")));
                found.extend(trailing.iter().map(|c| format!("{path} = {c}")));
                found.extend(after.iter().map(|c| format!("{path} > {c}")));
            }
            for entry in node.as_mapping().unwrap_or_default() {
                walk(&entry.value, &format!("{path}.{}", entry.key), found);
            }
            for (i, item) in node.as_sequence().unwrap_or_default().iter().enumerate() {
                walk(item, &format!("{path}[{i}]"), found);
            }
        }
        let mut found = Vec::new();
        walk(node, "", &mut found);
        found
    }

    #[test]
    fn comments_go_to_what_they_are_about() {
        let text = "\
# head

# more head
kind: A # kind
# about spec
spec: # spec
  # about data
  data: # list
  # first
  - key: a # a
    # about name
    name: b # b
    # end of first
  # second
  - {key: c, name: d}   # c
  # - key: commented out

  # about text
  text: | # block
    # not a comment
  # end of spec
# about last
last:
  value # v
# foot
";
        assert_eq!(
            all(&node(text)),
            [
                " < # head",
                " < ",
                " < # more head",
                " > # foot",
                ".kind = # kind",
                ".spec < # about spec",
                ".spec = # spec",
                ".spec > # end of spec",
                ".spec.data < # about data",
                ".spec.data = # list",
                ".spec.data > # - key: commented out",
                ".spec.data[0] < # first",
                ".spec.data[0] > # end of first",
                ".spec.data[0].key = # a",
                ".spec.data[0].name < # about name",
                ".spec.data[0].name = # b",
                ".spec.data[1] < # second",
                ".spec.data[1] = # c",
                ".spec.text < # about text",
                ".spec.text = # block",
                ".last < # about last",
                ".last = # v",
            ]
        );
    }

    #[test]
    fn comments_in_odd_places_are_kept() {
        let text = "\
a: [ # open
  1, # one
  # about two
  2  # two
  # end
] # close
b: # first
   # second
  x # third
c:
- # dash
  # above k
  k: 1
-
  # inside
  - y
- # null
d: &anchor # anchored
  k: v
e: *anchor # alias
# ---- ruler ----
f: {} # empty
";
        let found = all(&node(text));
        let comments = text.matches('#').count();
        assert_eq!(found.len(), comments, "{found:#?}");
        for expected in [
            ".a[0] = # one",
            ".a[1] < # about two",
            ".a[1] = # two",
            ".a > # end",
            ".a = # close",
            ".b < # first",
            ".b < # second",
            ".b = # third",
            ".c[0] = # dash",
            ".c[0] < # above k",
            ".c[1] < # inside",
            ".c[2] = # null",
            ".d = # anchored",
            ".e = # alias",
            ".f < # ---- ruler ----",
            ".f = # empty",
        ] {
            assert!(found.iter().any(|f| f == expected), "{expected}: {found:#?}");
        }
    }

    #[test]
    fn many_comments_in_a_row_are_fine() {
        let comments = "# c\n".repeat(1000);
        let found = all(&node(&format!("a: 1\n{comments}b:\n{comments}- x\n{comments}- y\n")));
        assert_eq!(found.len(), 3000);
    }

    #[test]
    fn a_hash_inside_a_value_is_no_comment() {
        let text = "a: x#y\nb: '# z'\nc: |\n  # in\nd: \"# q\"\ne: http://h/#f\n";
        assert_eq!(all(&node(text)), [""; 0]);
    }
}
