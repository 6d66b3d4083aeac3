//! What a role may do, as IAM itself works it out of all its policies.

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType as Decision,
};

use super::client::{Connections, Endpoints, Regional};
use super::error::Call;
use super::tally::Api;
use crate::provider::ProviderError;

/// Resources in one question: their names are part of a form of limited size.
const RESOURCES: usize = 20;

/// Something that a role is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// `secretsmanager:GetSecretValue`
    pub action: String,
    /// An ARN, or `*` for actions that are about no resource.
    pub resource: String,
}

/// IAM, asked with the caller's own credentials.
#[derive(Clone)]
pub struct Simulator {
    client: Client,
    region: &'static str,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IAM")
    }
}

impl Simulator {
    /// A client for roles of a partition (`aws`, `aws-cn` and so on). Nothing is sent yet.
    ///
    /// # Errors
    /// If there can be no connections, or there are no credentials.
    pub async fn with_own_credentials(
        partition: &str,
        timeout: Option<Duration>,
    ) -> Result<Self, ProviderError> {
        // IAM is one service for a partition, and is reached by one of its regions.
        let region = match partition {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        let regional = Regional::load(&Connections::new()?, region, &Endpoints::default()).await;
        Ok(Self { client: Client::from_conf(regional.iam(timeout)?), region })
    }

    /// Those of `actions` on `resources` that the role may not do, where condition keys have these
    /// values.
    ///
    /// # Errors
    /// If IAM does not answer, [`ProviderError::Denied`] if the caller may not ask.
    pub async fn denied(
        &self,
        role: &str,
        actions: &[String],
        resources: &[String],
        context: &[(String, Vec<String>)],
    ) -> Result<Vec<Question>, ProviderError> {
        let call = Call {
            api: Api::Iam,
            operation: "SimulatePrincipalPolicy",
            key: Some(role),
            region: self.region,
        };
        let entries: Vec<ContextEntry> = context
            .iter()
            .map(|(key, values)| {
                let several = values.len() > 1;
                let kind = if several {
                    ContextKeyTypeEnum::StringList
                } else {
                    ContextKeyTypeEnum::String
                };
                ContextEntry::builder()
                    .context_key_name(key)
                    .set_context_key_values(Some(values.clone()))
                    .context_key_type(kind)
                    .build()
            })
            .collect();
        let mut denied = Vec::new();
        for resources in resources.chunks(RESOURCES) {
            let mut marker = None;
            loop {
                let request = self
                    .client
                    .simulate_principal_policy()
                    .policy_source_arn(role)
                    .set_action_names(Some(actions.to_vec()))
                    .set_resource_arns(Some(resources.to_vec()))
                    .set_context_entries((!entries.is_empty()).then(|| entries.clone()))
                    .set_marker(marker);
                let answer = request.send().await;
                let answer =
                    answer.map_err(|error| call.error(&error, |code, _| code == "NoSuchEntity"))?;
                for result in answer.evaluation_results() {
                    let parts = result.resource_specific_results();
                    let mut refuse = |resource: &str, decision: &Decision| {
                        if *decision != Decision::Allowed {
                            denied.push(Question {
                                action: result.eval_action_name().to_owned(),
                                resource: resource.to_owned(),
                            });
                        }
                    };
                    if parts.is_empty() {
                        refuse(result.eval_resource_name().unwrap_or("*"), result.eval_decision());
                    }
                    for part in parts {
                        refuse(part.eval_resource_name(), part.eval_resource_decision());
                    }
                }
                marker = answer.marker().filter(|_| answer.is_truncated()).map(str::to_owned);
                if marker.is_none() {
                    break;
                }
            }
        }
        denied.sort();
        denied.dedup();
        Ok(denied)
    }
}
