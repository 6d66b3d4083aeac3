//! One ExternalSecret and all that hangs on it, as a tree for people.

use std::fmt::Write as _;

use extsecret_crds::external_secret::{CreationPolicy, DeletionPolicy};
use extsecret_crds::{ExternalSecret, SecretStoreSpec};
use extsecret_engine::hash::MANAGED_LABEL;
use extsecret_engine::refresh;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::facts::{Consumer, Consumers, Facts, Found, Store, StoreFound, Target};
use super::list::{shorten, shorten_to};
use super::model::{self, Api, Health, Row};
use crate::output::age;
use crate::output::table::printable;
use crate::output::tree::{Branch, Mark};
use crate::output::wrap::wrap;

/// Events that are told.
const EVENTS: usize = 5;

/// Characters of a message of a condition: what to do stands at its end.
const MESSAGE: usize = 1500;

/// Keys that are listed.
const KEYS: usize = 50;

/// Workloads that are listed.
const CONSUMERS: usize = 30;

/// What is to be said of one ExternalSecret at `now`, and how it is.
pub(crate) fn tree(facts: &Facts, now: Timestamp) -> (Branch, Health) {
    let title = format!("ExternalSecret {}/{}", facts.namespace, facts.name);
    let object = match &facts.object {
        Ok(Some(object)) => object,
        Ok(None) => {
            let mut root = Branch::new(Mark::Bad, format!("{title}: there is none"));
            root.branches.extend(secret(facts, None, now));
            root.branches.extend(migration(facts, now));
            return (root, Health::Failing);
        }
        Err(why) => {
            let mut root = Branch::new(Mark::Attention, format!("{title}: {why}"));
            root.branches.extend(migration(facts, now));
            return (root, Health::Failing);
        }
    };
    let row = Row::of(object, now);
    let mark = match row.health {
        Health::Healthy => Mark::Good,
        Health::Stale | Health::Pending => Mark::Attention,
        Health::Failing => Mark::Bad,
    };
    let mut root = Branch::new(mark, title);
    state(object, &row, now, &mut root);
    events(facts, now, &mut root);
    let mut health = row.health;
    for store in &facts.stores {
        let branch = store_branch(store, now);
        if branch.mark == Mark::Bad {
            health = Health::Failing;
        }
        root.branches.push(branch);
    }
    if let Some(branch) = secret(facts, Some(object), now) {
        if branch.mark == Mark::Bad {
            health = Health::Failing;
        }
        root.branches.push(branch);
    }
    root.branches.extend(consumers(facts));
    root.branches.extend(migration(facts, now));
    if health == Health::Failing && root.mark == Mark::Good {
        root.mark = Mark::Attention;
    }
    (root, health)
}

/// What the object says of itself.
fn state(object: &ExternalSecret, row: &Row, now: Timestamp, to: &mut Branch) {
    let ready = object.status.as_ref().and_then(extsecret_crds::ExternalSecretStatus::ready);
    match ready {
        Some(ready) => {
            let since = ready.last_transition_time.as_deref().and_then(|time| time.parse().ok());
            let since = since.map(|at| format!(", for {}", age::since(at, now)));
            let reason = ready.reason.as_deref().unwrap_or("without a reason");
            to.line(format!("Ready {}, {reason}{}", ready.status, since.unwrap_or_default()));
        }
        None => to.line("Ready is not set"),
    }
    let message = ready.and_then(|ready| ready.message.as_deref());
    if let Some(message) =
        message.filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("secret synced"))
    {
        to.line(format!("  {}", shorten_to(message, MESSAGE)));
    }
    if let Some(problem) = row.problem.as_deref().filter(|problem| Some(*problem) != message) {
        to.line(shorten(problem));
    }
    let synced = match row.last_sync {
        Some(at) => format!("synced {} ago", age::since(at, now)),
        None => "never synced".to_owned(),
    };
    let next = match row.next_sync {
        // It is tried again before that, or only when something changes: who reconciles knows.
        _ if row.ready.as_deref() == Some("False") => String::new(),
        None if model::is_periodic(row) && row.last_sync.is_none() => String::new(),
        None => ", fetched again only when it changes".to_owned(),
        Some(at) if at > now => format!(", next in {}", age::since(now, at)),
        Some(at) => format!(", next was due {} ago", age::since(at, now)),
    };
    let every = match (&row.refresh_policy, &row.refresh_interval) {
        (Some(policy), _) if !model::is_periodic(row) => format!(" ({policy})"),
        (_, Some(interval)) => format!(" (every {interval})"),
        _ => String::new(),
    };
    let who = row.controller.as_deref().map(|who| format!(", by {who}")).unwrap_or_default();
    to.line(format!("{synced}{next}{every}{who}"));
    let version = object.status.as_ref().and_then(|it| it.synced_resource_version.as_deref());
    if version
        .is_some_and(|version| !version.is_empty() && version != refresh::current_version(object))
    {
        to.line("it was changed after that; the change is not synced yet");
    }
    if object.metadata.deletion_timestamp.is_some() {
        to.line("it is being deleted");
    }
}

fn events(facts: &Facts, now: Timestamp, to: &mut Branch) {
    let events = match &facts.events {
        Ok(events) if events.is_empty() => return,
        Ok(events) => events,
        Err(why) => {
            to.line(format!("events: {why}"));
            return;
        }
    };
    to.line("events:");
    for event in events.iter().take(EVENTS) {
        let age = event.last.map_or_else(|| "?".to_owned(), |at| age::since(at, now));
        let times = if event.count > 1 { format!(" x{}", event.count) } else { String::new() };
        let message = shorten(&event.message);
        to.line(format!("  {age} ago{times}: {} {}: {message}", event.kind, event.reason));
    }
    if let Some(more) = events.len().checked_sub(EVENTS).filter(|more| *more > 0) {
        to.line(format!("  and {more} older"));
    }
}

fn store_branch(store: &Store, now: Timestamp) -> Branch {
    let title = format!("{} {}", store.kind, store.name);
    let found = match &store.found {
        Err(why) => return Branch::new(Mark::Attention, format!("{title}: {why}")),
        Ok(None) => {
            let mut branch = Branch::new(Mark::Bad, format!("{title}: there is none"));
            branch.line(format!(
                "`kubectl extsecret scaffold {} {}` prints a new one",
                store.kind.to_lowercase(),
                store.name
            ));
            return branch;
        }
        Ok(Some(found)) => found,
    };
    let StoreFound { spec, status } = found;
    let conditions = status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().find(|it| it.type_ == extsecret_crds::ConditionType::Ready);
    let mut branch = match ready {
        None => Branch::new(Mark::Attention, format!("{title}: no controller has looked at it")),
        Some(ready) => {
            let reason = ready.reason.as_deref().unwrap_or("without a reason");
            let (mark, word) =
                if ready.is_true() { (Mark::Good, "ready") } else { (Mark::Bad, "not ready") };
            let since = ready.last_transition_time.as_deref().and_then(|time| time.parse().ok());
            let since = since.map(|at| format!(", for {}", age::since(at, now)));
            let title = format!("{title}: {word}, {reason}{}", since.unwrap_or_default());
            let mut branch = Branch::new(mark, title);
            if let Some(message) = ready.message.as_deref().filter(|_| !ready.is_true()) {
                branch.line(shorten_to(message, MESSAGE));
            }
            branch
        }
    };
    branch.lines.extend(provider(spec));
    if let Some(class) = spec.controller.as_deref().filter(|class| !class.is_empty()) {
        branch.line(format!("only for controllers of class {class:?}"));
    }
    branch
}

/// Where values come from, and as whom.
pub(crate) fn provider(spec: &SecretStoreSpec) -> Vec<String> {
    let Some(aws) = &spec.provider.aws else {
        return vec![format!("provider {}", spec.provider.names().join(", "))];
    };
    let mut line = format!("AWS {} in {}", aws.service, aws.region);
    if let Some(prefix) = aws.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        let _ = write!(line, ", prefix {prefix}");
    }
    let auth = aws.auth.as_ref();
    let account = auth.and_then(|auth| auth.jwt.as_ref()).map(|jwt| {
        let account = jwt.service_account_ref.as_ref();
        let name = account.map(|account| account.name.clone()).unwrap_or_default();
        let namespace = account.and_then(|account| account.namespace.clone());
        match namespace {
            Some(namespace) => format!("the service account {namespace}/{name}"),
            None => format!("the service account {name}"),
        }
    });
    let keys = auth.and_then(|auth| auth.secret_ref.as_ref()).map(|keys| {
        let name = keys.access_key_id_secret_ref.as_ref().and_then(|it| it.name.clone());
        format!("access keys of the Secret {}", name.unwrap_or_default())
    });
    let who = account.or(keys).unwrap_or_else(|| "the controller's own identity".to_owned());
    let mut lines = vec![line];
    let roles = aws.additional_roles.iter().flatten().chain(&aws.role);
    let roles: Vec<&str> = roles.map(String::as_str).filter(|role| !role.is_empty()).collect();
    lines.push(match roles.as_slice() {
        [] => format!("as {who}"),
        roles => format!("as {who}, then {}", roles.join(", then ")),
    });
    lines
}

/// The target; `None` if nobody wants one.
fn secret(facts: &Facts, object: Option<&ExternalSecret>, now: Timestamp) -> Option<Branch> {
    let name = object.map_or(facts.name.as_str(), |object| object.spec.target_name(&facts.name));
    let creation = object.map(|object| object.spec.creation_policy());
    let title = format!("Secret {name}");
    if let Some(manifest) =
        object.and_then(|it| it.spec.target.as_ref()).and_then(|it| it.manifest.as_ref())
    {
        let title = format!("{} {name}: not looked at, only Secrets are", manifest.kind);
        return Some(Branch::new(Mark::None, title));
    }
    let target = match (&facts.secret, creation) {
        (Err(why), _) => return Some(Branch::new(Mark::Attention, format!("{title}: {why}"))),
        (Ok(None), None) => return None,
        (Ok(None), Some(CreationPolicy::None)) => {
            return Some(Branch::new(
                Mark::None,
                format!("{title}: none, as creationPolicy None says"),
            ));
        }
        (Ok(None), Some(policy)) => {
            let ready = object.is_some_and(|object| Row::of(object, now).health == Health::Healthy);
            let mark = if ready { Mark::Bad } else { Mark::Attention };
            let mut branch = Branch::new(mark, format!("{title}: there is none"));
            if policy == CreationPolicy::Merge {
                branch.line("creationPolicy Merge makes none: somebody else has to");
            }
            return Some(branch);
        }
        (Ok(Some(target)), _) => target,
    };
    let mut branch = Branch::new(Mark::Good, title);
    owner(target, object, facts, &mut branch);
    drift(target, object, &mut branch);
    keys(target, &mut branch);
    Some(branch)
}

/// Who it belongs to, and what that means.
fn owner(target: &Target, object: Option<&ExternalSecret>, facts: &Facts, to: &mut Branch) {
    let owners = target.meta.owner_references.iter().flatten();
    let controller = owners.into_iter().find(|owner| owner.controller == Some(true));
    let uid = object.and_then(|object| object.metadata.uid.as_deref());
    let policy = object.map(|object| object.spec.creation_policy());
    match (controller, policy) {
        (Some(owner), _) if is_eso(owner) && Some(owner.uid.as_str()) == uid => {
            to.line("owned by this ExternalSecret");
        }
        (Some(owner), _) if is_eso(owner) && owner.name == facts.name && object.is_some() => {
            attention(
                to,
                "owned by an earlier ExternalSecret of this name, which is gone: it will be deleted with it",
            );
        }
        (Some(owner), Some(_)) => {
            let whose = if owner.api_version.starts_with("kubernetes-client.io/") {
                format!("ExternalSecret {} of kubernetes-external-secrets", owner.name)
            } else {
                format!("{} {}", owner.kind, owner.name)
            };
            to.mark = Mark::Bad;
            to.line(format!("owned by {whose}: this ExternalSecret does not take it over"));
        }
        (Some(owner), None) => {
            to.line(format!("owned by {} {} ({})", owner.kind, owner.name, owner.api_version));
        }
        (None, Some(CreationPolicy::Owner)) => {
            attention(
                to,
                "owned by nobody; the next sync makes this ExternalSecret its owner, and replaces its data",
            );
        }
        (None, Some(policy)) => {
            to.line(format!("owned by nobody, as creationPolicy {policy} says"));
        }
        (None, None) => to.line("owned by nobody"),
    }
    let deletes =
        object.is_some_and(|object| object.spec.deletion_policy() == DeletionPolicy::Delete);
    if deletes {
        to.line("deletionPolicy Delete: it goes when the values are gone");
    }
}

fn is_eso(owner: &OwnerReference) -> bool {
    owner.kind == "ExternalSecret" && owner.api_version.starts_with("external-secrets.io/")
}

fn attention(to: &mut Branch, line: &str) {
    if to.mark != Mark::Bad {
        to.mark = Mark::Attention;
    }
    to.line(line);
}

/// Whether it is as it was written.
fn drift(target: &Target, object: Option<&ExternalSecret>, to: &mut Branch) {
    let labels = target.meta.labels.as_ref();
    let managed =
        labels.and_then(|labels| labels.get(MANAGED_LABEL)).is_some_and(|it| it == "true");
    let version = super::gather::version(&target.meta);
    let version = version.map(|version| format!("version {version}, ")).unwrap_or_default();
    match (&target.read, managed) {
        (_, false) if object.is_none() => {}
        (_, false) => attention(
            to,
            "without the label of managed Secrets: not written by a controller yet, or changed by somebody",
        ),
        (None, true) => to.line(format!("{version}its values were not read")),
        (Some(read), true) => match read.as_written {
            Some(true) => to.line(format!("{version}as it was written")),
            Some(false) => {
                to.mark = Mark::Bad;
                to.line(format!("{version}somebody has changed it since: the next look of the controller writes it anew"));
            }
            None => attention(
                to,
                "without the hash of what was written: whether somebody has changed it is not known",
            ),
        },
    }
}

fn keys(target: &Target, to: &mut Branch) {
    let lines: Vec<String> = if let Some(read) = &target.read {
        to.line(format!("type {}, {}", read.type_, count(read.sizes.len(), "key")));
        let widest = read.sizes.iter().map(|(key, _)| key.chars().count()).max();
        let widest = widest.unwrap_or_default().min(40);
        let line = |(key, size): &(String, usize)| {
            let empty = if *size == 0 { ", empty" } else { "" };
            format!("  {key:widest$}  {size} bytes{empty}")
        };
        read.sizes.iter().map(line).collect()
    } else {
        let keys = model::keys(&target.meta);
        to.line(format!("{}, as far as its metadata tells", count(keys.len(), "key")));
        keys.into_iter().map(|key| format!("  {key}")).collect()
    };
    let more = lines.len().saturating_sub(KEYS);
    to.lines.extend(lines.into_iter().take(KEYS));
    if more > 0 {
        to.line(format!("  and {more} more"));
    }
}

fn consumers(facts: &Facts) -> Option<Branch> {
    // Of a Secret that nobody knows nobody knows who uses it.
    if facts.secret.is_err() && facts.consumers == Consumers::default() {
        return None;
    }
    let Consumers { found, unknown, .. } = &facts.consumers;
    let title = match found.len() {
        0 if unknown.is_empty() => "Consumers: no workload of the namespace uses it".to_owned(),
        0 => "Consumers: none seen".to_owned(),
        number => format!("Consumers: {}", count(number, "workload")),
    };
    let mark = if unknown.is_empty() { Mark::None } else { Mark::Attention };
    let mut branch = Branch::new(mark, title);
    branch.lines.extend(unknown.iter().map(|why| format!("not looked at: {why}")));
    branch.branches.extend(found.iter().take(CONSUMERS).map(consumer));
    if let Some(more) = found.len().checked_sub(CONSUMERS).filter(|more| *more > 0) {
        branch.branches.push(Branch::new(Mark::None, format!("and {more} more")));
    }
    Some(branch)
}

/// Of a workload whose Secret is not there.
pub(crate) const WAITS: &str = "none of its pods starts without that Secret";

pub(crate) fn consumer(consumer: &Consumer) -> Branch {
    let pods = match (consumer.older, consumer.pods) {
        (0, 0) => String::new(),
        (0, pods) => format!(", {}", count(pods, "pod")),
        (older, pods) => {
            format!(", {older} of {} started before the last write", count(pods, "pod"))
        }
    };
    let mark = match (consumer.missing.is_empty() && !consumer.waits, consumer.older) {
        (false, _) => Mark::Bad,
        (true, 0) => Mark::Good,
        (true, _) => Mark::Attention,
    };
    let mut branch = Branch::new(mark, format!("{} {}{pods}", consumer.kind, consumer.name));
    branch.lines.clone_from(&consumer.uses);
    if !consumer.missing.is_empty() {
        let keys: Vec<&str> = consumer.missing.iter().map(String::as_str).collect();
        branch.line(format!("needs {}, which the Secret does not have", keys.join(", ")));
    }
    if consumer.waits {
        branch.line(WAITS);
    }
    branch
}

/// What is left of kubernetes-external-secrets; nothing if nothing is.
fn migration(facts: &Facts, now: Timestamp) -> Option<Branch> {
    let kes = match &facts.kes {
        Ok(None) => return None,
        Err(why) => {
            let title = format!("ExternalSecret of kubernetes-external-secrets: {why}");
            return Some(Branch::new(Mark::Attention, title));
        }
        Ok(Some(kes)) => Row::of_kes(kes, now),
    };
    let title =
        format!("ExternalSecret {} of kubernetes-external-secrets is still there", kes.name);
    let mut branch = Branch::new(Mark::Attention, title);
    let synced = kes.last_sync.map(|at| format!("synced {} ago", age::since(at, now)));
    let synced = synced.unwrap_or_else(|| "never synced".to_owned());
    let reason = kes.reason.as_deref().unwrap_or("without a status");
    branch.line(format!("{synced}, {reason}"));
    if let Some(message) = &kes.message {
        branch.line(shorten(message));
    }
    let owner = secret_owner(&facts.secret);
    let both = matches!(facts.object, Ok(Some(_)));
    let text = match (both, owner) {
        (true, Some(Api::Kes)) => "both want one Secret, and it still belongs to the old one",
        (true, Some(Api::Eso)) => {
            "the Secret belongs to the new one; delete the old one with --cascade=orphan"
        }
        (true, None) => "both write one Secret: stop kubernetes-external-secrets first",
        (false, _) => "`kubectl extsecret migrate` makes its successor",
    };
    branch.line(text);
    Some(branch)
}

fn secret_owner(secret: &Found<Target>) -> Option<Api> {
    let Ok(Some(target)) = secret else { return None };
    let owners = target.meta.owner_references.iter().flatten();
    let owner = owners.into_iter().find(|owner| owner.controller == Some(true))?;
    if is_eso(owner) {
        Some(Api::Eso)
    } else {
        owner.api_version.starts_with("kubernetes-client.io/").then_some(Api::Kes)
    }
}

/// What was read, and what to type next.
pub(crate) fn footer(facts: &Facts, health: Health, room: Option<usize>) -> String {
    let mut text = String::new();
    let room = room.unwrap_or(usize::MAX);
    if facts.object.is_err() {
        let next = "`kubectl extsecret doctor` tells what the cluster serves, and what you may do";
        return wrap(next, room, "");
    }
    if matches!(&facts.secret, Ok(Some(Target { read: Some(_), .. }))) {
        let note = "the Secret was read for sizes and changes, no value is shown; --metadata-only \
                    does without";
        text.push_str(&wrap(note, room, ""));
    }
    let (name, namespace) = (printable(&facts.name), printable(&facts.namespace));
    if matches!(facts.object, Ok(Some(_))) && health != Health::Healthy {
        let next = format!(
            "`kubectl extsecret refresh {name} -n {namespace} --wait` tries again; \
             `kubectl extsecret render {name} -n {namespace}` tries with your own credentials"
        );
        text.push_str(&wrap(&next, room, ""));
    }
    if facts.consumers.found.iter().any(|it| it.older > 0)
        && let Ok(Some(target)) = &facts.secret
    {
        let secret = printable(target.meta.name.as_deref().unwrap_or_default());
        let next = format!(
            "`kubectl extsecret restart --secret {secret} -n {namespace} --wait` has pods read the \
             new value; `kubectl extsecret why WORKLOAD` tells who else would"
        );
        text.push_str(&wrap(&next, room, ""));
    }
    text
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
