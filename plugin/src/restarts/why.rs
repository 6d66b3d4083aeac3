//! What decides about restarts of one workload, as it stands in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use extsecret_crds::ExternalSecret;
use extsecret_restart::fingerprint::KeyId;
use extsecret_restart::kinds::{self, Standing};
use extsecret_restart::policy::{self, Because, Mode, Reloader, Said, Wish};
use extsecret_restart::record::{self, RECORD, Record};
use extsecret_restart::scan::Use;
use extsecret_restart::stale::Pod;
use extsecret_restart::window;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::freeze::{self, By, Freeze, Object};
use crate::cluster::kinds::{EXTERNAL_SECRETS, Kind, NAMESPACES, SECRETS};
use crate::cluster::{Cluster, Selection};
use crate::doctor::Restarter;
use crate::status::consumers::{self, Workload};
use crate::status::detail;
use crate::status::facts::{Event, Found, Target};
use crate::status::workload::Named;

/// Annotations by name.
pub(crate) type Annotations = BTreeMap<String, String>;

/// ExternalSecrets by the Secret that they make, with what they say.
pub(crate) type Makers = BTreeMap<String, (String, Annotations)>;

/// All that decides.
pub(crate) struct Facts {
    pub(crate) named: Named,
    pub(crate) namespace: String,
    pub(crate) standing: Standing,
    /// What its pods were started for, as the controller has noted it.
    pub(crate) record: Option<Record>,
    pub(crate) secrets: Vec<SecretFacts>,
    /// How many run, and how many of these have an older value of some Secret.
    pub(crate) pods: Result<(usize, usize), String>,
    pub(crate) events: Result<Vec<Event>, String>,
    /// Who restarts workloads in this cluster.
    pub(crate) restarter: Result<Option<Restarter>, String>,
    pub(crate) pace: Pace,
    /// Where nobody could look, and why.
    pub(crate) unknown: Vec<String>,
}

/// What is said about how and when.
pub(crate) struct Pace {
    pub(crate) mode: Mode,
    /// The longest freeze, and whose it is.
    pub(crate) frozen: Option<(By, Freeze)>,
    pub(crate) opens: Option<Timestamp>,
    pub(crate) wave: i32,
}

/// A Secret that it reads, or for which it asks to restart.
pub(crate) struct SecretFacts {
    pub(crate) name: String,
    /// How it is read.
    pub(crate) uses: Vec<String>,
    pub(crate) found: Found<Target>,
    /// Whether pods do not start without it.
    pub(crate) needed: bool,
    /// The ExternalSecret that makes it.
    pub(crate) made_by: Option<String>,
    /// Pods that keep what it held before it was last written.
    pub(crate) older: usize,
    /// Whether a change of it restarts the workload, and who says so; `None` if no way in which it
    /// is read counts.
    pub(crate) rule: Option<(bool, Because)>,
    /// The longest freeze of what changes of this Secret restart, and whose it is.
    pub(crate) frozen: Option<(By, Freeze)>,
}

/// Looks at everything.
pub(crate) fn facts(
    cluster: &Cluster,
    namespace: &str,
    workload: &Named,
    now: Timestamp,
) -> anyhow::Result<Facts> {
    let asked = workload;
    let object = object(cluster, namespace, asked)?;
    let parsed =
        |what| format!("the {} is not as its kind wants it: {what}", asked.words(namespace));
    let workload: Workload =
        serde_json::from_value(object.clone()).with_context(|| parsed("template"))?;
    let standing = standing(&object, asked).with_context(|| parsed("spec"))?;
    let meta = &workload.metadata;
    let said = annotations(meta);
    let mut unknown = Vec::new();
    let space = match cluster.metadata(&NAMESPACES, None, namespace) {
        Ok(space) => space.as_ref().map(annotations).unwrap_or_default(),
        Err(error) => {
            unknown.push(format!("annotations of the namespace: {}", error.short()));
            Annotations::default()
        }
    };
    let restarter = crate::doctor::restarter(cluster, namespace);
    let known = restarter.as_ref().ok().and_then(Option::as_ref);
    let pods = consumers::running(cluster, Some(namespace));
    let makers = makers(cluster, namespace).unwrap_or_else(|why| {
        unknown.push(format!("ExternalSecrets: {why}"));
        BTreeMap::new()
    });
    let uses = workload.uses();
    let wish = Wish::of_workload(said.get(policy::RESTART).map(String::as_str));
    let mut read: BTreeSet<&str> = uses.read.iter().map(|it| &*it.secret).collect();
    if let Wish::For(listed) = &wish {
        read.extend(listed.iter().map(|name| &**name));
    }
    let mine: Vec<&Pod> = pods.iter().flatten().filter(|pod| workload.has(pod)).collect();
    let mut older = vec![false; mine.len()];
    let secrets = read
        .into_iter()
        .map(|name| {
            let read: Vec<&Use> = uses.read.iter().filter(|it| &*it.secret == name).collect();
            let found = detail::secret(cluster, namespace, name, true);
            let written = found.as_ref().ok().and_then(Option::as_ref).map(Target::written);
            let mut count = 0;
            for (pod, older) in mine.iter().zip(&mut older) {
                if written.as_ref().is_some_and(|written| pod.is_older(name, written)) {
                    *older = true;
                    count += 1;
                }
            }
            let secret_said = found.as_ref().ok().and_then(Option::as_ref);
            let secret_said = secret_said.map(|it| annotations(&it.meta)).unwrap_or_default();
            let maker = makers.get(name);
            let both = [Some(&secret_said), maker.map(|(_, said)| said)];
            let says = |what: &str| -> Vec<&str> {
                both.iter().flatten().filter_map(|all| all.get(what)).map(String::as_str).collect()
            };
            let listed = matches!(&wish, Wish::For(all) if all.contains(name));
            let counts =
                listed || read.iter().any(|it| policy::counts(text(&said, policy::RESTART_ON), it));
            let rule = counts.then(|| {
                rule(
                    known,
                    namespace,
                    name,
                    &wish,
                    &said,
                    &space,
                    &secret_said,
                    &says(policy::RESTART),
                )
            });
            SecretFacts {
                name: name.to_owned(),
                uses: read.iter().map(|it| consumers::line(it)).collect(),
                needed: consumers::needs(&read),
                found,
                made_by: maker.map(|(maker, _)| maker.clone()),
                older: count,
                rule,
                frozen: frozen(
                    namespace,
                    now,
                    [
                        (SECRETS, Some(name), Some(&secret_said)),
                        (EXTERNAL_SECRETS, maker.map(|it| it.0.as_str()), maker.map(|it| &it.1)),
                    ],
                ),
            }
        })
        .collect();
    let count = older.iter().filter(|it| **it).count();
    let events = meta.uid.as_deref().map(|uid| detail::events(cluster, namespace, uid));
    let both = |what| [text(&said, what), text(&space, what)];
    let scoped = known.is_some_and(|it| it.scope.is_some());
    let by_flag = known.and_then(|it| {
        Some((By::Controller(it.place.clone()), Freeze { until: it.frozen?, reason: None }))
    });
    let pace = Pace {
        mode: Mode::of(known.map_or(Mode::Enforce, Restarter::mode), both(policy::MODE)),
        frozen: freeze::longest(
            frozen(
                namespace,
                now,
                [
                    (asked.kind, Some(asked.name.as_str()), Some(&said)),
                    // A controller of one namespace does not look at what its namespace says.
                    (NAMESPACES, Some(namespace).filter(|_| !scoped), Some(&space)),
                ],
            )
            .into_iter()
            .chain(by_flag),
            now,
        ),
        opens: window::opens(both(policy::WINDOW), now),
        wave: policy::wave(text(&said, policy::WAVE)),
    };
    Ok(Facts {
        named: asked.clone(),
        namespace: namespace.to_owned(),
        standing,
        // Which key its fingerprints are made with does not matter here.
        record: record::read(text(&said, RECORD), KeyId::NONE).record().cloned(),
        secrets,
        pods: pods.as_ref().map(|_| (mine.len(), count)).map_err(Clone::clone),
        events: events.unwrap_or_else(|| Ok(Vec::new())),
        restarter,
        pace,
        unknown,
    })
}

/// The longest freeze of some objects of a namespace that holds at `now`.
fn frozen<'a>(
    namespace: &str,
    now: Timestamp,
    all: impl IntoIterator<Item = (Kind, Option<&'a str>, Option<&'a Annotations>)>,
) -> Option<(By, Freeze)> {
    let all = all.into_iter().filter_map(|(kind, name, said)| {
        let name = name?.to_owned();
        let object = Object { kind, namespace: namespace.to_owned(), name };
        Some((By::Object(object), Freeze::said(said?)?))
    });
    freeze::longest(all, now)
}

/// The workload as it is.
pub(crate) fn object(cluster: &Cluster, namespace: &str, named: &Named) -> anyhow::Result<Value> {
    let found: Option<Value> = cluster.get(&named.kind, Some(namespace), &named.name)?;
    found.with_context(|| {
        format!("there is no {}; -n chooses another namespace", named.words(namespace))
    })
}

/// How far its rollout is, and what keeps it from restarting.
pub(crate) fn standing(object: &Value, named: &Named) -> anyhow::Result<Standing> {
    let workload: kinds::Workload = serde_json::from_value(object.clone())?;
    let meta = &object["metadata"];
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    let owner = owners.into_iter().find(|it| it["controller"] == true);
    let owner = owner.and_then(|it| Some((it["kind"].as_str()?, it["name"].as_str()?)));
    let kind = kinds::Kind::ALL.into_iter().find(|kind| kind.name() == named.kind.kind);
    let kind =
        kind.with_context(|| format!("nobody knows how to restart a {}", named.kind.kind))?;
    let generation = meta["generation"].as_i64().unwrap_or_default();
    Ok(workload.standing(kind, generation, kinds::touched(object), owner))
}

fn annotations(meta: &ObjectMeta) -> Annotations {
    meta.annotations.clone().unwrap_or_default()
}

fn text<'a>(said: &'a Annotations, what: &str) -> Option<&'a str> {
    said.get(what).map(String::as_str)
}

/// ExternalSecrets by the Secret that they make, with what they say.
pub(crate) fn makers(cluster: &Cluster, namespace: &str) -> Result<Makers, String> {
    let mut makers = BTreeMap::new();
    let select = Selection::default();
    let listed =
        cluster.list(&EXTERNAL_SECRETS, Some(namespace), &select, |page: Vec<ExternalSecret>| {
            makers.extend(page.into_iter().map(|it| {
                let name = it.metadata.name.clone().unwrap_or_default();
                let target = it.spec.target_name(&name).to_owned();
                (target, (name, annotations(&it.metadata)))
            }));
        });
    listed.map(|_| makers).map_err(|error| error.short())
}

#[expect(clippy::too_many_arguments, reason = "each says something of its own")]
fn rule(
    restarter: Option<&Restarter>,
    namespace: &str,
    secret: &str,
    wish: &Wish,
    said: &Annotations,
    space: &Annotations,
    secret_said: &Annotations,
    killed: &[&str],
) -> (bool, Because) {
    let reloader = Reloader {
        auto: text(said, "reloader.stakater.com/auto"),
        secret_auto: text(said, "secret.reloader.stakater.com/auto"),
        reload: text(said, "secret.reloader.stakater.com/reload"),
        exclude: text(said, "secrets.exclude.reloader.stakater.com/reload"),
        search: text(said, "reloader.stakater.com/search"),
        matches: text(secret_said, "reloader.stakater.com/match"),
        ignore: text(secret_said, "reloader.stakater.com/ignore"),
    };
    let reloader = restarter.filter(|it| it.reloader).and_then(|_| reloader.wish(secret));
    // A controller of one namespace does not look at what its namespace says.
    let space = match restarter.and_then(|it| it.scope.as_ref()) {
        Some(_) => Wish::Inherit,
        None => Wish::of_namespace(text(space, policy::RESTART)),
    };
    let said = Said {
        allowed: restarter.is_none_or(|it| !it.denied.iter().any(|denied| denied == namespace)),
        killed: killed.iter().any(|text| policy::is_killed(Some(text))),
        workload: reloader.as_ref().filter(|_| *wish == Wish::Inherit).unwrap_or(wish),
        namespace: &space,
        default: restarter.is_some_and(|it| it.default),
    };
    policy::rule(said, secret)
}
