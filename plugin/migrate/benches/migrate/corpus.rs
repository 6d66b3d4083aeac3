//! A large installation, made of nothing but numbers: the same text on every machine.
//!
//! The mix is that of manifests people keep in Git: mostly AWS Secrets Manager with properties,
//! some of every other backend, old forms, templates, comments, and a few objects that cannot be
//! converted.

use std::fmt::Write as _;

/// Files of the corpus.
pub(crate) const FILES: usize = 100;
/// Objects in each file.
pub(crate) const OBJECTS_PER_FILE: usize = 100;

/// The Deployment that goes with the corpus.
pub(crate) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: kubernetes-external-secrets, namespace: kes}
spec:
  selector: {matchLabels: {app: kes}}
  template:
    metadata: {labels: {app: kes}}
    spec:
      serviceAccountName: kes
      containers:
      - name: kubernetes-external-secrets
        image: ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5
        env:
        - {name: AWS_REGION, value: eu-central-1}
        - {name: VAULT_ADDR, value: \"https://vault.example.com:8200\"}
        - {name: AZURE_TENANT_ID, value: 00000000-0000-4000-8000-000000000000}
";

/// All files: name and text.
pub(crate) fn files() -> Vec<(String, String)> {
    (0..FILES)
        .map(|file| {
            let mut text = String::with_capacity(OBJECTS_PER_FILE * 900);
            text.push_str("# Secrets of one team. Ask in the channel before you change a key.\n");
            for object in 0..OBJECTS_PER_FILE {
                if object > 0 {
                    text.push_str("---\n");
                }
                write_object(&mut text, file, object).expect("writing to a String cannot fail");
            }
            (format!("team-{file:03}.yaml"), text)
        })
        .collect()
}

fn write_object(text: &mut String, file: usize, object: usize) -> std::fmt::Result {
    let number = file * OBJECTS_PER_FILE + object;
    // A fixed scramble, so that neighbours differ.
    let mix = number.wrapping_mul(2_654_435_761) >> 7;
    let namespace = format!("team-{:02}", mix % 40);
    writeln!(text, "# Owned by {namespace}, rotated every {} days", 30 + mix % 60)?;
    writeln!(text, "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret")?;
    writeln!(text, "metadata:\n  name: service-{number:05}\n  namespace: {namespace}")?;
    writeln!(text, "  labels:\n    app: service-{}\n    team: {namespace}", mix % 500)?;
    if mix.is_multiple_of(5) {
        writeln!(text, "  annotations:\n    argocd.argoproj.io/sync-wave: \"{}\"", mix % 3)?;
    }
    let old_form = mix.is_multiple_of(23);
    writeln!(text, "{}:", if old_form { "secretDescriptor" } else { "spec" })?;
    let items = 2 + mix % 6;
    match mix % 20 {
        0..=11 => secrets_manager(text, mix, items),
        12..=13 => parameter_store(text, mix, items),
        14..=16 => vault(text, mix, items),
        17 => azure(text, mix, items),
        18 => google(text, mix, items),
        _ => template(text, mix, items),
    }
}

fn secrets_manager(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: secretsManager")?;
    if !mix.is_multiple_of(3) {
        writeln!(text, "  region: {}", ["us-east-1", "eu-west-1", "eu-central-1"][mix % 3])?;
    }
    if mix.is_multiple_of(2) {
        writeln!(text, "  roleArn: arn:aws:iam::111122223333:role/reader-{}", mix % 12)?;
    }
    if mix.is_multiple_of(7) {
        writeln!(text, "  dataFrom:\n  - prod/service-{}/env", mix % 900)?;
    }
    writeln!(text, "  data:")?;
    for item in 0..items {
        writeln!(text, "  - key: prod/service-{}/db", mix % 900)?;
        writeln!(text, "    name: DB_{item}   # read by the migration job, too")?;
        match item % 4 {
            0 => writeln!(text, "    property: users[{item}].password")?,
            1 => writeln!(text, "    property: password")?,
            2 => writeln!(text, "    versionStage: AWSPREVIOUS")?,
            _ if mix.is_multiple_of(4) => writeln!(text, "    isBinary: true")?,
            _ => {}
        }
    }
    Ok(())
}

fn parameter_store(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: systemManager\n  region: us-east-1\n  data:")?;
    for item in 0..items {
        writeln!(
            text,
            "  - {{key: \"/prod/{}/key-{item}:{}\", name: key-{item}}}",
            mix % 50,
            1 + item
        )?;
    }
    if mix.is_multiple_of(3) {
        writeln!(text, "  - path: /prod/{}/extra/\n    recursive: true", mix % 50)?;
    }
    Ok(())
}

fn vault(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: vault\n  vaultMountPoint: kubernetes/prod")?;
    writeln!(text, "  vaultRole: app-{}\n  kvVersion: {}\n  data:", mix % 9, 1 + mix % 2)?;
    for item in 0..items {
        writeln!(text, "  - name: \"value_{item}\"\n    key: 'secret/data/team/{}'", mix % 70)?;
        writeln!(text, "    property: value")?;
    }
    Ok(())
}

fn azure(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: azureKeyVault\n  keyVaultName: vault-{}\n  data:", mix % 6)?;
    for item in 0..items {
        writeln!(text, "    - key: service-{}-{item}\n      name: k{item}", mix % 300)?;
    }
    Ok(())
}

fn google(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: gcpSecretsManager\n  projectId: project-{}\n  data:", mix % 5)?;
    for item in 0..items {
        writeln!(text, "  - key: service-{}\n    name: k{item}\n    version: latest", mix % 300)?;
        writeln!(text, "    property: nested.k{item}")?;
    }
    Ok(())
}

fn template(text: &mut String, mix: usize, items: usize) -> std::fmt::Result {
    writeln!(text, "  backendType: secretsManager\n  region: us-east-1\n  template:")?;
    writeln!(
        text,
        "    type: Opaque\n    metadata:\n      labels:\n        tier: \"{}\"",
        mix % 4
    )?;
    writeln!(text, "    stringData:\n      config.ini: |")?;
    for line in 0..8 {
        writeln!(text, "        setting_{line} = {}", mix % (100 + line))?;
    }
    if (mix / 20).is_multiple_of(10) {
        // Refused: an expression.
        writeln!(text, "        password = <%= data.k0 %>")?;
    }
    writeln!(text, "  data:")?;
    for item in 0..items {
        writeln!(text, "  - key: prod/service-{}\n    name: k{item}", mix % 900)?;
    }
    Ok(())
}
