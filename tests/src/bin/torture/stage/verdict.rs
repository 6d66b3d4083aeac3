//! What is right on the stage, and what is not.

use std::collections::BTreeMap;

use extsecret_tests::api::EXTERNAL_SECRETS;
use extsecret_tests::fleet::ready;
use serde_json::Value;

use super::{Outcome, Stage};
use crate::history::{Data, Deeds, Finding, Judged, THEIRS, content, judge};
use crate::model::{CANARY, Wanted};
use crate::objects;
use crate::plan::{BY_EVENT, Creation, Kind, slot_prefix};

/// Base64 of [`CANARY`], as far as it does not depend on what follows.
const ENCODED: &str = "Q0FOQVJZ";

/// Whether all of its pods are of its template.
fn is_rolled_out(kind: Kind, object: &Value) -> bool {
    let (status, generation) = (&object["status"], &object["metadata"]["generation"]);
    let all = |counts: &[&str]| counts.iter().all(|it| status[it] == 1);
    status["observedGeneration"] == *generation
        && match kind {
            Kind::Deployment => all(&["updatedReplicas", "replicas", "availableReplicas"]),
            Kind::StatefulSet => {
                all(&["replicas", "readyReplicas"])
                    && status["currentRevision"] == status["updateRevision"]
            }
            Kind::DaemonSet => {
                all(&["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"])
            }
        }
}

impl Stage<'_> {
    /// What a controller has printed.
    pub(super) fn hear(&mut self, printed: &str) {
        if let Some(line) = printed.lines().find(|line| line.contains("panicked")) {
            self.find("panic", line.to_owned());
        }
        self.keeps_quiet("the log", printed);
        self.outcome.printed.push(printed.to_owned());
    }

    pub(super) fn find(&mut self, kind: &'static str, text: String) {
        self.outcome.findings.push(Finding { kind, text });
    }

    fn keeps_quiet(&mut self, place: &str, told: &str) {
        for needle in [CANARY, ENCODED] {
            if let Some(at) = told.find(needle) {
                let before: String = told[..at].chars().rev().take(120).collect();
                let before: String = before.chars().rev().collect();
                self.find("leak", format!("{place} tells a value after {before}"));
            }
        }
    }

    pub(super) fn judge(&self) -> Judged {
        let mut deeds = Deeds {
            ours: self.deeds.ours.clone(),
            permits: self.deeds.permits.clone(),
            theirs: self.deeds.theirs.clone(),
            stripped: self.deeds.stripped.clone(),
        };
        deeds.theirs.extend(self.theirs.iter().map(|(number, from)| (*number, *from, u64::MAX)));
        let open =
            self.open.iter().map(|((number, permit), from)| (*number, *permit, *from, u64::MAX));
        deeds.permits.extend(open);
        judge(&self.watch.entries(), self.fleet, &self.model.ever(), &deeds)
    }

    /// What is not as it has to be once there is no trouble.
    pub(super) fn wrong(&self) -> Vec<String> {
        let judged = self.judge();
        let mut wrong: Vec<String> = judged.stale(self.fleet);
        let list = |path: &str| match self.api.ask("GET", path, None, "") {
            (200, mut list) => list["items"].as_array_mut().map(std::mem::take).unwrap_or_default(),
            _ => Vec::new(),
        };
        let workloads = Kind::ALL.map(|kind| (kind, list(&self.workloads(kind))));
        let count: usize = workloads.iter().map(|(_, all)| all.len()).sum();
        if self.employs && count != self.fleet.consumers.len() {
            wrong.push("there are not all workloads".to_owned());
        }
        for (kind, all) in &workloads {
            // Pods whose Secret or key is not there wait for it.
            for object in all.iter().filter(|it| self.can_run(&judged, it)) {
                let annotations = &object["metadata"]["annotations"];
                // Without it, only time could tell what its pods have.
                if annotations["extsecret.io/restart"] == "auto"
                    && self.is_managed(object)
                    && annotations["extsecret.io/restart-record"].is_null()
                {
                    wrong.push(format!("{} has no record", object["metadata"]["name"]));
                }
                if !is_rolled_out(*kind, object) {
                    wrong.push(format!("{} is not rolled out", object["metadata"]["name"]));
                }
            }
        }
        for cluster in (0..self.fleet.clusters).filter(|it| self.model.has_cluster(*it)) {
            wrong.extend(self.provisioned(cluster).err());
        }
        let by_name = |prefix: &str, path: &str| {
            let key = |it: &Value| {
                format!("{prefix}{}", it["metadata"]["name"].as_str().unwrap_or_default())
            };
            list(path).into_iter().map(|it| (key(&it), it)).collect::<BTreeMap<String, Value>>()
        };
        let mut objects = by_name("", &self.ours("externalsecrets"));
        let mut secrets = by_name("", &self.core("secrets"));
        for (slot, name) in self.slots.iter().enumerate() {
            let Some(name) = name else { continue };
            let prefix = slot_prefix(slot);
            let path = format!("{EXTERNAL_SECRETS}/namespaces/{name}/externalsecrets");
            objects.extend(by_name(&prefix, &path));
            secrets.extend(by_name(&prefix, &format!("api/v1/namespaces/{name}/secrets")));
        }
        for (number, spec) in self.fleet.sources.iter().enumerate() {
            let prefix = spec.placed.map(|it| slot_prefix(it.slot)).unwrap_or_default();
            let name = format!("{prefix}{}", spec.name);
            let target = self.target(number, objects.get(&name), secrets.get(&spec.key()));
            wrong.extend(target.err().map(|it| format!("{name}: {it}")));
        }
        wrong
    }

    /// Whether a ClusterExternalSecret says where it has made something.
    fn provisioned(&self, cluster: usize) -> Result<(), String> {
        let name = objects::cluster_name(&self.namespace, cluster);
        let path = format!("{EXTERNAL_SECRETS}/clusterexternalsecrets/{name}");
        let (_, object) = self.api.ask("GET", &path, None, "");
        let slots = self.slots.iter().enumerate();
        let selected = slots.filter(|(slot, _)| self.model.slot(*slot) == Some(true));
        let mut wanted: Vec<&str> = selected.filter_map(|(_, name)| name.as_deref()).collect();
        wanted.sort_unstable();
        let told = object["status"]["provisionedNamespaces"].as_array().into_iter().flatten();
        let told: Vec<&str> = told.filter_map(Value::as_str).collect();
        if told == wanted {
            Ok(())
        } else {
            Err(format!("{name} says that it is in {told:?}, not {wanted:?}: {}", object["status"]))
        }
    }

    /// Whether all that a workload reads is there.
    fn can_run(&self, judged: &Judged, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        content(&judged.secrets, self.fleet, name).is_some()
    }

    /// Whether what a workload reads is certainly called managed: without its label, nothing of it is noted,
    /// and what cannot be refreshed does not get it back.
    fn is_managed(&self, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let consumer = self.fleet.consumers.iter().find(|it| it.name == name);
        consumer.is_some_and(|it| {
            self.fleet.sources[it.source].follows()
                && matches!(self.model.wanted(it.source), Some(Wanted::Data(_)))
        })
    }

    fn target(
        &self,
        number: usize,
        object: Option<&Value>,
        secret: Option<&Value>,
    ) -> Result<(), String> {
        let spec = &self.fleet.sources[number];
        let is_its = spec.holder.is_none() && !self.model.is_seized(number);
        let Some(wanted) = self.model.wanted(number) else {
            return match secret {
                Some(_) if spec.creation == Creation::Owner && is_its => {
                    Err("its target is still there".to_owned())
                }
                _ => Ok(()),
            };
        };
        let object = object.ok_or("there is no such object")?;
        let says = ready(object).map(|it| it["status"].clone()).unwrap_or_default();
        if wanted == Wanted::Theirs {
            if says != "False" {
                return Err(format!("Ready is {says} of what is somebody else's"));
            }
            let data = secret.map(crate::watch::data).unwrap_or_default();
            let is_kept =
                data.len() == 1 && data.get(THEIRS).is_some_and(|it| it == objects::FOREIGN);
            return if is_its || spec.holder.is_some() || is_kept {
                Ok(())
            } else {
                Err(format!("what is somebody else's holds {data:?}"))
            };
        }
        // Who is told of changes does not look for them, nor at a store that is gone.
        if spec.follows() && (spec.interval != BY_EVENT || wanted != Wanted::Kept) {
            let expected = if wanted == Wanted::Kept { "False" } else { "True" };
            // A search that finds nothing is no failure.
            let nothing = spec.shape == crate::plan::Shape::Find
                && wanted == Wanted::Kept
                && self.model.has_store(spec.store);
            if says != *expected && !nothing {
                return Err(format!("Ready is {says}, not {expected}: {}", object["status"]));
            }
        }
        let mut data: Option<Data> = secret.map(crate::watch::data);
        if let Some(data) = &mut data
            && spec.creation == Creation::Merge
            && data.remove(THEIRS).as_deref() != Some(objects::FOREIGN)
        {
            return Err("what was there before is gone".to_owned());
        }
        match (wanted, data) {
            (Wanted::Deleted, Some(_)) => Err("its target is still there".to_owned()),
            (Wanted::Data(_), None) if spec.follows() || spec.creation == Creation::Owner => {
                Err("there is no target".to_owned())
            }
            (Wanted::Kept | Wanted::Theirs, _) | (_, None) => Ok(()),
            (Wanted::Data(_), Some(data)) if self.model.accepts(number, &data) => {
                let owner = secret
                    .and_then(|it| it["metadata"]["ownerReferences"][0]["uid"].as_str())
                    .map(str::to_owned);
                let uid = object["metadata"]["uid"].as_str().map(str::to_owned);
                if spec.creation == Creation::Owner && owner != uid {
                    return Err("its target has another owner".to_owned());
                }
                Ok(())
            }
            (Wanted::Data(wanted), Some(data)) => {
                // The values are no secret: they are made up.
                Err(format!("its target holds {data:?}, not {wanted:?}"))
            }
        }
    }

    pub(super) fn end(mut self) -> Outcome {
        if self.is_right {
            self.count_reads();
        }
        if !self.clock.users().is_ok_and(|count| count > 0) {
            let text = "no controller has had it: a program that is linked statically cannot";
            self.find("clock", text.to_owned());
        }
        let judged = self.judge();
        self.outcome.restarts = judged.restarts();
        self.outcome.writes = judged.writes;
        self.outcome.findings.extend(judged.findings);
        let metrics: Vec<_> = self
            .controllers
            .iter()
            .filter(|it| it.addresses().is_some())
            .filter_map(|it| it.get("/metrics").ok())
            .collect();
        for (_, text) in metrics {
            self.keeps_quiet("/metrics", &text);
        }
        let mut paths = vec![
            self.core("events"),
            self.ours("externalsecrets"),
            self.ours("secretstores"),
            format!("{EXTERNAL_SECRETS}/clusterexternalsecrets"),
        ];
        paths.extend(Kind::ALL.map(|kind| self.workloads(kind)));
        paths.extend(self.slots.iter().flatten().flat_map(|it| {
            [
                format!("api/v1/namespaces/{it}/events"),
                format!("{EXTERNAL_SECRETS}/namespaces/{it}/externalsecrets"),
            ]
        }));
        for path in paths {
            let (_, list) = self.api.ask("GET", &path, None, "");
            self.keeps_quiet(&path, &list.to_string());
        }
        for controller in std::mem::take(&mut self.controllers) {
            let printed = controller.kill();
            self.hear(&printed);
        }
        let calls = self.aws.counters().snapshot();
        let reads: u64 = calls
            .iter()
            .filter(|(name, _)| name.starts_with("secretsmanager:") || name.starts_with("ssm:"))
            .map(|(_, count)| *count)
            .sum();
        self.outcome.reads = reads;
        let seconds = usize::try_from(self.begun.elapsed().as_secs()).unwrap_or(usize::MAX);
        // Each refresh reads each secret once, with what failed once more, and each start and edit may.
        let rounds = seconds + self.outcome.starts + self.outcome.operations;
        let most = 3 * rounds * self.fleet.remotes.len();
        if usize::try_from(reads).unwrap_or(usize::MAX) > most {
            self.find("calls", format!("{reads} reads of AWS, {most} at most"));
        }
        let most = 2 * self.reasons;
        if self.outcome.writes > most {
            let writes = self.outcome.writes;
            self.find("calls", format!("{writes} writes of targets, {most} at most"));
        }
        for cluster in 0..self.fleet.clusters {
            let name = objects::cluster_name(&self.namespace, cluster);
            self.delete(&format!("{EXTERNAL_SECRETS}/clusterexternalsecrets/{name}"));
        }
        if self.fleet.clusters > 0 {
            let name = &self.namespace;
            self.delete(&format!("{EXTERNAL_SECRETS}/clustersecretstores/{name}"));
        }
        let slots = std::mem::take(&mut self.slots);
        for name in slots.into_iter().flatten().chain([self.namespace.clone()]) {
            self.delete(&format!("api/v1/namespaces/{name}"));
        }
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.findings.sort();
        outcome.findings.dedup();
        outcome
    }
}
