//! Options of `migrate` that say what KES knew, or what the new objects shall be like: each is seen in
//! what comes out, and not there without it.

use crate::run::{Folder, kes};

/// An object of KES with this backend and these items.
fn object(backend: &str, data: &str) -> String {
    format!(
        "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata: {{ name: a, namespace: shop }}\n\
         spec: {{ backendType: {backend}, keyVaultName: vault, data: [{data}] }}\n"
    )
}

/// Values of KES's chart with the credentials of backends that need some.
const VALUES: &str = "\
env: { AWS_REGION: eu-west-1 }
envVarsFromSecret:
  IBM_CLOUD_SECRETS_MANAGER_API_APIKEY: { secretKeyRef: ibm, key: apikey }
  AKEYLESS_ACCESS_ID: { secretKeyRef: akeyless, key: id }
";

/// Converts an object without and with an option, and asserts that only the latter says this.
fn says(object: &str, before: &str, option: &str, wanted: &str) {
    let folder = Folder::new();
    folder.write("a.yaml", object).write("values.yaml", VALUES);
    let run = |more: &str| {
        let ran = folder.run(&format!("migrate -f a.yaml {before} {more}"));
        assert!(matches!(ran.code, Some(0 | 1)), "{more}: {ran:?}");
        format!("{}{}", ran.stdout, ran.stderr)
    };
    let (without, with) = (run(""), run(option));
    assert!(!without.contains(wanted), "without {option}: {without}");
    assert!(with.contains(wanted), "with {option}: {with}");
}

#[test]
fn what_kes_knew_goes_into_the_stores() {
    let vault = object("vault", "{ key: secret/data/a, property: p, name: p }");
    let known = "--vault-server https://vault --vault-role reader";
    says(&vault, known, "--vault-mount kube", "mountPath: kube\n");
    says(
        &vault,
        "--vault-server https://vault --vault-mount kube",
        "--vault-role reader",
        "role: reader\n",
    );
    let known = format!("{known} --vault-mount kube");
    says(&vault, &known, "--vault-namespace team", "namespace: team\n");

    let azure = object("azureKeyVault", "{ key: k, name: p }");
    says(&azure, "", "--azure-tenant t-1", "tenantId: t-1\n");
    let google = object("gcpSecretsManager", "{ key: k, name: p }");
    says(&google, "", "--gcp-project p-1", "projectID: p-1\n");
    let values = "--kes-values values.yaml --kes-namespace kes";
    let akeyless = object("akeyless", "{ key: /k, name: p }");
    says(&akeyless, values, "--akeyless-endpoint https://ak", "akeylessGWApiURL: https://ak\n");
    let ibm = object("ibmcloudSecretsManager", "{ key: id, secretType: arbitrary, name: p }");
    says(&ibm, values, "--ibm-endpoint https://ibm", "serviceUrl: https://ibm\n");
    let known = "--kes-values values.yaml --ibm-endpoint https://ibm";
    says(&ibm, known, "--kes-namespace elsewhere", "namespace: elsewhere\n");

    let own = format!("{values} --auth kes-serviceaccount");
    says(&kes("a", "shop"), &own, "--kes-release old", "name: old-kubernetes-external-secrets\n");
}

#[test]
fn what_shall_be_different_is() {
    let generated = "kes-sm-eu-west-1-d26de749";
    let rename = format!("--store-name {generated}=main");
    says(&kes("a", "shop"), "", &rename, "  name: main\n");

    let ibm = object("ibmcloudSecretsManager", "{ key: id, secretType: arbitrary, name: p }");
    let known = "--kes-values values.yaml --kes-namespace kes --ibm-endpoint https://ibm";
    says(&ibm, known, "--no-emulate", "error[E06]");
    let member = kes("a", "shop").replace("name: value", "property: p\n    name: value");
    says(&member, "", "--strict-bytes", "warning[W07]");
    says(&kes("a", "shop"), "", "--helm-template", "error[E14]");
}

/// The other way round: the warning goes.
#[test]
fn what_somebody_vouches_for_is_no_warning() {
    let folder = Folder::new();
    let parameters = object("systemManager", "{ key: /a/k, name: p }, { path: /b }");
    folder.write("a.yaml", parameters);
    let shows = |option: &str| {
        let ran = folder.run(&format!("migrate -f a.yaml --region eu-west-1 {option}"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stderr.contains("warning[W10]")
    };
    assert_eq!((shows(""), shows("--assume-disjoint")), (true, false));
}
