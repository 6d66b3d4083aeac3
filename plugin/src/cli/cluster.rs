//! The flags by which every kubectl command finds its cluster.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use crate::complete::live;

/// What kubectl calls its global flags, as far as they are about the cluster. The rare ones are
/// shown by `--help` only.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Namespace, if not that of the context
    #[arg(short, long, value_name = "NAMESPACE", add = ArgValueCandidates::new(live::namespaces))]
    pub(crate) namespace: Option<String>,

    /// Path of the kubeconfig file
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::contexts))]
    pub(crate) context: Option<String>,

    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::clusters))]
    pub(crate) cluster: Option<String>,

    /// User of the kubeconfig
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::users))]
    pub(crate) user: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    pub(crate) as_user: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    pub(crate) as_group: Vec<String>,

    /// UID to impersonate
    #[arg(long, value_name = "UID", requires = "as_user", hide_short_help = true)]
    pub(crate) as_uid: Option<String>,

    /// Extra field of the user to impersonate; may be repeated
    #[arg(
        long,
        value_name = "KEY=VALUE",
        requires = "as_user",
        value_parser = extra,
        hide_short_help = true
    )]
    pub(crate) as_user_extra: Vec<(String, String)>,

    /// How long to wait for one request to the API server, such as 5s or 1m; 0 waits for ever
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = request_timeout)]
    pub(crate) request_timeout: RequestTimeout,

    /// Address of the API server, such as `https://host:6443`
    #[arg(short, long, value_name = "URL", hide_short_help = true)]
    pub(crate) server: Option<String>,

    /// Bearer token, instead of the credentials of the kubeconfig
    #[arg(long, value_name = "TOKEN", hide_short_help = true)]
    pub(crate) token: Option<Credential>,

    /// User name for basic authentication
    #[arg(
        long,
        value_name = "NAME",
        requires = "password",
        conflicts_with = "token",
        hide_short_help = true
    )]
    pub(crate) username: Option<String>,

    /// Password for basic authentication
    #[arg(long, value_name = "PASSWORD", requires = "username", hide_short_help = true)]
    pub(crate) password: Option<Credential>,

    /// Certificate of the client
    #[arg(
        long,
        value_name = "FILE",
        value_hint = clap::ValueHint::FilePath,
        hide_short_help = true
    )]
    pub(crate) client_certificate: Option<PathBuf>,

    /// Key of the client's certificate
    #[arg(
        long,
        value_name = "FILE",
        value_hint = clap::ValueHint::FilePath,
        hide_short_help = true
    )]
    pub(crate) client_key: Option<PathBuf>,

    /// Certificate authority of the API server
    #[arg(
        long,
        value_name = "FILE",
        value_hint = clap::ValueHint::FilePath,
        conflicts_with = "insecure_skip_tls_verify",
        hide_short_help = true
    )]
    pub(crate) certificate_authority: Option<PathBuf>,

    /// Name that the certificate of the API server must have
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) tls_server_name: Option<String>,

    /// Proxy through which the API server is reached, such as `http://host:3128`
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(crate) proxy_url: Option<String>,

    /// Do not check the certificate of the API server: anyone on the way can read and answer
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    pub(crate) insecure_skip_tls_verify: Option<bool>,

    /// Do not ask for compressed answers
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    pub(crate) disable_compression: Option<bool>,

    /// Taken for kubectl's sake: nothing is cached
    #[arg(
        long,
        value_name = "DIR",
        value_hint = clap::ValueHint::DirPath,
        hide_short_help = true
    )]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Something secret from the command line, which no message shows.
#[derive(Clone)]
pub(crate) struct Credential(pub(crate) String);

impl From<String> for Credential {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How long one request may take; `None` is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestTimeout(pub(crate) Option<Duration>);

/// A Go duration, or whole seconds as kubectl also takes them.
fn request_timeout(text: &str) -> Result<RequestTimeout, String> {
    Ok(RequestTimeout(Some(duration(text)?).filter(|duration| !duration.is_zero())))
}

/// A Go duration, or whole seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<extsecret_crds::duration::GoDuration>()
        .map_err(|error| error.to_string())?
        .to_std()
        .ok_or_else(|| "a time cannot be negative".to_owned())
}

fn extra(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("not KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_kubectl_reads_them() {
        let seconds = |seconds| Ok(RequestTimeout(Some(Duration::from_secs(seconds))));
        assert_eq!(request_timeout("5"), seconds(5));
        assert_eq!(request_timeout("1m30s"), seconds(90));
        assert_eq!(request_timeout("0"), Ok(RequestTimeout(None)));
        assert!(request_timeout("-1s").is_err());
        assert!(request_timeout("soon").is_err());
    }

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(format!("{:?}", Credential::from("s3cret".to_owned())), "***");
    }
}
