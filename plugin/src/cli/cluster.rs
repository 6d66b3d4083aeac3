//! The flags by which every kubectl command finds its cluster.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Namespace, if not that of the context
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// Path of the kubeconfig file
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,

    /// User of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    pub(crate) as_user: Option<String>,

    /// Group to impersonate; may be repeated
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    pub(crate) as_group: Vec<String>,

    /// How long to wait for one request to the API server, such as 5s or 1m; 0 waits for ever
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = request_timeout)]
    pub(crate) request_timeout: RequestTimeout,
}

/// How long one request may take; `None` is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestTimeout(pub(crate) Option<Duration>);

/// A Go duration, or whole seconds as kubectl also takes them.
fn request_timeout(text: &str) -> Result<RequestTimeout, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text
            .parse::<extsecret_crds::duration::GoDuration>()
            .map_err(|error| error.to_string())?
            .to_std()
            .ok_or_else(|| "a timeout cannot be negative".to_owned())?,
    };
    Ok(RequestTimeout((!duration.is_zero()).then_some(duration)))
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
}
