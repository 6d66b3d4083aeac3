//! `validate` on files.

use serde_json::Value;

use crate::run::Folder;

const BAD: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
  namespace: shop
spec:
  refreshInterwal: 1h
  secretStoreRef: { name: main }
  target: { deletionPolicy: Delete }
  data:
    - secretKey: password
      remoteRef: { key: app/db }
";

fn good() -> String {
    BAD.replace("Interwal", "Interval").replace("  target: { deletionPolicy: Delete }\n", "")
}

#[test]
fn findings_are_shown_with_their_lines() {
    let folder = Folder::new();
    folder.write("a.yaml", BAD);
    let ran = folder.run("validate -f a.yaml");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn exit_codes_say_how_bad_it_is() {
    let folder = Folder::new();
    folder.write("good.yaml", good());
    folder.write("warned.yaml", BAD.replace("Interwal", "Interval"));
    folder.write("broken.yaml", "a: [\n");
    for (flags, code) in [
        ("-f good.yaml", 0),
        ("-f good.yaml --strict", 0),
        ("-f warned.yaml", 0),
        ("-f warned.yaml --strict", 1),
        ("-f warned.yaml --strict --suppress L09", 0),
        ("-f broken.yaml -f good.yaml", 1),
        ("-f nowhere.yaml", 2),
        ("", 2),
        ("-k -x", 2),
    ] {
        let ran = folder.run(&format!("validate {flags}"));
        assert_eq!(ran.code, Some(code), "{flags}: {ran:?}");
    }
    assert!(folder.run("validate -f good.yaml").stderr.contains("1 object checked: nothing found"));
}

#[test]
fn programs_get_what_they_read() {
    let folder = Folder::new();
    folder.write("a.yaml", BAD);
    let ran = folder.run("validate -f a.yaml -o json");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["summary"]["errors"], 1);
    assert_eq!(json["findings"][0]["code"], "S01");
    assert_eq!(json["findings"][0]["line"], 7);
    assert_eq!(json["findings"][0]["help"], "did you mean `refreshInterval`?");
    let sarif: Value =
        serde_json::from_str(&folder.run("validate -f a.yaml -o sarif").stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][1]["ruleId"], "L09");
    let ran = folder.run("validate -f a.yaml -o github");
    assert!(
        ran.stdout.starts_with("::error file=a.yaml,line=7,endLine=7,col=3,title=S01 "),
        "{ran:?}"
    );
}

#[test]
fn a_list_from_the_cluster_and_the_old_kind() {
    let folder = Folder::new();
    folder.write(
        "list.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: kubernetes-client.io/v1\n  \
         kind: ExternalSecret\n  metadata: { name: old, namespace: shop }\n  spec:\n    \
         backendType: nowhere\n    data: [{ key: a, name: b }]\n- apiVersion: v1\n  \
         kind: ConfigMap\n  metadata: { name: c }\n",
    );
    let ran = folder.run("validate -f list.yaml");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("error[E"), "{ran:?}");
    assert!(ran.stderr.contains("1 object checked"), "{ran:?}");
    assert!(ran.stderr.contains("1 object of another kind not looked at"), "{ran:?}");
}

#[test]
fn no_value_is_shown() {
    let folder = Folder::new();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: db, namespace: shop }\n\
                  stringData: { password: hunter2 }\n";
    folder.write("both.yaml", format!("{secret}---\n{}", good()));
    folder.write(
        "plain.yaml",
        BAD.replace(
            "  target: { deletionPolicy: Delete }\n",
            "  target:\n    template:\n      data:\n        password: hunter2\n",
        ),
    );
    for format in ["text", "json", "sarif", "github"] {
        let ran = folder.run(&format!("validate -f both.yaml -f plain.yaml -o {format}"));
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains("hunter2"), "{ran:?}");
        for code in ["L05", "L11"] {
            assert!(all.contains(code), "{format}: {code} is missing: {ran:?}");
        }
    }
}

#[test]
fn what_can_only_be_meant_in_one_way_is_fixed() {
    let folder = Folder::new();
    let broken = "\
# Kept.
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db, namespace: shop }
spec:
  refreshInterwal: 1h   # and this
  secretStoreRef: { name: main, 'kindd': SecretStore }
  target: { creationPolicy: owner }
  data:
    - secretKey: yes
      remoteRef: { key: app/db }
    - secretKey: 0777
      remoteRef: { key: app/db, propertyy: a, property: b }
---
kind: ConfigMap
apiVersion: v1
metadata: { name: other }
";
    folder.write("a.yaml", broken);
    folder.write("good.yaml", good());
    let ran = folder.run("validate -f a.yaml -f good.yaml --fix");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("fixed 5 places in 1 file\n"), "{ran:?}");
    // Which of two is meant, only a person knows.
    assert!(ran.stderr.contains("has no field `propertyy`"), "{ran:?}");
    let expected = broken
        .replace("refreshInterwal", "refreshInterval")
        .replace("'kindd'", "'kind'")
        .replace("owner", "Owner")
        .replace("yes", "\"yes\"")
        .replace("0777", "\"0777\"");
    assert_eq!(folder.read("a.yaml"), expected);
    assert_eq!(folder.read("good.yaml"), good());
    // There is nothing left to fix.
    let ran = folder.run("validate -f a.yaml --fix");
    assert!(!ran.stderr.contains("fixed"), "{ran:?}");
    assert_eq!(folder.read("a.yaml"), expected);
    // What comes from elsewhere is not written.
    let ran = folder.run_with("validate -f - --fix", broken);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!ran.stderr.contains("fixed"), "{ran:?}");
}

#[test]
fn a_line_end_behind_base64_is_told() {
    let folder = Folder::new();
    let store = |bundle: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{ name: main }}\n\
             spec:\n  provider:\n    vault:\n      server: https://vault.example.test\n      \
             version: v2\n      path: secret\n      auth: {{ tokenSecretRef: {{ name: v, key: t }} }}\n\
             \x20     caBundle: {bundle}"
        )
    };
    for (bundle, help) in [
        ("|\n        aGVsbG8=\n", "begin the block with |- instead of |"),
        ("|\n        aGVs\n        bG8=\n", "write it in one line"),
        ("hunter2\n", "explain S03"),
    ] {
        let ran = folder.run_with("validate -f -", store(bundle));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(help), "{bundle}: {ran:?}");
    }
    assert_eq!(folder.run_with("validate -f -", store("|-\n        aGVsbG8=\n")).code, Some(0));
}
