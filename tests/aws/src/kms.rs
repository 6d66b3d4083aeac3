//! Keys: who may use them. Nothing is encrypted.

use crate::identity::Access;
use crate::world::Call;

/// Whether the caller may decrypt with a key: its id, its ARN or an alias. The keys that AWS keeps for
/// its services are open to all who may use the service.
pub(crate) fn is_open(call: &Call<'_>, key: &str) -> bool {
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
    let access = Access {
        action: "kms:Decrypt",
        resource: &arn,
        owner: account,
        resource_policy: None,
        context: &|_| Vec::new(),
    };
    call.world.identities.check(call.caller, &access).is_ok()
}
