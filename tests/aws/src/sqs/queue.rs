//! A queue, and the rules by which its messages come and go.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use crate::clock::later;
use crate::ids::{Ids, hex};
use crate::policy::Policy;

/// Where a queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn new(account: &str, region: &str, name: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() }
    }

    /// The account and the name are the last two parts of a queue's URL.
    pub(super) fn of_url(url: &str, region: &str) -> Option<Self> {
        let mut parts = url.rsplit('/');
        let (name, account) = (parts.next()?, parts.next()?);
        (!name.is_empty()).then(|| Self::new(account, region, name))
    }

    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.strip_prefix("arn:aws:sqs:")?.splitn(3, ':');
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self::new(account, region, name))
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }
}

/// All queues of everybody.
#[derive(Debug, Default)]
pub(crate) struct Store {
    regions: HashMap<(String, String), BTreeMap<String, Queue>>,
}

impl Store {
    pub(super) fn region(&mut self, place: &Place) -> &mut BTreeMap<String, Queue> {
        self.regions.entry((place.account.clone(), place.region.clone())).or_default()
    }

    pub(crate) fn get_mut(&mut self, place: &Place) -> Option<&mut Queue> {
        self.region(place).get_mut(&place.name)
    }

    /// The queues of an account and region.
    pub(crate) fn all(&mut self, account: &str, region: &str) -> impl Iterator<Item = &mut Queue> {
        self.region(&Place::new(account, region, "")).values_mut()
    }
}

/// What a queue can be told.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) visibility: Duration,
    pub(super) wait: Duration,
    pub(super) delay: Duration,
    pub(super) retention: Duration,
    pub(super) max_size: usize,
    /// Where messages go that were received too often, and how often that is.
    pub(super) redrive: Option<(Place, u32)>,
}

/// Which events a queue gets, as an EventBridge rule would send them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subscription {
    /// Those that services send themselves: `Secret Label Updated`, `Parameter Store Change`.
    pub(crate) native: bool,
    /// Those that CloudTrail makes of API calls.
    pub(crate) api_calls: bool,
}

/// A standard queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) settings: Settings,
    pub(super) policy: Option<Policy>,
    pub(super) policy_text: Option<String>,
    pub(super) created: Timestamp,
    pub(crate) subscription: Subscription,
    pub(super) messages: Vec<Message>,
}

/// A message. Its `Debug` does not show the body.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: Map<String, Value>,
    pub(super) sent: Timestamp,
    pub(super) sender: String,
    /// Hidden before: it is delayed, or somebody works on it.
    pub(super) visible: Timestamp,
    pub(super) received: u32,
    pub(super) first_received: Option<Timestamp>,
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(settings: Settings, now: Timestamp) -> Self {
        Self {
            settings,
            policy: None,
            policy_text: None,
            created: now,
            subscription: Subscription::default(),
            messages: Vec::new(),
        }
    }

    /// Adds a message and returns its id.
    pub(crate) fn send(&mut self, body: &str, sender: &str, ids: &Ids, now: Timestamp) -> String {
        let id = ids.uuid();
        self.messages.push(Message {
            id: id.clone(),
            body: body.to_owned(),
            attributes: Map::new(),
            sent: now,
            sender: sender.to_owned(),
            visible: later(now, self.settings.delay),
            received: 0,
            first_received: None,
        });
        id
    }

    /// Takes out what was received too often, and returns it.
    pub(super) fn take_poisoned(&mut self, now: Timestamp) -> Vec<Message> {
        let Some((_, most)) = self.settings.redrive else { return Vec::new() };
        let is_poisoned =
            |message: &mut Message| message.visible <= now && message.received >= most;
        self.messages.extract_if(.., is_poisoned).collect()
    }

    /// Hides up to `max` visible messages and returns them; they come back after `hidden`.
    pub(super) fn receive(
        &mut self,
        max: usize,
        hidden: Duration,
        now: Timestamp,
    ) -> Vec<&Message> {
        let retention = self.settings.retention;
        self.messages.retain(|message| later(message.sent, retention) > now);
        let mut taken = Vec::new();
        for message in self.messages.iter_mut().filter(|message| message.visible <= now).take(max) {
            message.visible = later(now, hidden);
            message.received += 1;
            message.first_received.get_or_insert(now);
            taken.push(&*message);
        }
        taken
    }

    /// When the next hidden message comes back.
    pub(super) fn next_visible(&self, now: Timestamp) -> Option<Timestamp> {
        self.messages.iter().map(|message| message.visible).filter(|at| *at > now).min()
    }

    /// How many messages are there to receive, are worked on, and are delayed.
    pub(crate) fn counts(&self, now: Timestamp) -> (usize, usize, usize) {
        let (mut ready, mut busy, mut delayed) = (0, 0, 0);
        for message in &self.messages {
            match (message.visible <= now, message.received) {
                (true, _) => ready += 1,
                (false, 0) => delayed += 1,
                (false, _) => busy += 1,
            }
        }
        (ready, busy, delayed)
    }
}

impl Message {
    /// As `ReceiveMessage` answers it, with the attributes that are wanted.
    pub(super) fn answer(&self, handle: &str, system: &[String], own: &[String]) -> Value {
        let mut answer = json!({
            "MessageId": self.id,
            "ReceiptHandle": handle,
            "MD5OfBody": md5_hex(self.body.as_bytes()),
            "Body": self.body,
        });
        let millis = |moment: Timestamp| json!(moment.as_millisecond().to_string());
        let all = [
            ("SenderId", json!(self.sender)),
            ("SentTimestamp", millis(self.sent)),
            ("ApproximateReceiveCount", json!(self.received.to_string())),
            ("ApproximateFirstReceiveTimestamp", millis(self.first_received.unwrap_or(self.sent))),
        ];
        let is_wanted = |name: &str| system.iter().any(|wanted| wanted == "All" || wanted == name);
        let wanted: Map<String, Value> = all
            .into_iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if !wanted.is_empty() {
            answer["Attributes"] = Value::Object(wanted);
        }
        let is_wanted = |name: &String| {
            own.iter().any(|wanted| {
                let prefix = wanted.strip_suffix(".*").or_else(|| wanted.strip_suffix('*'));
                wanted == "All" || wanted == name || prefix.is_some_and(|p| name.starts_with(p))
            })
        };
        let wanted: Map<String, Value> = self
            .attributes
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !wanted.is_empty() {
            answer["MessageAttributes"] = Value::Object(wanted);
        }
        answer
    }
}

/// MD5 is what the API has; nothing relies on it.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(redrive: Option<u32>) -> Queue {
        let settings = Settings {
            visibility: Duration::from_secs(30),
            wait: Duration::ZERO,
            delay: Duration::ZERO,
            retention: Duration::from_hours(96),
            max_size: 1024,
            redrive: redrive.map(|most| (Place::new("1", "r", "dead"), most)),
        };
        Queue::new(settings, Timestamp::UNIX_EPOCH)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_received_message_is_hidden_for_a_while() {
        let mut queue = queue(None);
        queue.send("a", "me", &Ids::new(0), at(0));
        let hidden = Duration::from_secs(30);
        assert_eq!(queue.receive(10, hidden, at(0)).len(), 1);
        assert_eq!(queue.counts(at(29)), (0, 1, 0));
        assert_eq!(queue.next_visible(at(29)), Some(at(30)));
        assert!(queue.receive(10, hidden, at(29)).is_empty());
        assert_eq!(queue.receive(10, hidden, at(30))[0].received, 2);
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut queue = queue(None);
        queue.send("a", "me", &Ids::new(0), at(0));
        assert!(queue.receive(10, Duration::ZERO, at(96 * 3600)).is_empty());
        assert_eq!(queue.counts(at(96 * 3600)), (0, 0, 0));
    }

    #[test]
    fn a_message_that_nobody_can_handle_is_taken_out() {
        let mut queue = queue(Some(2));
        queue.send("a", "me", &Ids::new(0), at(0));
        for _ in 0..2 {
            assert!(queue.take_poisoned(at(0)).is_empty());
            assert_eq!(queue.receive(1, Duration::ZERO, at(0)).len(), 1);
        }
        assert_eq!(queue.take_poisoned(at(0)).len(), 1);
    }

    #[test]
    fn addresses_are_read() {
        let place = Place::of_url("http://127.0.0.1:1/123/name", "r").unwrap();
        assert_eq!(place, Place::new("123", "r", "name"));
        assert_eq!(Place::of_arn(&place.arn()), Some(place));
        assert_eq!(Place::of_url("name", "r"), None);
        assert_eq!(md5_hex(b"This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
    }
}
