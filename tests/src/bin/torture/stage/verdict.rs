//! What is right on the stage, and what is not.

use std::collections::BTreeMap;

use extsecret_tests::fleet::ready;
use serde_json::Value;

use super::{Outcome, Stage};
use crate::history::{Data, Deeds, Finding, Judged, THEIRS, content, judge};
use crate::model::{CANARY, Wanted};
use crate::objects;
use crate::plan::Creation;

/// Base64 of [`CANARY`], as far as it does not depend on what follows.
const ENCODED: &str = "Q0FOQVJZ";

impl Stage<'_> {
    /// What a controller has printed.
    pub(super) fn hear(&mut self, printed: &str) {
        if let Some(line) = printed.lines().find(|line| line.contains("panicked")) {
            self.find("panic", line.to_owned());
        }
        self.keeps_quiet("the log", printed);
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
        let mut deeds =
            Deeds { ours: self.deeds.ours.clone(), permits: self.deeds.permits.clone() };
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
        let deployments = list(&self.deployments());
        if self.employs && deployments.len() != self.fleet.consumers.len() {
            wrong.push("there are not all workloads".to_owned());
        }
        // Pods whose Secret or key is not there wait for it.
        for object in deployments.iter().filter(|it| self.can_run(&judged, it)) {
            let annotations = &object["metadata"]["annotations"];
            // Without it, only time could tell what its pods have.
            if annotations["extsecret.io/restart"] == "auto"
                && annotations["extsecret.io/restart-record"].is_null()
            {
                wrong.push(format!("{} has no record", object["metadata"]["name"]));
            }
            let (status, generation) = (&object["status"], &object["metadata"]["generation"]);
            let is_done = status["observedGeneration"] == *generation
                && ["updatedReplicas", "replicas", "availableReplicas"]
                    .iter()
                    .all(|it| status[it] == 1);
            if !is_done {
                wrong.push(format!("{} is not rolled out", object["metadata"]["name"]));
            }
        }
        let objects: BTreeMap<String, Value> = list(&self.ours("externalsecrets"))
            .into_iter()
            .map(|it| (it["metadata"]["name"].as_str().unwrap_or_default().to_owned(), it))
            .collect();
        let secrets: BTreeMap<String, Value> = list(&self.core("secrets"))
            .into_iter()
            .map(|it| (it["metadata"]["name"].as_str().unwrap_or_default().to_owned(), it))
            .collect();
        for number in 0..self.fleet.sources.len() {
            let name = &self.fleet.sources[number].name;
            let target = self.target(number, objects.get(name), secrets.get(name));
            wrong.extend(target.err().map(|it| format!("{name}: {it}")));
        }
        wrong
    }

    /// Whether all that a workload reads is there.
    fn can_run(&self, judged: &Judged, object: &Value) -> bool {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        content(&judged.secrets, self.fleet, name).is_some()
    }

    fn target(
        &self,
        number: usize,
        object: Option<&Value>,
        secret: Option<&Value>,
    ) -> Result<(), String> {
        let spec = &self.fleet.sources[number];
        let Some(wanted) = self.model.wanted(number) else {
            return match secret {
                Some(_) if spec.creation == Creation::Owner && !spec.foreign => {
                    Err("its target is still there".to_owned())
                }
                _ => Ok(()),
            };
        };
        let object = object.ok_or("there is no such object")?;
        let says = ready(object).map(|it| it["status"].clone()).unwrap_or_default();
        if spec.foreign {
            return if says == "True" { Err("it is ready".to_owned()) } else { Ok(()) };
        }
        if spec.follows() {
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
            (Wanted::Kept, _) | (_, None) => Ok(()),
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
        let paths = [
            self.core("events"),
            self.ours("externalsecrets"),
            self.ours("secretstores"),
            self.deployments(),
        ];
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
            .filter(|(name, _)| name.starts_with("secretsmanager:"))
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
        let path = format!("api/v1/namespaces/{}", self.namespace);
        self.delete(&path);
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.findings.sort();
        outcome.findings.dedup();
        outcome
    }
}
