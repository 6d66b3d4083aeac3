//! A set that mostly has one element: most Secrets are written by one ExternalSecret, and a tree for
//! each would have room for eleven.

use std::collections::BTreeSet;

/// A set.
#[derive(Clone, Debug, Default)]
pub(crate) enum Few<T> {
    /// Nothing.
    #[default]
    None,
    /// One element.
    One(T),
    /// Any number.
    Many(BTreeSet<T>),
}

impl<T: Ord> Few<T> {
    /// Adds an element, if it is not there already.
    pub(crate) fn insert(&mut self, element: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(element),
            Self::One(known) if known == element => Self::One(known),
            Self::One(known) => Self::Many(BTreeSet::from([known, element])),
            Self::Many(mut all) => {
                all.insert(element);
                Self::Many(all)
            }
        };
    }

    /// Takes an element out, if it is there.
    pub(crate) fn remove(&mut self, element: &T) {
        match self {
            Self::One(known) if known == element => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(all) => {
                all.remove(element);
            }
        }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The elements, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(one) => (Some(one), None),
            Self::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_set() {
        let mut few = Few::default();
        let seen = |few: &Few<u8>| few.iter().copied().collect::<Vec<_>>();
        few.remove(&1);
        assert!(few.is_empty());
        for (add, wanted) in [(7, &[7][..]), (7, &[7]), (3, &[3, 7]), (3, &[3, 7]), (5, &[3, 5, 7])]
        {
            few.insert(add);
            assert_eq!(seen(&few), wanted);
        }
        for (take, wanted) in [(4, &[3, 5, 7][..]), (3, &[5, 7]), (7, &[5]), (5, &[])] {
            few.remove(&take);
            assert_eq!(seen(&few), wanted);
        }
        assert!(few.is_empty());
        few.insert(9);
        few.remove(&8);
        assert_eq!(seen(&few), [9]);
        few.remove(&9);
        assert!(few.is_empty());
    }
}
