//! `scaffold`, complete by flags.

use crate::run::Folder;

/// Runs it where nobody can be asked, and asserts that `validate` has nothing to say of the result.
fn scaffold(flags: &str) -> String {
    let folder = Folder::new();
    let ran = folder.run(&format!("scaffold {flags}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{flags}: {ran:?}");
    let checked = folder.run_with("validate --strict -f -", &ran.stdout);
    assert_eq!(checked.code, Some(0), "{flags}: {checked:?}\n{}", ran.stdout);
    assert_eq!(checked.stderr, "1 object checked: nothing found\n", "{flags}:\n{}", ran.stdout);
    ran.stdout
}

#[test]
fn every_external_secret_is_valid() {
    for flags in [
        "db --store main --key app/db",
        "db --store main --key app/db -n shop",
        "db --cluster-store shared --key app/db --property password --property a.b",
        "db --store main --key app/db --target database --refresh-interval 15m",
        "db --store main --key app/db --property=a/b --property=x*y --no-input",
    ] {
        for kind in ["externalsecret", "es"] {
            scaffold(&format!("{kind} {flags}"));
        }
    }
    let flags = "externalsecret db -n shop --cluster-store shared --key app/db --property password \
                 --property db.host --target database";
    insta::assert_snapshot!("external_secret", scaffold(flags));
}

#[test]
fn every_store_is_valid() {
    let role = "--role arn:aws:iam::111122223333:role/reader";
    for kind in ["secretstore", "clustersecretstore", "ss", "css"] {
        let namespace = if kind.starts_with('c') { "shop/" } else { "" };
        for flags in [
            "",
            role,
            "--service ParameterStore",
            "--auth controller",
            &format!("--auth service-account --service-account {namespace}reader"),
            &format!("--service-account {namespace}reader {role}"),
            &format!("--auth secret --secret {namespace}keys"),
        ] {
            scaffold(&format!("{kind} main --region eu-west-1 {flags}"));
        }
    }
    let flags = format!(
        "clustersecretstore shared --region eu-west-1 --service-account shop/reader {role}"
    );
    insta::assert_snapshot!("cluster_store", scaffold(&flags));
    insta::assert_snapshot!("store", scaffold("secretstore main --region eu-west-1 -n shop"));
    let flags = "secretstore main --region eu-west-1 --secret keys --service ParameterStore";
    insta::assert_snapshot!("store_with_keys", scaffold(flags));
}

#[test]
fn what_is_missing_is_told_and_nobody_is_asked() {
    let folder = Folder::new();
    for (flags, says) in [
        ("", "KIND is missing"),
        ("externalsecret", "--key, --from-aws, --from-secret or --from-workload is missing"),
        ("externalsecret --key app/db --store main", "NAME is missing"),
        ("externalsecret db --key app/db", "--store or --cluster-store is missing"),
        ("secretstore", "NAME is missing"),
        ("secretstore main", "--region is missing"),
        ("secretstore main --region r --auth secret", "--secret is missing"),
        ("clustersecretstore main --region r --secret keys", "write NAMESPACE/keys"),
        ("pod", "invalid value"),
        ("externalsecret db --key a --from-aws b --store c", "cannot be used with"),
        ("externalsecret db --from-secret a --from-workload deployment/b", "cannot be used with"),
        ("externalsecret --from-workload pod/a --store b", "not like deployment/NAME"),
        ("externalsecret db --from-workload deployment/a --store b", "called like its Secret"),
        ("externalsecret db --push --store b --key c", "--from-secret"),
        ("externalsecret db --from-secret a --push --service ParameterStore", "Secrets Manager"),
        ("externalsecret db --key a --store b --refresh-interval 0", "never be fetched again"),
    ] {
        let ran = folder.run(&format!("scaffold {flags}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{flags}: {ran:?}");
        assert!(ran.stderr.contains(says), "{flags}: {ran:?}");
    }
}
