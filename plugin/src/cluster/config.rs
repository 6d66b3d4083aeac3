//! From the flags and the kubeconfig to a connection.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo,
    NamedCluster, NamedContext,
};

use crate::cli::ClusterArgs;

/// An API server that is there answers within this time, handshake included; a command that hangs
/// for minutes without a word is worse than one that fails.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Entries that only the flags make. No file can hold them by accident: names are no paths.
const FROM_FLAGS: &str = "/from-flags";

/// Where kubectl finds its cluster: the flag, else `KUBECONFIG` (several files are merged), else
/// `~/.kube/config`, else the ServiceAccount of the pod this runs in. Single flags then replace
/// what the file says.
pub(super) async fn load(args: &ClusterArgs) -> anyhow::Result<Config> {
    let mut file = read(args.kubeconfig.as_deref())?;
    let chosen = args.context.is_some() || args.cluster.is_some() || args.user.is_some();
    let empty = file.current_context.as_deref().is_none_or(str::is_empty);
    let mut config = if empty && !chosen && args.server.is_none() {
        let mut config = Config::incluster().map_err(|_| {
            anyhow::anyhow!(
                "there is no cluster to ask: the kubeconfig has no current context; \
                 `kubectl config use-context` sets one, --context or KUBECONFIG choose another"
            )
        })?;
        authenticate(&mut config.auth_info, args)?;
        config
    } else {
        let options = overlay(&mut file, args)?;
        Config::from_custom_kubeconfig(file, &options)
            .await
            .context("the kubeconfig cannot be used")?
    };
    // Whoever retries knows better than the library for how long; it would for minutes.
    config.default_retry = false;
    config.connect_timeout = args
        .request_timeout
        .0
        .map_or(Some(CONNECT_TIMEOUT), |timeout| Some(timeout.min(CONNECT_TIMEOUT)));
    config.read_timeout = args.request_timeout.0;
    // The time that a connection was idle is not the server's.
    config.reset_reader_on_write = true;
    if config.proxy_url.is_some() {
        name_port(&mut config)?;
    }
    Ok(config)
}

/// Writes the port of plain HTTP into the address of the server. The library asks a proxy for port 443
/// of whatever names none.
fn name_port(config: &mut Config) -> anyhow::Result<()> {
    let url = &config.cluster_url;
    let (Some("http"), Some(authority), None) = (url.scheme_str(), url.authority(), url.port())
    else {
        return Ok(());
    };
    let mut parts = url.clone().into_parts();
    parts.authority = Some(format!("{authority}:80").parse().context("the address of the server")?);
    config.cluster_url = parts.try_into().context("the address of the server")?;
    Ok(())
}

/// The kubeconfig without the flags; an empty one if there is no file where none was named.
pub(crate) fn read(flag: Option<&Path>) -> anyhow::Result<Kubeconfig> {
    if let Some(path) = flag {
        return Kubeconfig::read_from(path)
            .with_context(|| format!("cannot read the kubeconfig {}", path.display()));
    }
    let listed: Vec<PathBuf> = env::var_os("KUBECONFIG")
        .map(|value| env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let paths = if listed.is_empty() {
        match env::home_dir() {
            Some(home) => vec![home.join(".kube").join("config")],
            None => Vec::new(),
        }
    } else {
        listed
    };
    let mut merged = Kubeconfig::default();
    for path in paths {
        // kubectl, too, passes over files that are not there.
        let file = match Kubeconfig::read_from(&path) {
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == io::ErrorKind::NotFound =>
            {
                continue;
            }
            other => other,
        };
        merged = file
            .and_then(|file| merged.merge(file))
            .with_context(|| format!("cannot read the kubeconfig {}", path.display()))?;
    }
    Ok(merged)
}

/// Writes the flags into the kubeconfig, and says which entries count.
fn overlay(file: &mut Kubeconfig, args: &ClusterArgs) -> anyhow::Result<KubeConfigOptions> {
    let name = args.context.as_ref().or(file.current_context.as_ref());
    let found = name.and_then(|name| file.contexts.iter().find(|it| it.name == *name));
    let mut context = match (found, &args.context) {
        (Some(found), _) => found.context.clone().unwrap_or_default(),
        (None, Some(name)) => {
            bail!("{}", unknown("context", name, file.contexts.iter().map(|it| &it.name)))
        }
        (None, None) => Context::default(),
    };

    if let Some(name) = &args.cluster {
        context.cluster.clone_from(name);
    }
    let cluster = file.clusters.iter().find(|it| it.name == context.cluster);
    let mut cluster = match cluster {
        Some(found) => found.cluster.clone().unwrap_or_default(),
        None if args.server.is_some() && args.cluster.is_none() => Cluster::default(),
        None => bail!(
            "{}",
            unknown("cluster", &context.cluster, file.clusters.iter().map(|it| &it.name))
        ),
    };
    reach(&mut cluster, args);

    if let Some(name) = &args.user {
        context.user = Some(name.clone());
    }
    let user = context.user.as_ref();
    let user = user.and_then(|name| file.auth_infos.iter().find(|it| it.name == *name));
    let mut auth = match (user, &args.user) {
        (Some(found), _) => found.auth_info.clone().unwrap_or_default(),
        (None, Some(name)) => {
            bail!("{}", unknown("user", name, file.auth_infos.iter().map(|it| &it.name)))
        }
        (None, None) => AuthInfo::default(),
    };
    authenticate(&mut auth, args)?;

    let name = || FROM_FLAGS.to_owned();
    context.cluster = name();
    context.user = Some(name());
    let other = std::collections::BTreeMap::new;
    file.contexts.push(NamedContext { name: name(), context: Some(context), other: other() });
    file.clusters.push(NamedCluster { name: name(), cluster: Some(cluster), other: other() });
    file.auth_infos.push(NamedAuthInfo { name: name(), auth_info: Some(auth), other: other() });
    Ok(KubeConfigOptions { context: Some(name()), cluster: None, user: None })
}

/// How the server is reached and recognised.
fn reach(cluster: &mut Cluster, args: &ClusterArgs) {
    if let Some(server) = &args.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &args.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if let Some(insecure) = args.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(insecure);
        if insecure {
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
        }
    }
    if let Some(name) = &args.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if let Some(url) = &args.proxy_url {
        cluster.proxy_url = Some(url.clone());
    }
    if args.disable_compression.is_some() {
        cluster.disable_compression = args.disable_compression;
    }
}

/// Who asks. Credentials of the flags stand alone: an API server that is shown the certificate of
/// the kubeconfig, too, would believe that one.
fn authenticate(auth: &mut AuthInfo, args: &ClusterArgs) -> anyhow::Result<()> {
    let certificate = args.client_certificate.is_some() || args.client_key.is_some();
    if certificate || args.token.is_some() || args.username.is_some() {
        let impersonate = auth.impersonate.take();
        let groups = auth.impersonate_groups.take();
        let kept = certificate.then(|| AuthInfo {
            client_certificate: auth.client_certificate.take(),
            client_certificate_data: auth.client_certificate_data.take(),
            client_key: auth.client_key.take(),
            client_key_data: auth.client_key_data.take(),
            ..AuthInfo::default()
        });
        *auth = kept.unwrap_or_default();
        auth.impersonate = impersonate;
        auth.impersonate_groups = groups;
    }
    if let Some(path) = &args.client_certificate {
        auth.client_certificate = Some(path.display().to_string());
        auth.client_certificate_data = None;
    }
    if let Some(path) = &args.client_key {
        auth.client_key = Some(path.display().to_string());
        auth.client_key_data = None;
    }
    if let Some(token) = &args.token {
        if token.0.is_empty() || token.0.contains(|c: char| c.is_control() || c.is_whitespace()) {
            bail!("--token is empty, or holds a character that no token has");
        }
        auth.token = Some(token.0.clone().into());
    }
    if let (Some(name), Some(password)) = (&args.username, &args.password) {
        auth.username = Some(name.clone());
        auth.password = Some(password.0.clone().into());
    }
    if let Some(user) = &args.as_user {
        auth.impersonate = Some(user.clone());
        auth.impersonate_groups = (!args.as_group.is_empty()).then(|| args.as_group.clone());
        auth.impersonate_uid.clone_from(&args.as_uid);
        let mut extra = std::collections::HashMap::<String, Vec<String>>::new();
        for (key, value) in &args.as_user_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        auth.impersonate_user_extra = (!extra.is_empty()).then_some(extra);
    }
    Ok(())
}

/// What to say of a name that the kubeconfig does not have.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    const SHOWN: usize = 10;
    let known: Vec<&str> = known.map(String::as_str).collect();
    if known.is_empty() {
        return format!("there is no {what} {name:?}: the kubeconfig has no {what}s at all");
    }
    let more = known.len().saturating_sub(SHOWN);
    let mut list = known.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(list, " and {more} more");
    }
    format!("there is no {what} {name:?} in the kubeconfig; it has {list}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Credential, RequestTimeout};

    const FILE: &str = "\
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: { cluster: a, user: anna, namespace: shop }
- name: two
  context: { cluster: b, user: ben }
clusters:
- name: a
  cluster: { server: https://a.example, insecure-skip-tls-verify: true }
- name: b
  cluster: { server: https://b.example }
users:
- name: anna
  user: { token: annas, as: nobody }
- name: ben
  user: { username: ben, password: secret }
";

    fn load_with(args: &ClusterArgs) -> anyhow::Result<(Cluster, AuthInfo, Context)> {
        let mut file = Kubeconfig::from_yaml(FILE)?;
        overlay(&mut file, args)?;
        let last = file.clusters.pop().and_then(|it| it.cluster).unwrap();
        let user = file.auth_infos.pop().and_then(|it| it.auth_info).unwrap();
        Ok((last, user, file.contexts.pop().and_then(|it| it.context).unwrap()))
    }

    fn yaml(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn flags_choose_entries() {
        let (cluster, user, context) = load_with(&ClusterArgs::default()).unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://a.example"));
        assert!(yaml(&user).contains("annas"));
        assert_eq!(context.namespace.as_deref(), Some("shop"));
        let args = ClusterArgs { context: Some("two".into()), ..ClusterArgs::default() };
        let (cluster, ..) = load_with(&args).unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://b.example"));
        let args = ClusterArgs {
            cluster: Some("b".into()),
            user: Some("ben".into()),
            ..ClusterArgs::default()
        };
        let (cluster, user, _) = load_with(&args).unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://b.example"));
        assert!(yaml(&user).contains("ben"));
    }

    #[test]
    fn unknown_names_are_told_with_those_there_are() {
        for (args, says) in [
            (ClusterArgs { context: Some("tow".into()), ..ClusterArgs::default() }, "one, two"),
            (ClusterArgs { cluster: Some("c".into()), ..ClusterArgs::default() }, "a, b"),
            (ClusterArgs { user: Some("x".into()), ..ClusterArgs::default() }, "anna, ben"),
        ] {
            let error = load_with(&args).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn credentials_of_flags_stand_alone() {
        let args = ClusterArgs { token: Some(Credential("mine".into())), ..ClusterArgs::default() };
        let (_, user, _) = load_with(&args).unwrap();
        let shown = yaml(&user);
        assert!(shown.contains("mine") && !shown.contains("annas"), "{shown}");
        // Whom to act as is another question.
        assert_eq!(user.impersonate.as_deref(), Some("nobody"));
        let args = ClusterArgs {
            client_certificate: Some("c.pem".into()),
            client_key: Some("k.pem".into()),
            as_user: Some("eve".into()),
            as_group: vec!["g".into()],
            as_uid: Some("7".into()),
            as_user_extra: vec![("k".into(), "1".into()), ("k".into(), "2".into())],
            ..ClusterArgs::default()
        };
        let (_, user, _) = load_with(&args).unwrap();
        assert!(user.token.is_none());
        assert_eq!(user.client_certificate.as_deref(), Some("c.pem"));
        assert_eq!(user.impersonate_uid.as_deref(), Some("7"));
        assert_eq!(user.impersonate_user_extra.unwrap()["k"], ["1", "2"]);
    }

    #[test]
    fn a_server_needs_no_file() {
        let args = ClusterArgs {
            server: Some("https://c.example".into()),
            insecure_skip_tls_verify: Some(true),
            tls_server_name: Some("c".into()),
            proxy_url: Some("http://proxy.example:3128".into()),
            request_timeout: RequestTimeout(None),
            ..ClusterArgs::default()
        };
        let mut file = Kubeconfig::default();
        overlay(&mut file, &args).unwrap();
        let cluster = file.clusters.pop().and_then(|it| it.cluster).unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://c.example"));
        assert_eq!(cluster.tls_server_name.as_deref(), Some("c"));
        assert_eq!(cluster.proxy_url.as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(cluster.insecure_skip_tls_verify, Some(true));
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_without_being_shown() {
        let args = ClusterArgs { token: Some(Credential("a\nb".into())), ..ClusterArgs::default() };
        let error = load_with(&args).unwrap_err().to_string();
        assert!(error.contains("--token") && !error.contains("a\n"), "{error}");
    }
}
