//! What is done to a fleet on purpose.

use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::EXTERNAL_SECRETS;
use serde_json::{Value, json};

use super::Stage;
use crate::history::THEIRS;
use crate::model::{Model, Permit, Presence, TAMPER, text};
use crate::objects;
use crate::plan::{CLUSTER_STORE, Fault, Operation, Source, slot_prefix};
use crate::watch::revision_of;

/// How often it is tried to take a Secret that others write at the same time.
const TRIES: usize = 30;

impl Stage<'_> {
    pub(super) fn perform(&mut self, operation: &Operation) {
        let revision = self.revision();
        self.number += 1;
        let number = self.number;
        let fleet = self.fleet;
        let reads = |remote: usize| {
            let all = fleet.sources.iter().flat_map(|it| &it.remotes);
            all.filter(|it| it.contains(&remote)).count()
        };
        self.reasons += match *operation {
            Operation::Put { remote, .. }
            | Operation::Remove(remote)
            | Operation::Schedule(remote)
            | Operation::Restore(remote) => reads(remote),
            Operation::Fault(Fault::Conflicts)
            | Operation::RetargetCluster(_)
            | Operation::CreateCluster(_)
            | Operation::CreateSlot(_)
            | Operation::Select(_) => fleet.sources.len(),
            _ => 1,
        };
        let presence = |model: &Model<'_>, it: usize| model.world()[it].presence;
        let was_scheduled = matches!(
            *operation,
            Operation::Restore(it) if presence(&self.model, it) == Presence::Scheduled
        );
        self.model.apply(operation);
        self.permit(revision, operation);
        match *operation {
            Operation::Restore(remote) if was_scheduled => {
                let name = json!({ "SecretId": fleet.remotes[remote] });
                self.aws.secrets().act("RestoreSecret", &name);
            }
            Operation::Put { remote, .. } | Operation::Restore(remote) => self.put(remote),
            Operation::Remove(remote) if fleet.is_parameter(remote) => {
                self.aws.parameters().delete(&fleet.remotes[remote]);
            }
            Operation::Remove(remote) => self.aws.secrets().delete(&fleet.remotes[remote]),
            Operation::Schedule(remote) => {
                let name = json!({ "SecretId": fleet.remotes[remote] });
                self.aws.secrets().act("DeleteSecret", &name);
            }
            Operation::Touch(it) => {
                let change =
                    json!({ "metadata": { "annotations": { "force-sync": number.to_string() } } });
                self.write("PATCH", &self.source(it), &change);
            }
            Operation::Retarget(it) | Operation::EditTemplate(it) => {
                let object =
                    objects::external_secret(fleet, &fleet.sources[it], self.model.variant(it));
                let change = json!({ "spec": object["spec"] });
                self.write("PATCH", &self.source(it), &change);
            }
            Operation::DeleteSource(it) => {
                self.delete(&self.source(it));
            }
            Operation::CreateSource(it) => self.create_source(it),
            Operation::DeleteSecret(it) => {
                self.delete(&self.secret(it));
            }
            Operation::Seize(it) => self.seize(it),
            Operation::Race(it) => {
                let remote = fleet.sources[it].remotes[self.model.variant(it) & 1][0];
                self.trouble(Fault::ApiSlow);
                self.perform(&Operation::Put { remote, user: true });
                self.perform(&Operation::Touch(it));
                // Somewhere between the controller's question and its answer.
                thread::sleep(Duration::from_millis((number as u64 * 97) % 800));
                self.perform(&Operation::Seize(it));
            }
            Operation::Yield(it) => {
                if let Some(from) = self.theirs.remove(&it) {
                    self.deeds.theirs.push((it, from, revision));
                }
                self.delete(&self.secret(it));
            }
            Operation::Tamper(it) => self.tamper(it),
            Operation::LabelSecret(it) => self.label(it),
            Operation::StripManaged(it) => {
                let change = json!({ "metadata": {
                    "labels": { "reconcile.external-secrets.io/managed": null },
                    "annotations": { "example.test/number": number.to_string() },
                } });
                self.write("PATCH", &self.secret(it), &change);
            }
            Operation::DeleteStore(it) => {
                let path = self.ours(&format!("secretstores/{}", objects::store_name(it)));
                self.delete(&path);
            }
            Operation::CreateStore(it) => self.create_store(it),
            Operation::Select(it) => {
                let selected = self.model.slot(it) == Some(true);
                let change = json!({ "metadata": { "labels": {
                    "selected": if selected { "yes" } else { "no" } } } });
                if let Some(name) = self.slots[it].clone() {
                    self.write("PATCH", &format!("api/v1/namespaces/{name}"), &change);
                }
            }
            Operation::DeleteSlot(it) => self.delete_slot(it),
            Operation::CreateSlot(it) => self.create_slot(it),
            Operation::CreateCluster(it) => self.create_cluster(it),
            Operation::DeleteCluster(it) => self.delete(&self.cluster(it)),
            Operation::RetargetCluster(it) => {
                let change = json!({ "spec": self.cluster_object(it)["spec"] });
                self.write("PATCH", &self.cluster(it), &change);
            }
            Operation::TouchCluster(it) => {
                let change = json!({ "metadata": { "annotations": {
                    "external-secrets.io/force-sync": number.to_string() } } });
                self.write("PATCH", &self.cluster(it), &change);
            }
            Operation::EditConsumer(it) => {
                let labels = json!({ "edit": number.to_string() });
                let change =
                    json!({ "spec": { "template": { "metadata": { "labels": labels } } } });
                self.change_consumer(it, &change);
            }
            Operation::StripRecord(it) => {
                self.deeds.stripped.push((fleet.consumers[it].name.clone(), revision));
                let change = json!({ "metadata": { "annotations": {
                    "extsecret.io/restart-record": null,
                    "example.test/number": number.to_string(),
                } } });
                self.change_consumer(it, &change);
            }
            Operation::Fault(fault) => {
                *self.outcome.faults.entry(fault).or_default() += 1;
                self.trouble(fault);
            }
            Operation::Rest => {}
        }
    }

    pub(super) fn permit(&mut self, revision: u64, operation: &Operation) {
        let mut permits = self.model.permits();
        match *operation {
            Operation::DeleteSecret(it) | Operation::Yield(it) => {
                permits.insert((it, Permit::Vanish));
            }
            // Its ClusterExternalSecret makes it again.
            Operation::DeleteSource(it) if self.fleet.sources[it].placed.is_some() => {
                permits.insert((it, Permit::Vanish));
            }
            // A controller may look at it after it is there again.
            Operation::Tamper(it) => {
                permits.insert((it, Permit::LoseKeys));
            }
            _ => {}
        }
        for permit in permits {
            self.open.entry(permit).or_insert(revision);
        }
    }

    pub(super) fn put(&mut self, remote: usize) {
        self.told = remote;
        let name = &self.fleet.remotes[remote];
        let text = text(name, self.model.world()[remote]);
        if self.fleet.is_parameter(remote) {
            self.aws.parameters().put(name, &text);
        } else {
            self.aws.secrets().put(name, &text);
        }
    }

    pub(super) fn create_store(&mut self, number: usize) {
        let role = self.role();
        let role = (number == 1).then_some(&*role);
        let store = objects::store(&self.namespace, number, self.aws.region(), role);
        let path = if number == CLUSTER_STORE {
            format!("{EXTERNAL_SECRETS}/clustersecretstores")
        } else {
            self.ours("secretstores")
        };
        self.write("POST", &path, &store);
    }

    pub(super) fn create_source(&mut self, number: usize) {
        let variant = self.model.variant(number);
        let object = objects::external_secret(self.fleet, &self.fleet.sources[number], variant);
        self.write("POST", &self.ours("externalsecrets"), &object);
    }

    pub(super) fn create_slot(&mut self, slot: usize) {
        self.made += 1;
        let name = format!("{}-{}", self.namespace, self.made);
        let object = json!({ "metadata": { "name": name,
            "labels": { "torture": self.namespace, "selected": "yes" } } });
        self.write("POST", "api/v1/namespaces", &object);
        self.watch.more(self.api, &name, &slot_prefix(slot));
        self.slots[slot] = Some(name);
    }

    fn delete_slot(&mut self, slot: usize) {
        if let Some(name) = self.slots[slot].take() {
            self.delete(&format!("api/v1/namespaces/{name}"));
        }
    }

    fn cluster(&self, number: usize) -> String {
        let name = objects::cluster_name(&self.namespace, number);
        format!("{EXTERNAL_SECRETS}/clusterexternalsecrets/{name}")
    }

    fn cluster_object(&self, number: usize) -> Value {
        let is_its = |it: &&Source| it.placed.is_some_and(|it| it.cluster == number);
        let Some(source) = self.fleet.sources.iter().find(is_its) else { return Value::Null };
        let variant = self.model.cluster_variant(number);
        objects::cluster_external_secret(self.fleet, source, variant, &self.namespace, number)
    }

    pub(super) fn create_cluster(&mut self, number: usize) {
        let path = format!("{EXTERNAL_SECRETS}/clusterexternalsecrets");
        let object = self.cluster_object(number);
        self.write("POST", &path, &object);
    }

    /// Makes a Secret that of somebody else, with another content, however often it is written meanwhile.
    fn seize(&mut self, it: usize) {
        let object = objects::seized(&self.fleet.sources[it].target, &self.owner);
        for _ in 0..TRIES {
            let (status, secret) = self.api.ask("GET", &self.secret(it), None, "");
            let (status, answer) = if status == 200 {
                let mut object = object.clone();
                object["metadata"]["resourceVersion"] =
                    secret["metadata"]["resourceVersion"].clone();
                self.write("PUT", &self.secret(it), &object)
            } else {
                self.write("POST", &self.core("secrets"), &object)
            };
            if matches!(status, 200 | 201) {
                self.theirs.insert(it, revision_of(&answer).unwrap_or_default());
                return;
            }
        }
        self.find("stage", "a Secret could not be taken".to_owned());
    }

    pub(super) fn delete(&mut self, path: &str) {
        let options = json!({ "propagationPolicy": "Background" });
        self.write("DELETE", path, &options);
    }

    fn tamper(&mut self, it: usize) {
        let (status, secret) = self.api.ask("GET", &self.secret(it), None, "");
        let key = crate::watch::data(&secret).into_keys().find(|key| key != THEIRS);
        if let (200, Some(key)) = (status, key) {
            let value = STANDARD.encode(format!("{TAMPER}.{}", self.number));
            self.write("PATCH", &self.secret(it), &json!({ "data": { key: value } }));
        }
    }

    pub(super) fn label(&mut self, it: usize) {
        let number = self.number.to_string();
        let change = json!({ "metadata": { "labels": { "example.test/number": number } } });
        self.write("PATCH", &self.secret(it), &change);
    }

    fn change_consumer(&mut self, it: usize, change: &Value) {
        let consumer = &self.fleet.consumers[it];
        let path = format!("{}/{}", self.workloads(consumer.kind), consumer.name);
        self.write("PATCH", &path, change);
    }
}
