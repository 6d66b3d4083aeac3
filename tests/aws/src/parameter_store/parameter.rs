//! A parameter with its versions.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::name::Wanted;
use super::{arn, not_found};
use crate::error::AwsError;
use crate::world::Call;
use crate::{kms, secrets_manager::seconds};

/// The parameters of everybody.
#[derive(Debug, Default)]
pub(crate) struct Store {
    regions: HashMap<(String, String), BTreeMap<String, Parameter>>,
}

impl Store {
    /// Those of the call's account and region.
    pub(super) fn region(&mut self, call: &Call<'_>) -> &mut BTreeMap<String, Parameter> {
        self.regions.entry((call.caller.account.clone(), call.region.to_owned())).or_default()
    }

    /// The parameter's own name: in an ARN, one without a slash has one all the same.
    pub(super) fn own_name<'a>(&mut self, call: &Call<'_>, name: &'a str) -> &'a str {
        let bare = name.strip_prefix('/').filter(|bare| !bare.contains('/'));
        let region = self.region(call);
        match bare {
            Some(bare) if !region.contains_key(name) && region.contains_key(bare) => bare,
            _ => name,
        }
    }
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) tags: BTreeMap<String, String>,
    /// Oldest first; never empty.
    pub(super) versions: Vec<Version>,
}

/// One version of a parameter. Its `Debug` does not show the value.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) labels: Vec<String>,
    pub(super) key: Option<String>,
    pub(super) description: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) tier: &'static str,
    pub(super) data_type: String,
    pub(super) modified: Timestamp,
    pub(super) modified_by: String,
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Version").field("number", &self.number).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    List,
    Secure,
}

impl Kind {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "String" => Some(Self::Text),
            "StringList" => Some(Self::List),
            "SecureString" => Some(Self::Secure),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::List => "StringList",
            Self::Secure => "SecureString",
        }
    }
}

impl Parameter {
    /// The newest version.
    pub(super) fn latest(&self) -> Result<&Version, AwsError> {
        self.versions.last().ok_or_else(not_found)
    }

    /// The version that is asked for.
    pub(super) fn select(&self, wanted: &Wanted<'_>) -> Result<&Version, AwsError> {
        let Some(selector) = wanted.selector else { return self.latest() };
        let found = match selector.parse::<u64>() {
            Ok(number) => self.versions.iter().find(|version| version.number == number),
            Err(_) => self.versions.iter().find(|v| v.labels.iter().any(|l| l == selector)),
        };
        found.ok_or_else(|| {
            AwsError::new(
                "ParameterVersionNotFound",
                format!(
                    "Systems Manager could not find version {selector} of {}. Verify the version \
                     and try again.",
                    self.name
                ),
            )
        })
    }
}

impl Version {
    /// The value as the caller gets it.
    pub(super) fn value(
        &self,
        call: &Call<'_>,
        name: &str,
        decrypt: bool,
    ) -> Result<String, AwsError> {
        if self.kind != Kind::Secure {
            return Ok(self.value.clone());
        }
        if !decrypt {
            // Something that looks encrypted, and is the same each time.
            let hash = digest(&SHA256, format!("{} {}", self.number, self.value).as_bytes());
            return Ok(format!("AQICAH{}", STANDARD.encode(hash)));
        }
        let arn = arn(call, name);
        let sealed = kms::Sealed { service: "ssm", context: ("PARAMETER_ARN", &arn) };
        if self.key.as_ref().is_some_and(|key| !kms::is_open(call, key, &sealed)) {
            return Err(AwsError::new(
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not \
                 exist in this region, or you are not allowed to access.",
            ));
        }
        Ok(self.value.clone())
    }

    /// As reading operations answer it.
    pub(super) fn answer(
        &self,
        call: &Call<'_>,
        name: &str,
        selector: Option<&str>,
        decrypt: bool,
    ) -> Result<Value, AwsError> {
        let mut answer = json!({
            "Name": name,
            "Type": self.kind.name(),
            "Value": self.value(call, name, decrypt)?,
            "Version": self.number,
            "LastModifiedDate": seconds(self.modified),
            "ARN": arn(call, name),
            "DataType": self.data_type,
        });
        if let Some(selector) = selector {
            answer["Selector"] = json!(format!(":{selector}"));
        }
        Ok(answer)
    }

    /// What is known about it beside the value.
    pub(super) fn describe(&self, name: &str) -> Value {
        let mut answer = json!({
            "Name": name,
            "Type": self.kind.name(),
            "LastModifiedDate": seconds(self.modified),
            "LastModifiedUser": self.modified_by,
            "Version": self.number,
            "Tier": self.tier,
            "Policies": [],
            "DataType": self.data_type,
        });
        for (field, value) in [
            ("KeyId", &self.key),
            ("Description", &self.description),
            ("AllowedPattern", &self.pattern),
        ] {
            if let Some(value) = value {
                answer[field] = json!(value);
            }
        }
        answer
    }
}
