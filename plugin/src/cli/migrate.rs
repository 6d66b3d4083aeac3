//! The flags of `migrate`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use extsecret_manifest::diagnostic::{Code, Severity};
use extsecret_migrate::Options;
use extsecret_migrate::options::{Auth, Scope};

use super::{Live, ValueArgs};

const EXAMPLES: &str = "\
Examples:
  # See what becomes of a folder of kubernetes-external-secrets manifests
  kubectl extsecret migrate -R -f manifests --kes-deployment kes-deployment.yaml

  # Write the result beside it, as a tree of the same shape
  kubectl extsecret migrate -R -f manifests --kes-deployment kes-deployment.yaml --output-dir out

  # Edit the manifests of a GitOps repository, after a look at the changes
  kubectl extsecret migrate -R -f apps --region eu-west-1 --diff
  kubectl extsecret migrate -R -f apps --region eu-west-1 --in-place

  # Prove that the new objects write the bytes that KES wrote: for any values, or for yours
  kubectl extsecret migrate -R -f apps --region eu-west-1 --verify > /dev/null
  kubectl extsecret migrate -R -f apps --region eu-west-1 --verify --values values.yaml > /dev/null

  # Migrate classes of the Secrets Store CSI driver, with the workloads that mount them
  kubectl extsecret migrate -R -f apps --output-dir out

  # Edit the templates of a Helm chart, which stay templates
  kubectl extsecret migrate -f chart/templates --scope namespace --helm-escape --diff

  # Migrate what is in the cluster, one store per namespace
  kubectl get externalsecrets.kubernetes-client.io -A -o yaml |
    kubectl extsecret migrate -f - --scope namespace --output-dir migrated --report report.json

Exit codes: 0 all objects converted, 1 some were refused (with --verify: or write other bytes that
no warning spoke of), 2 could not run.";

/// Convert kubernetes-external-secrets manifests to external-secrets.io/v1.
///
/// Reads ExternalSecrets of kubernetes-client.io/v1 (and of external-secrets.io/v1alpha1 and
/// v1beta1) and classes of the Secrets Store CSI driver for AWS from files, and prints their external-secrets.io/v1 counterparts together with the
/// stores that they need. Findings and a summary go to stderr. No cluster is contacted, and
/// nothing is written unless --output-dir, --in-place or --report says so.
///
/// The commands plan, apply, status and rollback hand a running cluster over to the result, and back.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub(crate) live: Option<Live>,

    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    #[command(flatten)]
    pub(crate) stores: StoreArgs,
    #[command(flatten)]
    pub(crate) mapping: MappingArgs,
    #[command(flatten)]
    pub(crate) verify: VerifyArgs,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// File or directory to convert, or - for stdin; may be repeated
    #[arg(
        short,
        long,
        required = true,
        value_name = "FILENAME",
        value_delimiter = ',',
        value_hint = clap::ValueHint::AnyPath
    )]
    pub(crate) filename: Vec<PathBuf>,

    /// Read the directories in -f recursively
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,

    /// Namespace of objects that do not name theirs
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// The input is Helm templates: refuse it, also where it reads as YAML
    #[arg(long)]
    pub(crate) helm_template: bool,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the manifests on stdout
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        conflicts_with_all = ["output_dir", "in_place", "diff"]
    )]
    pub(crate) output: Option<Format>,

    /// Write into this directory, as a tree that mirrors the input
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["in_place", "diff"],
        value_hint = clap::ValueHint::DirPath
    )]
    pub(crate) output_dir: Option<PathBuf>,

    /// Edit the input files; everything but the converted objects stays as it is
    #[arg(long, conflicts_with = "diff")]
    pub(crate) in_place: bool,

    /// Print what --in-place would change, and write nothing
    #[arg(long)]
    pub(crate) diff: bool,

    /// With --in-place or --diff: file for stores and other new objects
    /// [default: secret-stores.yaml next to the input]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) stores: Option<PathBuf>,

    /// Also output the documents that are not ours to convert, Secrets included, as they are
    #[arg(long, conflicts_with_all = ["in_place", "diff"])]
    pub(crate) pass_through: bool,

    /// Write a JSON report of every object and finding to this file, or - for stdout
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,

    /// Hide warnings and infos; the summary still counts every object
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Hide this warning or info, for example W08; may be repeated
    #[arg(
        long,
        value_name = "CODE",
        value_delimiter = ',',
        value_parser = hideable,
        add = ArgValueCandidates::new(super::codes)
    )]
    pub(crate) suppress: Vec<&'static Code>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "KES installation")]
pub(crate) struct ContextArgs {
    /// Manifest of the KES Deployment (kubectl get deployment -o yaml), or - for stdin
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) kes_deployment: Option<PathBuf>,

    /// Helm values that KES was installed with, or - for stdin
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "kes_deployment",
        value_hint = clap::ValueHint::FilePath
    )]
    pub(crate) kes_values: Option<PathBuf>,

    /// Namespace that KES runs in, when its manifest does not say
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) kes_namespace: Option<String>,

    /// Name of KES's Helm release; with --kes-values
    #[arg(long, value_name = "NAME", requires = "kes_values")]
    pub(crate) kes_release: Option<String>,

    /// AWS region of objects without one
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// Address of Vault
    #[arg(long, value_name = "URL")]
    pub(crate) vault_server: Option<String>,

    /// Vault Enterprise namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) vault_namespace: Option<String>,

    /// Mount of Vault's Kubernetes auth method
    #[arg(long, value_name = "MOUNT")]
    pub(crate) vault_mount: Option<String>,

    /// Vault role
    #[arg(long, value_name = "ROLE")]
    pub(crate) vault_role: Option<String>,

    /// Azure tenant id
    #[arg(long, value_name = "ID")]
    pub(crate) azure_tenant: Option<String>,

    /// Google Cloud project
    #[arg(long, value_name = "PROJECT")]
    pub(crate) gcp_project: Option<String>,

    /// Endpoint of IBM Cloud Secrets Manager
    #[arg(long, value_name = "URL")]
    pub(crate) ibm_endpoint: Option<String>,

    /// IBM secret group of objects with keyByName
    #[arg(long, value_name = "NAME")]
    pub(crate) ibm_group: Option<String>,

    /// Akeyless API endpoint
    #[arg(long, value_name = "URL")]
    pub(crate) akeyless_endpoint: Option<String>,

    #[arg(long, help = "KES ran with ENFORCE_NAMESPACE_ANNOTATIONS")]
    pub(crate) enforced: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Stores")]
pub(crate) struct StoreArgs {
    /// One store for all namespaces that used it, or one in each namespace
    #[arg(long, value_enum, default_value_t, value_name = "SCOPE")]
    pub(crate) scope: ScopeName,

    /// How stores log in [default: controller, and for a class of the CSI driver its pods' service
    /// account where the input shows it]
    #[arg(long, value_parser = auth_parser(), value_name = "AUTH")]
    pub(crate) auth: Option<Auth>,

    /// Give a store another name; may be repeated
    #[arg(long, value_name = "GENERATED=WANTED", value_parser = store_name)]
    pub(crate) store_name: Vec<(String, String)>,

    /// Limit stores to the namespaces whose annotation permits the role
    #[arg(long)]
    pub(crate) role_conditions: bool,

    /// Write an admission policy that keeps the naming annotations in force
    #[arg(long)]
    pub(crate) namespace_policy: bool,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = "Mapping")]
pub(crate) struct MappingArgs {
    /// Keep the polling interval of KES instead of 1h
    #[arg(long)]
    pub(crate) keep_interval: bool,

    /// Paths never yield a key that the object also lists by name
    #[arg(long)]
    pub(crate) assume_disjoint: bool,

    /// KV mount for which the short key form is written; may be repeated
    #[arg(long, value_name = "MOUNT")]
    pub(crate) vault_split_mount: Vec<String>,

    /// Refuse IBM values that only a template can rebuild
    #[arg(long)]
    pub(crate) no_emulate: bool,

    /// Report every value whose bytes could differ
    #[arg(long)]
    pub(crate) strict_bytes: bool,

    /// Write templates as a person would: other values than the usual ones are reported
    #[arg(long, conflicts_with = "exact_templates")]
    pub(crate) short_templates: bool,

    /// Write templates that render the same bytes on any value (the default)
    #[arg(long)]
    pub(crate) exact_templates: bool,

    /// The input is templates of a Helm chart: convert them with their actions in place
    ///
    /// Each file is written as a whole, and Helm prints the new objects as it printed the old ones.
    /// Templates of the new objects are escaped, so that Helm leaves them to the controller. An
    /// object whose conversion depends on what Helm prints stays as it was (E14); other values
    /// that are not known are named (W43).
    #[arg(long)]
    pub(crate) helm_escape: bool,

    /// Convert also what KES itself would have failed on
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Verification")]
pub(crate) struct VerifyArgs {
    /// Check that each new object writes the bytes that KES wrote, whatever the values
    ///
    /// Runs a model of KES and the engine of `render` on the same values, and reports every key
    /// that could come out differently, with the reason. Without --values the values are made from
    /// the objects: texts, numbers, null, lists and so on for everything that an object reads.
    /// Nothing else changes: the result is printed or written as without this flag.
    #[arg(long)]
    pub(crate) verify: bool,

    #[command(flatten)]
    pub(crate) values: ValueArgs,
}

/// Output formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Yaml,
    Json,
}

/// [`Scope`] as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    #[default]
    Cluster,
    Namespace,
}

impl MigrateArgs {
    /// What clap's own rules cannot say.
    pub(crate) fn check(&self) -> Result<(), (ErrorKind, String)> {
        if let Some(live) = &self.live {
            return live.check();
        }
        let conflict = |message: &str| Err((ErrorKind::ArgumentConflict, message.to_owned()));
        let stdin = std::path::Path::new("-");
        let reads_stdin = self.input.filename.iter().any(|path| path == stdin);
        let context_stdin = [&self.context.kes_deployment, &self.context.kes_values]
            .into_iter()
            .flatten()
            .any(|path| path == stdin);
        if reads_stdin && context_stdin {
            return conflict("stdin can be read only once: give one of the files a name");
        }
        if reads_stdin && (self.output.in_place || self.output.diff) {
            return conflict("--in-place and --diff need files: stdin cannot be edited");
        }
        self.verify.values.check()?;
        if self.verify.values.offline() && !self.verify.verify {
            return conflict("--values and --value-file go with --verify");
        }
        if self.verify.values.values.as_deref() == Some(stdin) && (reads_stdin || context_stdin) {
            return conflict("stdin can be read only once: give one of the files a name");
        }
        if self.output.stores.is_some() && !(self.output.in_place || self.output.diff) {
            return conflict("--stores goes with --in-place or --diff");
        }
        if self.output.report.as_deref() == Some(stdin)
            && !(self.output.in_place || self.output.output_dir.is_some())
        {
            return conflict(
                "--report - goes with --output-dir or --in-place: stdout holds the manifests",
            );
        }
        if let Some(url) = self.input.filename.iter().find(|path| is_url(path)) {
            return Err((
                ErrorKind::InvalidValue,
                format!(
                    "URLs are not read: download {} first, or pipe it into -f -",
                    url.display()
                ),
            ));
        }
        Ok(())
    }

    /// The decisions among the flags.
    pub(crate) fn options(&self) -> Options {
        let Self { input, context, stores, mapping, .. } = self;
        Options {
            scope: match stores.scope {
                ScopeName::Cluster => Scope::Cluster,
                ScopeName::Namespace => Scope::Namespace,
            },
            auth: stores.auth.clone().unwrap_or_default(),
            pods_as_controller: stores.auth == Some(Auth::Controller),
            namespace: input.namespace.clone(),
            kes_namespace: context.kes_namespace.clone(),
            region: context.region.clone(),
            vault_server: context.vault_server.clone(),
            vault_namespace: context.vault_namespace.clone(),
            vault_mount: context.vault_mount.clone(),
            vault_role: context.vault_role.clone(),
            vault_split_mounts: mapping.vault_split_mount.clone(),
            azure_tenant: context.azure_tenant.clone(),
            gcp_project: context.gcp_project.clone(),
            ibm_endpoint: context.ibm_endpoint.clone(),
            ibm_group: context.ibm_group.clone(),
            akeyless_endpoint: context.akeyless_endpoint.clone(),
            keep_interval: mapping.keep_interval,
            assume_disjoint: mapping.assume_disjoint,
            no_emulate: mapping.no_emulate,
            strict_bytes: mapping.strict_bytes,
            short_templates: mapping.short_templates,
            helm_escape: mapping.helm_escape,
            force: mapping.force,
            namespace_policy: stores.namespace_policy,
            role_conditions: stores.role_conditions,
            enforced: context.enforced,
            store_names: stores.store_name.iter().cloned().collect(),
        }
    }
}

fn is_url(path: &std::path::Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with("http://") || path.starts_with("https://"))
}

const SERVICE_ACCOUNT: &str = "serviceaccount=";

/// Offers the fixed words to completion and takes `serviceaccount=NAMESPACE/NAME` as well.
fn auth_parser() -> impl TypedValueParser<Value = Auth> {
    AuthParser(PossibleValuesParser::new([
        PossibleValue::new("controller").help("As the operator's own identity"),
        PossibleValue::new("kes-serviceaccount").help("As the service account of KES"),
        PossibleValue::new("secret-ref").help("With the Secrets that KES uses"),
        PossibleValue::new("serviceaccount=NAMESPACE/NAME").help("As this service account"),
    ]))
}

#[derive(Clone)]
struct AuthParser(PossibleValuesParser);

impl TypedValueParser for AuthParser {
    type Value = Auth;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Auth, clap::Error> {
        if let Some(account) = value.to_str().and_then(|v| v.strip_prefix(SERVICE_ACCOUNT)) {
            return match account.split_once('/') {
                Some((namespace, name))
                    if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
                {
                    Ok(Auth::ServiceAccount { namespace: namespace.into(), name: name.into() })
                }
                _ => Err(cmd.clone().error(
                    ErrorKind::ValueValidation,
                    format!(
                        "--auth {SERVICE_ACCOUNT}{account}: write {SERVICE_ACCOUNT}NAMESPACE/NAME"
                    ),
                )),
            };
        }
        Ok(match self.0.parse_ref(cmd, arg, value)?.as_str() {
            "kes-serviceaccount" => Auth::KesServiceAccount,
            "secret-ref" => Auth::SecretRef,
            _ => Auth::Controller,
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

fn store_name(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((generated, wanted)) if !generated.is_empty() && !wanted.is_empty() => {
            Ok((generated.to_owned(), wanted.to_owned()))
        }
        _ => Err("write GENERATED=WANTED, both as in metadata.name".to_owned()),
    }
}

pub(super) fn hideable(word: &str) -> Result<&'static Code, String> {
    let code = crate::catalogue::find(word)
        .ok_or_else(|| "no such code; `kubectl extsecret explain` lists them".to_owned())?;
    if code.severity == Severity::Error {
        return Err("errors cannot be hidden: their objects are refused".to_owned());
    }
    Ok(code)
}
