use super::*;
use crate::testing::documents;

const NESTED: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMapList
  items:
  - metadata: {name: a, namespace: ns}
  - {apiVersion: v2, kind: Other, metadata: {name: b}}
- kind: Only
- text
- apiVersion: v1
  kind: List
  items: []
";

#[test]
fn lists_are_opened_and_typed_lists_lend_their_kind() {
    let documents = documents(NESTED);
    let found: Vec<_> = documents
        .iter()
        .flat_map(objects)
        .map(|o| (o.item, o.api_version(), o.kind(), o.name(), o.namespace()))
        .collect();
    assert_eq!(
        found,
        [
            (Some(0), Some("v1"), Some("ConfigMap"), Some("a"), Some("ns")),
            (Some(1), Some("v2"), Some("Other"), Some("b"), None),
            (Some(2), None, Some("Only"), None, None),
            (Some(3), None, None, None, None),
        ]
    );
}

#[test]
fn a_document_that_is_no_list_is_its_own_object() {
    let documents = documents("kind: Basket\nitems: [a]\n---\n# nothing\n---\n{\n---\n- a\n");
    let found: Vec<_> =
        documents.iter().flat_map(objects).map(|o| (o.document.index, o.item, o.kind())).collect();
    assert_eq!(found, [(0, None, Some("Basket")), (3, None, None)]);
}

#[test]
fn a_place_can_be_a_field_or_the_object() {
    let text = "kind: A\nmetadata:\n  name: x\n";
    let documents = documents(text);
    let object = documents.iter().flat_map(objects).next().unwrap();
    let at = |place: Place| &text[place.span.range()];
    assert_eq!(at(object.place_of(&["metadata", "name"])), "x");
    assert_eq!(at(object.place_of(&["spec"])), text.trim_end());
}
