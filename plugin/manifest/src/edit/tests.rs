use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{documents, file, outline};

fn new(name: &str) -> Node {
    Node::from(json!({"kind": "New", "metadata": {"name": name}}))
}

/// The text with one document replaced.
fn replaced(text: &str, index: usize, nodes: &[Node]) -> String {
    let documents = documents(text);
    splice(text, &[replace_document(&file(text), &documents[index], nodes)])
}

fn items_replaced(text: &str, items: &[(usize, Vec<Node>)]) -> String {
    let documents = documents(text);
    splice(text, &replace_items(&file(text), &documents[0], items))
}

const NEW: &str = "kind: New\nmetadata:\n  name: x\n";

#[test]
fn a_document_is_replaced_and_nothing_else_is_touched() {
    let text = "# license\n---\nkind:   A   # odd\n--- # two\n\n# head\nkind: B\nspec: {}\n\n---\nkind:  C";
    assert_eq!(
        replaced(text, 2, &[new("x")]),
        format!("# license\n---\nkind:   A   # odd\n--- # two\n\n{NEW}\n---\nkind:  C")
    );
    assert_eq!(
        replaced(text, 3, &[new("x"), new("w")]),
        format!(
            "{}{NEW}---\n{}",
            text.strip_suffix("kind:  C").unwrap(),
            NEW.replace("name: x", "name: w")
        )
    );
}

#[test]
fn documents_in_unusual_places_are_replaced_whole() {
    assert_eq!(
        replaced("--- {kind: A}\n---\nb: 1\n", 0, &[new("x")]),
        format!("---\n{NEW}---\nb: 1\n")
    );
    assert_eq!(replaced("a: 1\n...\nb: 1\n", 0, &[new("x")]), format!("{NEW}---\nb: 1\n"));
    assert_eq!(replaced("\u{feff}a: 1\n", 0, &[new("x")]), format!("\u{feff}{NEW}"));
    assert_eq!(
        replaced("a: 1\r\n---\r\nb: 1\r\n", 1, &[new("x")]),
        format!("a: 1\r\n---\r\n{}", NEW.replace('\n', "\r\n"))
    );
    assert_eq!(
        replaced("---\n  a: 1\n  b: 2\n---\nc: 3\n", 0, &[new("x")]),
        format!("---\n{NEW}---\nc: 3\n")
    );
}

/// It would be a part of the text above it.
#[test]
fn a_deep_comment_below_an_item_is_not_taken_into_a_text() {
    let node = Node::from(json!({"kind": "New", "text": "a\nb\n"}));
    for (rest, after) in [
        ("      # deep\n", "  # deep\n"),
        ("\n        # deep\n    # deeper\n", "  # deep\n  # deeper\n"),
        ("      # deep\n# shallow\n", "  # deep\n# shallow\n"),
        ("  # flat\n", "  # flat\n"),
        ("      # deep", "  # deep\n"),
    ] {
        let text = format!("kind: List\nitems:\n- old\n{rest}");
        let edited = items_replaced(&text, &[(0, vec![node.clone()])]);
        let new = "- kind: New\n  text: |\n    a\n    b\n";
        assert_eq!(edited, format!("kind: List\nitems:\n{new}{after}"));
        let read = documents(&edited);
        let items = read[0].node().unwrap().get("items").unwrap().to_json();
        assert_eq!(items, json!([{"kind": "New", "text": "a\nb\n"}]));
    }
}

/// What is white to Unicode only is content to YAML, at the ends of a document too.
#[test]
fn white_space_that_is_content_is_replaced_too() {
    for text in ["\u{2001}\ntext\n", "\u{a0}\n", "text\u{2001}\n"] {
        let documents = documents(text);
        assert_eq!(documents.len(), 1, "{text:?}");
        assert!(documents[0].node().is_some_and(|node| node.as_str().is_some()), "{text:?}");
        assert_eq!(replaced(text, 0, &[new("x")]), NEW, "{text:?}");
    }
    let text = "a: 1 # odd\u{a0}\n";
    let written = crate::write::write(documents(text)[0].node().unwrap());
    assert_eq!(written, text);
}

/// A list among JSON values that stand one behind the other has no line of its own.
#[test]
fn a_list_between_json_values_becomes_json() {
    for (text, index) in [("{} []", 1), ("{}\t[]\u{f}\"", 1), ("[1] {}", 0)] {
        let before = outline(text);
        let after = outline(&replaced(text, index, &[new("x")]));
        let mut expected = before.clone();
        expected[index] = new("x").to_json().to_string();
        assert_eq!(after, expected, "{text}");
    }
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"a\": 1\n}\n{\n  \"b\": 2\n}\n";
    let written = "{\n  \"kind\": \"New\",\n  \"metadata\": {\n    \"name\": \"x\"\n  }\n}";
    assert_eq!(replaced(text, 1, &[new("x")]), format!("{{\n  \"a\": 1\n}}\n{written}\n"));
    assert_eq!(outline(&replaced(text, 0, &[new("x"), new("w")])).len(), 3);
    let separated = "{\"a\": 1}\n---\n{\"b\": 2}\n";
    assert_eq!(outline(&replaced(separated, 1, &[new("x"), new("w")])).len(), 3);
}

const LIST: &str = "\
apiVersion: v1
kind: List   # all of them
items:
  # first
  - kind: A
    data:
      # inside
      a: |
        text

      # end of a

  # second
  # of three
  -   kind: B   # b
      # end of b

  - {kind: C}   # c
metadata:  {}
";

#[test]
fn items_of_a_block_list_keep_its_indentation() {
    let mut second = new("x");
    second.comments_mut().before.push("# carried".to_owned());
    let edited = items_replaced(LIST, &[(1, vec![second, new("w")])]);
    let expected = LIST.replace(
        "  # second\n  # of three\n  -   kind: B   # b\n      # end of b\n",
        "  # carried\n  - kind: New\n    metadata:\n      name: x\n  - kind: New\n    metadata:\n      name: w\n",
    );
    assert_eq!(edited, expected);

    let edited = items_replaced(LIST, &[(0, vec![new("x")]), (2, vec![new("z")])]);
    assert!(edited.starts_with(
        "apiVersion: v1\nkind: List   # all of them\nitems:\n  - kind: New\n    metadata:\n      name: x\n\n  # second\n"
    ));
    assert!(edited.ends_with(
        "      # end of b\n\n  - kind: New\n    metadata:\n      name: z\nmetadata:  {}\n"
    ));
}

#[test]
fn items_of_lists_in_lists_are_counted_flat() {
    let text = "kind: List\nitems:\n- kind: List\n  items:\n  - kind: A\n  - kind: B\n- kind: C\n";
    assert_eq!(
        items_replaced(text, &[(1, vec![new("x")])]),
        text.replace("  - kind: B\n", "  - kind: New\n    metadata:\n      name: x\n")
    );
    assert_eq!(
        items_replaced(text, &[(2, vec![new("x")])]),
        text.replace("- kind: C\n", "- kind: New\n  metadata:\n    name: x\n")
    );
}

#[test]
fn items_of_json_and_flow_lists_keep_the_style() {
    let json = "{\n    \"kind\": \"List\",\n    \"items\": [\n        {\n            \"kind\": \"A\"\n        },\n        {\"kind\": \"B\"}\n    ]\n}\n";
    let edited = items_replaced(json, &[(0, vec![new("x"), new("w")])]);
    let item = "        {\n            \"kind\": \"New\",\n            \"metadata\": {\n                \"name\": \"NAME\"\n            }\n        }";
    let both = format!("{},\n{}", item.replace("NAME", "x"), item.replace("NAME", "w"));
    assert_eq!(edited, json.replace("        {\n            \"kind\": \"A\"\n        }", &both));
    assert_eq!(
        items_replaced(json, &[(1, vec![new("x")])]),
        json.replace("{\"kind\": \"B\"}", "{\"kind\": \"New\", \"metadata\": {\"name\": \"x\"}}")
    );

    let flow = "kind: List\nitems: [{kind: A}, {kind: B}] # two\n";
    assert_eq!(
        items_replaced(flow, &[(0, vec![new("x")])]),
        "kind: List\nitems: [{\"kind\": \"New\", \"metadata\": {\"name\": \"x\"}}, {kind: B}] # two\n"
    );
}

#[test]
fn comments_inside_flow_items_are_carried() {
    let mut node = new("x");
    node.get_mut("kind").unwrap().comments_mut().trailing = Some("# kept".to_owned());
    let flow = "kind: List\nitems: [{kind: A}, {kind: B}]\n";
    let edited = items_replaced(flow, &[(1, vec![node])]);
    assert!(edited.contains("# kept"), "{edited}");
    assert_eq!(
        outline(&edited),
        [r#"{"kind":"List","items":[{"kind":"A"},{"kind":"New","metadata":{"name":"x"}}]}"#]
    );
}

#[test]
fn blank_lines_below_do_not_become_part_of_a_block_of_text() {
    for text in ["a\nb", "a\nb\n", "a\n\n"] {
        let node = Node::from(json!({"text": text}));
        for blanks in ["\n", "     \n", "\n \t\n\n", "\r\n", "\n    "] {
            let separated = blanks.trim_end_matches(' ');
            let document = format!("a: 1\n{separated}---\nb: 1\n");
            let edited = replaced(&document, 0, std::slice::from_ref(&node));
            assert_eq!(outline(&edited)[0], node.to_json().to_string(), "{edited:?}");
            let list = format!("kind: List\nitems:\n- a: 1\n{separated}- b: 1\n{blanks}");
            let edited = items_replaced(&list, &[(0, vec![node.clone()]), (1, vec![node.clone()])]);
            let expected = json!({"kind": "List", "items": [node.to_json(), node.to_json()]});
            assert_eq!(outline(&edited), [expected.to_string()], "{edited:?}");
        }
    }
}

/// Found by fuzzing: a line may end with a lone carriage return.
#[test]
fn an_item_after_an_old_mac_line_end_is_replaced() {
    let text = "kind: List\nitems:\r- kind: A\n  a: 1\n- kind: B\n";
    let edited = items_replaced(text, &[(0, vec![new("x")])]);
    assert_eq!(edited, "kind: List\nitems:\r- kind: New\n  metadata:\n    name: x\n- kind: B\n");
}

#[test]
fn line_ends_of_an_item_stay() {
    let text = "kind: List\r\nitems:\r\n- kind: A\r\n- kind: B\r\n";
    assert_eq!(
        items_replaced(text, &[(0, vec![new("x")])]),
        "kind: List\r\nitems:\r\n- kind: New\r\n  metadata:\r\n    name: x\r\n- kind: B\r\n"
    );
}

#[test]
fn a_replacement_that_overlaps_or_points_outside_is_left_out() {
    let r = |start, end, text: &str| Replacement { span: Span::new(start, end), text: text.into() };
    assert_eq!(
        splice("abcdef", &[r(3, 5, "Y"), r(0, 2, "X"), r(1, 4, "Z"), r(5, 99, "Q")]),
        "XcYf"
    );
    assert_eq!(splice("aüb", &[r(2, 3, "X")]), "aüb");
    assert_eq!(splice("ab", &[r(1, 1, "-")]), "a-b");
}

proptest! {
    #[test]
    fn documents_cover_the_file_but_for_its_separators(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("---\n"), Just("--- # c\n"), Just("a: 1\n"), Just("# c\n"), Just("\n"),
                Just("- x\n"), Just("{{ bad\n"), Just("{\"a\": 1}\n"), Just("b: |\n  ---\n"), Just("...\n"),
                Just("--- {a: 1}\n"),
            ],
            0..12,
        )
    ) {
        let text = parts.concat();
        // Behind `...`, JSON is read as YAML; behind the `---` that replaces it, as JSON.
        prop_assume!(!(text.contains("...\n{\"") || text.contains("...\n# c\n{\"") || text.contains("...\n\n{\"")));
        let documents = documents(&text);
        // Each document can be taken out of its place and put back.
        let same: Vec<_> = documents
            .iter()
            .map(|d| Replacement { span: d.span, text: file(&text).slice(d.span).to_owned() })
            .collect();
        prop_assert_eq!(splice(&text, &same), text.clone());
        // What lies outside all of them is separators.
        let holes: Vec<_> = documents
            .iter()
            .map(|d| Replacement { span: d.span, text: String::new() })
            .collect();
        for line in splice(&text, &holes).lines() {
            // What stands behind `...` without being a document is no document's.
            let behind = text.contains("...") && line.starts_with(['#', '.']);
            prop_assert!(behind || line.is_empty() || line.starts_with("---"), "{:?}", line);
        }
        // A new object in any place leaves the number of documents and the other ones alone.
        let before = outline(&text);
        for (i, document) in documents.iter().enumerate() {
            if document.node().is_none() {
                continue;
            }
            let edit = replace_document(&file(&text), document, &[new("x")]);
            let mut expected = before.clone();
            expected[i] = new("x").to_json().to_string();
            prop_assert_eq!(outline(&splice(&text, &[edit])), expected, "{:?} {}", text, i);
        }
    }
}
