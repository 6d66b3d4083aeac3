//! Whose restarts are held back, and how that ends.

use jiff::Timestamp;

use super::{Check, Section, State};
use crate::cluster::kinds::{EXTERNAL_SECRETS, Kind, NAMESPACES};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::restarts::freeze::{By, Freeze, Object, WORKLOADS, longest};

/// Freezes that are named.
const TOLD: usize = 5;

/// Those of namespaces, workloads and ExternalSecrets, as far as the caller may see them. What may not
/// be seen is told elsewhere on the page.
pub(super) fn look(cluster: &Cluster, now: Timestamp) -> Section {
    let mut found = Vec::new();
    for kind in WORKLOADS.iter().chain(&[EXTERNAL_SECRETS]) {
        let listed = of_kind(cluster, kind, None, &mut found);
        if matches!(listed, Err(Unread { why: Why::Forbidden(_), .. })) {
            let _ = of_kind(cluster, kind, Some(cluster.namespace()), &mut found);
        }
    }
    if of_kind(cluster, &NAMESPACES, None, &mut found).is_err() {
        let name = cluster.namespace().to_owned();
        let space = Object { kind: NAMESPACES, namespace: name.clone(), name };
        let said = space.read(cluster).ok().flatten().as_ref().and_then(Freeze::of);
        found.extend(said.map(|it| (By::Object(space), it)));
    }
    Section { title: "Freezes", checks: judge(found, now) }
}

fn of_kind(
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    found: &mut Vec<(By, Freeze)>,
) -> Result<(), Unread> {
    cluster.list_metadata(kind, namespace, &Selection::default(), |page| {
        found.extend(page.into_iter().filter_map(|it| {
            let freeze = Freeze::of(&it.metadata)?;
            let name = it.metadata.name?;
            let namespace = it.metadata.namespace.unwrap_or_else(|| name.clone());
            Some((By::Object(Object { kind: *kind, namespace, name }), freeze))
        }));
    })?;
    Ok(())
}

/// One check for each, the longest first.
fn judge(mut found: Vec<(By, Freeze)>, now: Timestamp) -> Vec<Check> {
    found.retain(|it| longest([it.clone()], now).is_some());
    found.sort_by_key(|(_, it)| std::cmp::Reverse(it.until));
    let more = found.len().saturating_sub(TOLD);
    let told = found.iter().take(TOLD).map(|(by, it)| {
        let text = format!("{by} is frozen {}", it.words(now));
        Check::new("freeze", State::Attention, text).and(by.ends())
    });
    let more = (more > 0)
        .then(|| Check::new("freeze", State::Info, format!("and {more} more that end earlier")));
    told.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_named_and_what_is_over_is_not() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let freeze = |minute: i64| {
            let name = format!("it-{minute}");
            let by = By::Object(Object { kind: NAMESPACES, namespace: name.clone(), name });
            let until = now.checked_add(jiff::SignedDuration::from_mins(minute)).unwrap();
            (by, Freeze { until, reason: None })
        };
        let checks = judge((-1..=7).map(freeze).collect(), now);
        assert_eq!(checks.len(), TOLD + 1);
        assert_eq!(checks[0].text, "Namespace it-7 is frozen until 2026-11-27T12:07:00Z (7m)");
        assert_eq!(checks[0].details, ["`kubectl extsecret unfreeze --namespaces it-7` ends it"]);
        assert_eq!(checks[5].text, "and 2 more that end earlier");
    }
}
