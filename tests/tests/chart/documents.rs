//! Documents that are made of something else are what they would be made now.

use extsecret_dist::docs;

use crate::chart::root;

#[test]
fn made_documents_are_fresh() {
    let mut stale = docs::documents(root()).unwrap();
    assert!(!stale.is_empty());
    stale.retain(|document| !document.is_fresh());
    let stale: Vec<_> = stale.iter().map(|document| &document.path).collect();
    assert!(stale.is_empty(), "run `cargo run -p extsecret-dist -- docs`: {stale:?}");
}
