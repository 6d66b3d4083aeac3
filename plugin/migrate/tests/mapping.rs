//! What the golden cases leave out: options, combinations, and the promises about a whole run.

use extsecret_manifest::read::{Limits, read};
use extsecret_manifest::source::{SourceFile, Sources};
use extsecret_manifest::write::write_documents;
use extsecret_migrate::options::{Auth, Scope};
use extsecret_migrate::{Context, FileHints, Migration, Migrator, Options, Outcome};

fn run_files(files: &[&str], options: &Options) -> Migration {
    let (context, mut sources) = (Context::default(), Sources::default());
    let mut run = Migrator::new(&context, options);
    for (i, text) in files.iter().enumerate() {
        let file = SourceFile::new(format!("{i}.yaml"), *text);
        let id = sources.add(file.clone());
        run.add(id, &file, &read(id, &file, &Limits::default()), FileHints::default());
    }
    run.finish()
}

fn run(text: &str, options: &Options) -> Migration {
    run_files(&[text], options)
}

fn codes(migration: &Migration) -> Vec<&'static str> {
    let mut codes: Vec<_> = migration
        .objects
        .iter()
        .flat_map(|object| &object.diagnostics)
        .chain(&migration.diagnostics)
        .map(|diagnostic| diagnostic.code.id)
        .collect();
    codes.sort_unstable();
    codes
}

fn text(migration: &Migration) -> String {
    write_documents(migration.outputs.iter().map(extsecret_migrate::Output::node))
}

fn kes(spec: &str) -> String {
    format!(
        "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata: {{name: x, namespace: app}}\nspec: {{{spec}}}\n"
    )
}

const SM: &str = "backendType: secretsManager, region: us-east-1";

#[test]
fn an_item_without_name_needs_force() {
    let object = kes(&format!("{SM}, data: [{{key: k}}]"));
    assert_eq!(codes(&run(&object, &Options::default())), ["E04"]);
    let forced = run(&object, &Options { force: true, ..Options::default() });
    assert!(text(&forced).contains("secretKey: undefined"));
    assert_eq!(codes(&forced), ["W12", "W23"]);
}

#[test]
fn strict_bytes_names_every_value_that_could_differ() {
    let object = kes(&format!("{SM}, dataFrom: [all], data: [{{key: k, name: v, property: p}}]"));
    assert_eq!(codes(&run(&object, &Options::default())), ["W08", "W12"]);
    let strict = run(&object, &Options { strict_bytes: true, ..Options::default() });
    assert_eq!(codes(&strict), ["W07", "W07", "W08", "W12"]);
}

#[test]
fn a_store_in_a_namespace_has_no_conditions_and_reaches_no_other() {
    let namespaced = Options { scope: Scope::Namespace, ..Options::default() };
    let object = kes(&format!("{SM}, data: [{{key: k, name: v}}]"));
    let migration = run(&object, &namespaced);
    let written = text(&migration);
    assert!(written.contains("kind: SecretStore\nmetadata:\n  name: kes-sm-us-east-1-"));
    assert!(written.contains("  namespace: app\nspec:\n  provider:"), "{written}");
    assert!(!written.contains("conditions"), "{written}");

    let account = |namespace: &str| Options {
        auth: Auth::ServiceAccount { namespace: namespace.into(), name: "reader".into() },
        ..namespaced.clone()
    };
    let own = run(&object, &account("app"));
    assert!(
        text(&own).contains("serviceAccountRef:\n            name: reader\n"),
        "{}",
        text(&own)
    );
    assert_eq!(codes(&run(&object, &account("other"))), ["E10"]);
    let kes_account = Options { auth: Auth::KesServiceAccount, ..namespaced };
    assert_eq!(codes(&run(&object, &kes_account)), ["E10"]);
}

#[test]
fn an_object_without_namespace_is_not_given_to_all_of_them() {
    let object = kes(&format!("{SM}, data: [{{key: k, name: v}}]")).replace(", namespace: app", "");
    assert_eq!(codes(&run(&object, &Options::default())), ["E10"]);
    let told = run(&object, &Options { namespace: Some("web".into()), ..Options::default() });
    assert!(text(&told).contains("  - namespaces:\n    - web\n"), "{}", text(&told));
    let base = run(&object, &Options { scope: Scope::Namespace, ..Options::default() });
    assert!(!text(&base).contains("namespace:"), "{}", text(&base));
}

#[test]
fn every_object_is_accounted_for_once_whatever_it_is() {
    let good = kes(&format!("{SM}, data: [{{key: k, name: v}}]"));
    let patch = "- {op: replace, path: /spec/roleArn, value: r}\n";
    let all = [
        good.as_str(),
        "a: [\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
        patch,
        "just text\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: new}\n",
    ]
    .join("---\n");
    let migration = run(&all, &Options::default());
    let outcomes: Vec<_> = migration.objects.iter().map(|object| object.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Converted,
            Outcome::Unreadable,
            Outcome::Kept,
            Outcome::Refused,
            Outcome::Kept,
            Outcome::Kept
        ]
    );
}

#[test]
fn the_order_of_files_does_not_matter() {
    let a = kes(&format!("{SM}, roleArn: \"arn:aws:iam::1:role/a\", data: [{{key: k, name: v}}]"));
    let b = kes("backendType: systemManager, region: us-east-1, data: [{path: /p}]")
        .replace("name: x", "name: z");
    let c = kes(&format!("{SM}, controllerId: blue, data: [{{key: k, name: v}}]"))
        .replace("namespace: app", "namespace: web");
    let one = text(&run_files(&[&a, &b, &c], &Options::default()));
    let other = text(&run_files(&[&c, &b, &a], &Options::default()));
    assert_eq!(one, other);
}

#[test]
fn a_store_name_that_cannot_be_given_is_said() {
    let object = kes(&format!("{SM}, data: [{{key: k, name: v}}]"));
    let wish = [("kes-sm-typo".to_owned(), "mine".to_owned())].into();
    let migration = run(&object, &Options { store_names: wish, ..Options::default() });
    assert_eq!(codes(&migration), ["W12", "W28"]);
}

#[test]
fn the_same_object_twice_is_said() {
    let object = kes(&format!("{SM}, data: [{{key: k, name: v}}]"));
    let migration = run_files(&[&object, &object], &Options::default());
    assert_eq!(migration.count(Outcome::Converted), 2);
    assert_eq!(codes(&migration), ["W12", "W28"]);
}

#[test]
fn ibm_logins_are_rebuilt_without_leaving_their_parts_in_the_secret() {
    use extsecret_manifest::node::Node;
    use extsecret_manifest::read::Content;

    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kubernetes-external-secrets, namespace: kes}\nspec:\n  template:\n    spec:\n      containers:\n      - name: kubernetes-external-secrets\n        env:\n        - {name: IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT, value: \"https://i\"}\n        - {name: IBM_CLOUD_SECRETS_MANAGER_API_APIKEY, valueFrom: {secretKeyRef: {name: ibm, key: k}}}\n";
    let file = SourceFile::new("d", deployment);
    let mut sources = Sources::default();
    let id = sources.add(file.clone());
    let documents = read(id, &file, &Limits::default());
    let nodes: Vec<&Node> = documents
        .iter()
        .filter_map(|document| match &document.content {
            Content::Node(node) => Some(node),
            _ => None,
        })
        .collect();
    let (context, _) = Context::from_deployment(id, nodes).unwrap();
    let options = Options::default();
    let mut run = Migrator::new(&context, &options);
    let object = SourceFile::new(
        "o",
        kes(
            "backendType: ibmcloudSecretsManager, data: [{key: id1, name: lo-gin, secretType: username_password}, {key: id2, name: other, secretType: arbitrary, property: payload}, {key: id3, name: lo-gin.password, secretType: arbitrary, property: payload}]",
        ),
    );
    let id = sources.add(object.clone());
    run.add(id, &object, &read(id, &object, &Limits::default()), FileHints::default());
    let migration = run.finish();
    let written = text(&migration);
    assert!(written.contains("mergePolicy: Replace"), "{written}");
    // Everything that shall be in the Secret is in the template, and nothing else.
    assert!(written.contains(
        "lo-gin: '{\"username\":{{ index . \"lo-gin\" | toRawJson }},\"password\":{{ index . \"lo-gin.password_\" | toRawJson }}}'"
    ), "{written}");
    assert!(written.contains("other: \"{{ .other }}\""), "{written}");
    // A key of the user's that looks like a part stays.
    assert!(written.contains("lo-gin.password: '{{ index . \"lo-gin.password\" }}'"), "{written}");
    assert_eq!(written.matches("secretKey:").count(), 4, "{written}");
    assert_eq!(codes(&migration), ["W08", "W12", "W16", "W18"]);
}
