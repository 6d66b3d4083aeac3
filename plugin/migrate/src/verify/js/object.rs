//! Objects: members in the order in which JavaScript lists them.

use std::collections::BTreeMap;

use super::{Js, Text};

/// An object. Members whose names are whole numbers come first, in their order; all others in the
/// order in which they were first set.
#[derive(Clone, Default)]
pub(in crate::verify) struct Object {
    numbered: BTreeMap<u32, Js>,
    named: Vec<(Text, Js)>,
    places: BTreeMap<Text, usize>,
}

impl Object {
    /// The member of this name that the object itself has.
    pub(in crate::verify) fn get(&self, name: &[u16]) -> Option<&Js> {
        match array_index(name) {
            Some(index) => self.numbered.get(&index),
            None => {
                self.places.get(name).and_then(|at| self.named.get(*at)).map(|(_, value)| value)
            }
        }
    }

    /// Sets a member; one that is there keeps its place.
    pub(in crate::verify) fn set(&mut self, name: Text, value: Js) {
        if let Some(index) = array_index(&name) {
            self.numbered.insert(index, value);
        } else if let Some(place) = self.places.get(&name).and_then(|at| self.named.get_mut(*at)) {
            place.1 = value;
        } else {
            self.places.insert(name.clone(), self.named.len());
            self.named.push((name, value));
        }
    }

    /// Names and values in JavaScript's order.
    pub(in crate::verify) fn entries(&self) -> impl Iterator<Item = (Text, &Js)> {
        let numbered = self.numbered.iter();
        let numbered = numbered.map(|(index, value)| (super::utf16(&index.to_string()), value));
        numbered.chain(self.named.iter().map(|(name, value)| (name.clone(), value)))
    }

    /// How many members there are.
    pub(in crate::verify) fn len(&self) -> usize {
        self.numbered.len() + self.named.len()
    }
}

/// The number that a name is, written as JavaScript writes it: `7`, and not `07`.
pub(super) fn array_index(name: &[u16]) -> Option<u32> {
    if name.is_empty() || name.len() > 10 || (name.len() > 1 && name.first() == Some(&48)) {
        return None;
    }
    let mut index: u32 = 0;
    for &unit in name {
        let digit = u32::from(unit.checked_sub(48).filter(|digit| *digit < 10)?);
        index = index.checked_mul(10)?.checked_add(digit)?;
    }
    (index != u32::MAX).then_some(index)
}
