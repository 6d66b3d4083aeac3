//! Trouble that a controller gets into.

use std::time::Duration;

use extsecret_tests::aws::{Effect, Rule};
use serde_json::{Value, json};

use super::{END, QUEUE, Stage};
use crate::objects;
use crate::passage::Way;
use crate::plan::{Fault, Operation, Queue};

const POLICIES: &str = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

impl Stage<'_> {
    pub(super) fn trouble(&mut self, fault: Fault) {
        let all = |effect: Effect| Rule::on("*").percent(50).effect(effect);
        let aws = |effect: Effect| {
            self.aws.faults().add(all(effect));
        };
        match fault {
            Fault::Kill => {
                let first = self.controllers.remove(0);
                let printed = first.kill();
                self.hear(&printed);
                let next = self.spawn();
                self.controllers.push(next);
            }
            Fault::Terminate => self.terminate(),
            Fault::Stop => self.controllers[0].signal("STOP"),
            Fault::Continue => self.carry_on(),
            Fault::ApiRefused => self.api_way.set(Way::Refused),
            Fault::ApiSilent => self.api_way.set(Way::Silent),
            Fault::ApiSlow => self.api_way.set(Way::Slow),
            Fault::ApiCut => self.api_way.set(Way::Cut),
            Fault::ApiBack => self.api_way.set(Way::Open),
            Fault::AwsRefused => self.aws_way.set(Way::Refused),
            Fault::AwsSilent => self.aws_way.set(Way::Silent),
            Fault::AwsSlow => self.aws_way.set(Way::Slow),
            Fault::AwsCut => self.aws_way.set(Way::Cut),
            Fault::AwsBack => self.aws_way.set(Way::Open),
            Fault::Throttled => aws(Effect::throttled()),
            Fault::InternalError => aws(Effect::error(500, "InternalServiceError", "try again")),
            Fault::Gateway => aws(Effect::Gateway { status: 503 }),
            Fault::Reset => aws(Effect::Reset),
            Fault::ResetAfter => aws(Effect::ResetAfter),
            Fault::Truncated => aws(Effect::Truncated),
            Fault::SlowBody => aws(Effect::SlowBody { millis: 1500 }),
            Fault::Garbage => aws(Effect::Garbage),
            Fault::Hang => aws(Effect::Hang),
            Fault::AwsRight => self.aws.faults().clear(),
            Fault::ClockOfAws => self.aws.clock().advance(Duration::from_hours(2)),
            Fault::ClockAhead => self.set_clock(2),
            Fault::ClockFarAhead => self.set_clock(26),
            Fault::ClockBehind => self.set_clock(-2),
            Fault::ClockRight => self.set_clock(0),
            Fault::Conflicts => (0..self.fleet.sources.len())
                .filter(|it| self.model.is_possible(&Operation::LabelSecret(*it)))
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|it| self.label(it)),
            Fault::Denied if !self.denies => {
                self.denies = true;
                let [policy, binding] = objects::denial(&self.namespace);
                self.write("POST", POLICIES, &policy);
                self.write("POST", BINDINGS, &binding);
            }
            Fault::Allowed if self.denies => {
                self.denies = false;
                for folder in [BINDINGS, POLICIES] {
                    self.delete(&format!("{folder}/{}", self.namespace));
                }
            }
            Fault::OneDenied => self.one(&Effect::error(400, "AccessDeniedException", "denied")),
            Fault::OneFails => self.one(&Effect::error(500, "InternalServiceError", "try again")),
            Fault::QueueFails => {
                let effect = Effect::error(500, "InternalError", "try again");
                self.aws.faults().add(Rule::on("sqs:*").percent(50).effect(effect));
            }
            Fault::EventsLost if self.fleet.queue == Queue::Lossy => {
                let queue = format!("{}/{}/{QUEUE}", self.aws.endpoint(), self.aws.account());
                self.aws.queues().act("PurgeQueue", &json!({ "QueueUrl": queue }));
            }
            Fault::EventsDoubled if self.fleet.queue != Queue::None => {
                (0..3).for_each(|_| self.tell(self.told));
            }
            Fault::EventsOld if self.fleet.queue != Queue::None => {
                (0..5).for_each(|it| self.tell((self.number + it) % self.fleet.remotes.len()));
            }
            Fault::Poison if self.fleet.queue != Queue::None => {
                let nothing = self.event("nothing/like/it");
                let broken = json!({ "detail-type": "Secret Label Updated", "detail": 7 });
                for body in ["no event", "{}", &broken.to_string(), &nothing.to_string()] {
                    self.aws.queues().send(QUEUE, body);
                }
            }
            Fault::Denied
            | Fault::Allowed
            | Fault::EventsLost
            | Fault::EventsDoubled
            | Fault::EventsOld
            | Fault::Poison => {}
        }
    }

    /// Sets the controllers' clock so many hours ahead.
    fn set_clock(&mut self, hours: i64) {
        if let Err(error) = self.clock.set(hours * 3600) {
            self.find("clock", format!("{error:#}"));
        }
    }

    /// Trouble with one secret, alone and among others.
    fn one(&self, effect: &Effect) {
        let name = &self.fleet.remotes[self.number % self.fleet.remotes.len()];
        for service in ["secretsmanager:*", "ssm:*"] {
            self.aws.faults().add(Rule::on(service).resource(name).effect(effect.clone()));
        }
    }

    /// An event as Secrets Manager sends it, of a version that is long over.
    fn event(&self, name: &str) -> Value {
        json!({
            "version": "0", "id": format!("torture-{}", self.number),
            "detail-type": "Secret Label Updated", "source": "aws.secretsmanager",
            "account": self.aws.account(), "time": "2020-01-01T00:00:00Z",
            "region": self.aws.region(), "resources": [],
            "detail": { "name": name, "labelUpdated": "AWSCURRENT", "versionId": "long-over" },
        })
    }

    /// Tells of a change once more.
    fn tell(&self, remote: usize) {
        let mut event = self.event(&self.fleet.remotes[remote]);
        if self.fleet.is_parameter(remote) {
            event["detail-type"] = json!("Parameter Store Change");
            event["source"] = json!("aws.ssm");
            event["detail"] = json!({ "name": self.fleet.remotes[remote],
                "type": "SecureString", "operation": "Update" });
        }
        self.aws.queues().send(QUEUE, &event.to_string());
    }

    pub(super) fn carry_on(&mut self) {
        self.supervise();
        for controller in &self.controllers {
            controller.signal("CONT");
        }
    }

    pub(super) fn terminate(&mut self) {
        self.carry_on();
        let mut first = self.controllers.remove(0);
        first.signal("TERM");
        if first.wait_for_end(END).is_none() {
            self.find("does-not-end", format!("after SIGTERM, in {END:?}"));
        }
        let printed = first.kill();
        self.hear(&printed);
        let next = self.spawn();
        self.controllers.push(next);
    }
}
