//! Finds a short list that still fails, by few tries: halves are left out first, then quarters, and so on, in the
//! end single operations. What cannot be left out once is not tried again in the same size.

/// Leaves out parts of a list as long as the rest `fails`. An error ends it, and so does `None`, which says that
/// there is no more time; what is known to fail by then is returned.
pub(crate) fn shrink<T: Clone, E>(
    mut list: Vec<T>,
    mut fails: impl FnMut(&[T]) -> Result<Option<bool>, E>,
) -> Result<Vec<T>, E> {
    let mut part = list.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < list.len() && list.len() > 1 {
            let to = (from + part).min(list.len());
            let fewer = [&list[..from], &list[to..]].concat();
            match fails(&fewer)? {
                None => return Ok(list),
                Some(true) => list = fewer,
                Some(false) => from = to,
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list that is left of 0 to 99, and how many tries it took.
    fn shrunk(fails: impl Fn(&[u32]) -> bool, most: usize) -> (Vec<u32>, usize) {
        let mut tries = 0;
        let list = shrink::<_, ()>((0..100).collect(), |list| {
            tries += 1;
            Ok((tries <= most).then(|| fails(list)))
        });
        (list.unwrap(), tries)
    }

    #[test]
    fn what_one_operation_does_is_found_by_halves() {
        let (list, tries) = shrunk(|list| list.contains(&77), 1000);
        assert_eq!(list, [77]);
        assert!(tries <= 14, "{tries}");
    }

    #[test]
    fn what_takes_several_is_left_with_these_and_in_their_order() {
        let needs = |list: &[u32]| [3, 50, 51, 98].iter().all(|it| list.contains(it));
        let (list, tries) = shrunk(needs, 1000);
        assert_eq!(list, [3, 50, 51, 98]);
        assert!(tries < 60, "{tries}");
        assert_eq!(shrunk(|list| list.len() >= 7, 1000).0.len(), 7);
    }

    #[test]
    fn it_ends_when_the_time_is_over_or_something_breaks() {
        let (list, tries) = shrunk(|list| list.contains(&3), 3);
        assert_eq!((list.len(), tries), (50, 4));
        assert_eq!(shrink(vec![1, 2], |_| Err::<Option<bool>, _>("broken")), Err("broken"));
        assert_eq!(shrink::<_, ()>(vec![1], |_| unreachable!()), Ok(vec![1]));
    }
}
