//! ARNs, and the names that can stand in them. In a policy `*`, `?` and `${` mean more than themselves,
//! so nothing gets into one that is not known to be a name.

/// Stands for an account that nobody has told.
pub(crate) const NO_ACCOUNT: &str = "ACCOUNT_ID";

/// The partition of a region: the second part of every ARN in it.
pub(crate) fn partition(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    let found = partitions.into_iter().find(|(beginning, _)| region.starts_with(beginning));
    found.map_or("aws", |(_, partition)| partition)
}

/// Whether it can be the name of a region.
pub(crate) fn is_region(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.contains('-') && text.ends_with(|c: char| c.is_ascii_digit()) && text.chars().all(plain)
}

/// What can be the name of a secret, or a part of it.
pub(crate) fn is_secret_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c))
}

/// What can be the name of a parameter, or a part of it.
pub(crate) fn is_parameter_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
}

/// The parts of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` for what is no ARN.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (scheme, partition, service) = (next(), next(), next());
        let arn = Self { partition, service, region: next(), account: next(), resource: next() };
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_one = scheme == "arn"
            && [partition, service, arn.region].iter().all(|part| plain(part))
            && (plain(arn.account) || arn.account == NO_ACCOUNT)
            && partition.starts_with("aws")
            && !arn.resource.is_empty();
        is_one.then_some(arn)
    }

    /// The path, which begins and ends with a slash, and the name of a role.
    pub(crate) fn role(&self) -> Option<(&'a str, &'a str)> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
        let rest = self.resource.strip_prefix("role")?;
        let slash = rest.rfind('/')?;
        let (path, name) = rest.split_at(slash + 1);
        let is_account =
            self.account.len() == 12 && self.account.bytes().all(|b| b.is_ascii_digit());
        let is_one = self.service == "iam"
            && is_account
            && rest.starts_with('/')
            && !name.is_empty()
            && rest.chars().all(plain);
        is_one.then_some((path, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_tells_the_partition() {
        for (region, wanted) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("us-iso-east-1", "aws-iso"),
        ] {
            assert_eq!(partition(region), wanted, "{region}");
            assert!(is_region(region), "{region}");
        }
        for text in ["", "eu", "{{ .region }}", "eu-west-*", "eu-west"] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn a_role_has_a_path_and_a_name() {
        let role = |text| Arn::read(text).and_then(|arn| arn.role());
        assert_eq!(role("arn:aws:iam::111122223333:role/shop"), Some(("/", "shop")));
        assert_eq!(role("arn:aws-cn:iam::111122223333:role/a/b/shop"), Some(("/a/b/", "shop")));
        for text in [
            "",
            "shop",
            "arn:aws:iam::111122223333:user/shop",
            "arn:aws:iam::1:role/shop",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:roles/x",
            "arn:*:iam::111122223333:role/x",
        ] {
            assert_eq!(role(text), None, "{text}");
        }
    }
}
