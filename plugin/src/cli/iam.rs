//! The flags of `iam`.

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use super::{ClusterArgs, ObjectsArgs};

const EXAMPLES: &str = "\
Examples:
  # What do the ExternalSecrets of these files need?
  kubectl extsecret iam -R -f apps --account-id 111122223333

  # What do those of the cluster need, as Terraform, with roles for service accounts?
  kubectl extsecret iam -A -o terraform \\
    --oidc-provider https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE

  # The controller has its role by EKS Pod Identity
  kubectl extsecret iam -A -o cloudformation --pod-identity \\
    --controller-role arn:aws:iam::111122223333:role/external-secrets \\
    --controller-service-account external-secrets/external-secrets

  # Which ExternalSecrets of the cluster fail for want of a permission?
  kubectl extsecret iam -A --check

  # One policy
  kubectl extsecret iam -f apps/shop | jq '.identities[0].policy'

Exit codes: 0 printed, and with --check nothing is missing; 1 something is missing, or some object
needs more than is printed: stderr names it; 2 could not run.";

/// Print the IAM policies that ExternalSecrets need, and no more than they need.
///
/// Finds out, from manifests (-f, -k) or from the cluster, which secrets and parameters are read
/// through which store and as whom, and prints for each role the policy for exactly these: reading,
/// decryption by way of the service only, assuming other roles, and who may assume it. What cannot be
/// told from the objects is a warning. AWS is not asked, and no Secret is read.
///
/// --check asks IAM to simulate what each role needs (iam:SimulatePrincipalPolicy), and says which
/// ExternalSecrets would fail, and of what. Policies of the secrets themselves and of keys have no part
/// in it. A secret is asked about by its name with a made-up suffix: a policy that names the suffix
/// does not count.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IamArgs {
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,

    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Format,

    /// Print no policies: ask IAM, with your own credentials, what the roles cannot do of what they need
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        conflicts_with = "output"
    )]
    pub(crate) check: Option<CheckFormat>,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// What objects do not tell.
#[derive(Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsArgs {
    /// Account of whoever has no role that names it
    #[arg(long, value_name = "ID", value_parser = account)]
    pub(crate) account_id: Option<String>,

    /// Issuer of the cluster's tokens, for trust policies: URL, name or ARN of the provider
    #[arg(long, value_name = "ISSUER", value_parser = issuer)]
    pub(crate) oidc_provider: Option<String>,

    /// Role of the controller, by which stores without credentials read
    #[arg(long, value_name = "ARN", value_parser = role)]
    pub(crate) controller_role: Option<String>,

    /// Service account of the controller, for its trust policy
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = service_account)]
    pub(crate) controller_service_account: Option<(String, String)>,

    /// The controller has its role by EKS Pod Identity
    #[arg(long)]
    pub(crate) pod_identity: bool,

    /// Key that values are encrypted with, if not any of the account, or none; may be repeated
    #[arg(long, value_name = "ARN|none", value_delimiter = ',', value_parser = kms_key)]
    pub(crate) kms_key: Vec<String>,

    /// Also secretsmanager:BatchGetSecretValue, by which extsecret-controller reads several at once
    #[arg(long)]
    pub(crate) batch: bool,
}

/// How the answers of IAM are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Policies and what they are for
    #[default]
    Json,
    /// Roles and policies as a Terraform configuration
    Terraform,
    /// Roles and policies as a CloudFormation template
    #[value(name = "cloudformation")]
    CloudFormation,
}

impl IamArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        if self.aws.kms_key.len() > 1 && self.aws.kms_key.iter().any(|key| key == "none") {
            let message = "--kms-key none and a key exclude each other";
            return Err((ErrorKind::ArgumentConflict, message.to_owned()));
        }
        self.objects.check()
    }
}

fn account(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err("an account has 12 digits".to_owned())
    }
}

/// The issuer as policies name it: without a scheme.
fn issuer(text: &str) -> Result<String, String> {
    let name = match text.split_once(":oidc-provider/") {
        Some((arn, name)) if arn.starts_with("arn:") => name,
        _ => text.strip_prefix("https://").unwrap_or(text),
    };
    let name = name.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if name.contains('.') && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err("not like https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF".to_owned())
    }
}

fn role(text: &str) -> Result<String, String> {
    match crate::iam::arn::Arn::read(text).and_then(|arn| arn.role()) {
        Some(_) => Ok(text.to_owned()),
        None => Err("not like arn:aws:iam::111122223333:role/NAME".to_owned()),
    }
}

fn service_account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("not NAMESPACE/NAME".to_owned()),
    }
}

/// An alias does not do: as a resource it is not the key that it stands for.
fn kms_key(text: &str) -> Result<String, String> {
    let arn = crate::iam::arn::Arn::read(text);
    let is_key = arn.is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"));
    if text == "none" || is_key {
        Ok(text.to_owned())
    } else {
        Err("neither none nor like arn:aws:kms:eu-west-1:111122223333:key/ID".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_written_in_three_ways() {
        for text in [
            "https://oidc.eks.eu-west-1.amazonaws.com/id/AB",
            "oidc.eks.eu-west-1.amazonaws.com/id/AB",
            "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB",
        ] {
            assert_eq!(issuer(text).as_deref(), Ok("oidc.eks.eu-west-1.amazonaws.com/id/AB"));
        }
        for text in ["", "http://x.test", "*", "https://a.b/${x}"] {
            assert!(issuer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_and_accounts_are_told_from_other_texts() {
        assert_eq!(account("1111-2222-3333").as_deref(), Ok("111122223333"));
        assert!(account("shop").is_err());
        assert!(kms_key("arn:aws:kms:eu-west-1:111122223333:key/ab").is_ok());
        assert!(kms_key("arn:aws:kms:eu-west-1:111122223333:alias/ab").is_err());
        assert!(role("arn:aws:iam::111122223333:user/x").is_err());
        assert!(service_account("external-secrets").is_err());
    }
}
