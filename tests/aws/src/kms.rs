//! Keys: who may use them. Nothing is encrypted.

use crate::identity::Access;
use crate::world::Call;

/// A value that a service has encrypted, as the service tells KMS of it.
pub(crate) struct Sealed<'a> {
    /// `secretsmanager` or `ssm`.
    pub(crate) service: &'a str,
    /// The member of the encryption context that names the value, and the ARN in it.
    pub(crate) context: (&'a str, &'a str),
}

/// Whether the caller may decrypt with a key: its id, its ARN or an alias. The keys that AWS keeps for
/// its services are open to all who may use the service.
pub(crate) fn is_open(call: &Call<'_>, key: &str, sealed: &Sealed<'_>) -> bool {
    if key.starts_with("alias/aws/") {
        return true;
    }
    let account = &call.caller.account;
    let arn = match key {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => {
            format!("arn:aws:kms:{}:{account}:{alias}", call.region)
        }
        id => format!("arn:aws:kms:{}:{account}:key/{id}", call.region),
    };
    let (member, value) = sealed.context;
    let context = |key: &str| match key {
        "kms:ViaService" => vec![format!("{}.{}.amazonaws.com", sealed.service, call.region)],
        key if key.strip_prefix("kms:EncryptionContext:") == Some(member) => vec![value.to_owned()],
        _ => Vec::new(),
    };
    let access = Access {
        action: "kms:Decrypt",
        resource: &arn,
        owner: account,
        resource_policy: None,
        context: &context,
    };
    call.world.identities.check(call.caller, &access).is_ok()
}
