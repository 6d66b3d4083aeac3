//! SQS, as far as whoever reads one queue needs it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};

use super::call::{Caller, Group, Retry};
use super::error::Call;
use super::store::is_region;
use super::tally::Api;
use crate::provider::ProviderError;

/// Most messages that one call takes or brings.
pub(crate) const BATCH: usize = 10;

/// How long SQS waits for a message, at most.
pub(crate) const WAIT: Duration = Duration::from_secs(20);

/// Which queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    url: String,
    name: String,
    region: Option<String>,
}

impl Address {
    /// Reads the URL of a queue. Its host tells the region, unless `region` does.
    pub(crate) fn parse(url: &str, region: Option<&str>) -> Result<Self, ProviderError> {
        let wrong = |what: &str| {
            ProviderError::Invalid(format!(
                "the queue URL {url:?} {what}; it is like \
                 https://sqs.eu-west-1.amazonaws.com/123456789012/name"
            ))
        };
        if let Some(region) = region.filter(|region| !is_region(region)) {
            return Err(ProviderError::Invalid(format!(
                "{region:?} is not the name of an AWS region, such as eu-west-1"
            )));
        }
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| wrong("does not begin with https://"))?;
        let mut parts = rest.split('/');
        let host = parts.next().unwrap_or_default();
        let (Some(account), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("does not end with an account and a name"));
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let plain = name.strip_suffix(".fifo").unwrap_or(name);
        let is_name = !plain.is_empty()
            && name.len() <= 80
            && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if host.is_empty() || !is_account || !is_name {
            return Err(wrong("does not end with an account and a name"));
        }
        let region = region.map(str::to_owned).or_else(|| region_of(host));
        Ok(Self { url: url.to_owned(), name: name.to_owned(), region })
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(super) fn lacks_region(&self) -> ProviderError {
        ProviderError::Invalid(format!(
            "the queue URL {:?} names no region, and neither do environment and profile: set \
             AWS_REGION",
            self.url
        ))
    }
}

/// The region that a host of SQS is in.
fn region_of(host: &str) -> Option<String> {
    // The oldest form of all has none.
    if host == "queue.amazonaws.com" {
        return Some("us-east-1".to_owned());
    }
    // From the end: before it may stand what anybody named, such as an endpoint of a VPC.
    let mut labels = host.split(':').next().unwrap_or_default().rsplit('.');
    labels.find(|label| is_region(label)).map(str::to_owned)
}

/// A message. Without `Debug`: nobody knows what somebody may have put into a body.
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    /// How often it was received; 0 if SQS does not say.
    pub(crate) received: u32,
}

/// One queue.
pub(crate) struct Sqs {
    pub(super) client: Client,
    /// One that waits for messages.
    pub(super) patient: Client,
    pub(super) caller: Caller,
    pub(super) address: Address,
}

impl Sqs {
    pub(crate) fn name(&self) -> &str {
        &self.address.name
    }

    fn call(&self, operation: &'static str) -> Call<'_> {
        let key = Some(self.address.name.as_str());
        Call { api: Api::Sqs, operation, key, region: &self.caller.region }
    }

    /// Up to [`BATCH`] messages; none if there are none within `wait`. They are hidden from others
    /// for `hidden`. One attempt: whoever reads a queue comes back anyway.
    pub(crate) async fn receive(
        &self,
        wait: Duration,
        hidden: Duration,
    ) -> Result<Vec<Message>, ProviderError> {
        let call = self.call("ReceiveMessage");
        let caller = Caller { retry: Retry::never(), ..self.caller.clone() };
        let request = self.patient.receive_message().queue_url(&self.address.url);
        let request = request.max_number_of_messages(10).wait_time_seconds(seconds(wait));
        let request = request
            .visibility_timeout(seconds(hidden))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = caller.run(&call, Group::Queue, None, send).await?;
        let messages = answer.messages.unwrap_or_default().into_iter().filter_map(|message| {
            let attributes = message.attributes.unwrap_or_default();
            let received = attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount);
            Some(Message {
                id: message.message_id.unwrap_or_default(),
                receipt: message.receipt_handle?,
                body: message.body.unwrap_or_default(),
                received: received.and_then(|many| many.parse().ok()).unwrap_or_default(),
            })
        });
        Ok(messages.collect())
    }

    /// Deletes up to [`BATCH`] messages. Returns the indices of those that could not be deleted.
    pub(crate) async fn delete(
        &self,
        receipts: &[String],
    ) -> Result<Vec<(usize, ProviderError)>, ProviderError> {
        let call = self.call("DeleteMessageBatch");
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(receipt).build().map_err(|error| call.invalid(&error))
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = self.client.delete_message_batch().queue_url(&self.address.url);
        let request = request.set_entries(Some(entries));
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = self.caller.run(&call, Group::Queue, None, send).await?;
        Ok(failures(&call, &answer.failed))
    }

    /// Hides up to [`BATCH`] messages for `hidden` from now on. Returns the indices of those that
    /// could not be hidden.
    pub(crate) async fn hide(
        &self,
        receipts: &[String],
        hidden: Duration,
    ) -> Result<Vec<(usize, ProviderError)>, ProviderError> {
        let call = self.call("ChangeMessageVisibilityBatch");
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
            let entry = entry.receipt_handle(receipt).visibility_timeout(seconds(hidden));
            entry.build().map_err(|error| call.invalid(&error))
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = self.client.change_message_visibility_batch();
        let request = request.queue_url(&self.address.url).set_entries(Some(entries));
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = self.caller.run(&call, Group::Queue, None, send).await?;
        Ok(failures(&call, &answer.failed))
    }

    /// About how many messages wait in the queue.
    pub(crate) async fn depth(&self) -> Result<u64, ProviderError> {
        let call = self.call("GetQueueAttributes");
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.client.get_queue_attributes().queue_url(&self.address.url);
        let request = request.attribute_names(name.clone());
        let send = || async {
            let answer = request.clone().send().await;
            answer.map_err(|error| call.error(&error, |_, _| false))
        };
        let answer = self.caller.run(&call, Group::Queue, None, send).await?;
        let depth = answer.attributes.and_then(|all| all.get(&name)?.parse().ok());
        depth.ok_or_else(|| call.odd("the answer holds no number of messages"))
    }
}

fn failures(call: &Call<'_>, failed: &[BatchResultErrorEntry]) -> Vec<(usize, ProviderError)> {
    let failure = |entry: &BatchResultErrorEntry| {
        let text = entry.message().unwrap_or_default();
        let error = call.item_error(entry.code(), text, |_, _| false);
        Some((entry.id().parse().ok()?, error))
    };
    failed.iter().filter_map(failure).collect()
}

/// Whole seconds, as SQS counts.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_tells_the_region() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("eu-west-1.queue.amazonaws.com", Some("eu-west-1")),
            ("queue.amazonaws.com", Some("us-east-1")),
            ("sqs.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("sqs-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("sqs.us-east-1.api.aws", Some("us-east-1")),
            ("vpce-ab-1.sqs.us-east-2.vpce.amazonaws.com:443", Some("us-east-2")),
            ("localhost:4566", None),
            ("127.0.0.1", None),
        ] {
            let url = format!("https://{host}/123456789012/changes");
            let address = Address::parse(&url, None).unwrap();
            assert_eq!(address.region(), region, "{host}");
            assert_eq!(address.name, "changes");
            let told = Address::parse(&url, Some("ap-south-1")).unwrap();
            assert_eq!(told.region(), Some("ap-south-1"), "what is told counts");
        }
    }

    #[test]
    fn what_is_no_queue_is_refused() {
        for url in [
            "",
            "changes",
            "arn:aws:sqs:eu-west-1:123456789012:changes",
            "ftp://sqs.eu-west-1.amazonaws.com/123456789012/changes",
            "https://sqs.eu-west-1.amazonaws.com/changes",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/a/b",
            "https://sqs.eu-west-1.amazonaws.com/12345678901x/changes",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/a?b",
            "https:///123456789012/changes",
        ] {
            let error = Address::parse(url, None).unwrap_err();
            assert_eq!(error.category(), "invalid", "{url}");
        }
        assert!(Address::parse("https://h/123456789012/a.fifo", None).is_ok());
        assert!(Address::parse("https://h/123456789012/a", Some("mars")).is_err());
    }
}
