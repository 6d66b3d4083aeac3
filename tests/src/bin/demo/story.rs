//! What happens in the demo, and what has to be so at each point of it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use extsecret_tests::aws_client::Service;
use serde_json::{Value, json};

use crate::stage::{NAMESPACE, SECRETS, Stage, explain, say};

/// The Secrets of the applications: who they are and what they hold.
type Secrets = BTreeMap<String, (String, Value)>;

/// Tells it from the beginning to the end.
///
/// # Errors
/// If something is not what it should be, or somebody interrupts it.
pub(crate) fn tell(stage: &mut Stage) -> Result<()> {
    let (secrets, pods) = (secrets(stage), pods(stage));
    manifests(stage)?;
    install(stage)?;
    hand_over(stage)?;
    ensure!(self::secrets(stage) == secrets, "the hand-over has changed a Secret");
    ensure!(self::pods(stage) == pods, "the hand-over has restarted a pod");
    rotate(stage)?;
    let after = self::secrets(stage);
    let uids = |it: &Secrets| it.values().map(|(uid, _)| uid.clone()).collect::<Vec<_>>();
    ensure!(uids(&after) == uids(&secrets), "a Secret was made anew");
    ensure!(after["db"].1 != secrets["db"].1, "the rotated Secret is as before");
    ensure!(after["mail"] == secrets["mail"], "a Secret changed that was not rotated");
    ensure!(self::pods(stage).iter().all(|it| !pods.contains(it)), "a pod was not restarted");
    explain(
        "Both Secrets are the ones of the beginning (same uid): never deleted, never made anew. Pods were\n\
         restarted once, by the rotation, and not by the migration.\n\
         In a cluster of your own: README.md, \"Install\" and \"A first migration\".",
    )
}

/// From files of KES to files of external-secrets.io.
fn manifests(stage: &Stage) -> Result<()> {
    explain(
        "1. The namespace shop has two objects of kubernetes-external-secrets (KES), which runs and keeps\n   \
         two Secrets in sync with AWS Secrets Manager. The Deployment api reads one of them.",
    )?;
    stage.types("head -n 15 manifests/shop.yaml", &["kubernetes-client.io/v1"])?;
    stage.types("kubectl get secrets,pods -n shop", &["secret/db", "secret/mail", "pod/api-"])?;

    explain(
        "2. Convert the manifests. What KES knew stands in its Deployment. Whatever could\n   \
         turn out differently afterwards is said now, with a code that `kubectl extsecret explain` knows.",
    )?;
    stage.types(
        "kubectl get deployment kubernetes-external-secrets -n kube-secrets -o yaml > kes-deployment.yaml",
        &[],
    )?;
    stage.types(
        "kubectl extsecret migrate -R -f manifests --kes-deployment kes-deployment.yaml --output-dir migrated",
        &["2 converted"],
    )?;
    stage.types(
        "head -n 27 migrated/shop.yaml",
        &["external-secrets.io/v1", "Rotated every week"],
    )?;
    stage.types("kubectl extsecret validate -R -f migrated", &["3 objects checked"])
}

/// The successor, which has nothing to do yet.
fn install(stage: &mut Stage) -> Result<()> {
    explain(
        "3. Install the successor of KES. It waits: there is nothing for it to do yet. (The nodes of this\n   \
         cluster run no containers. The controller runs beside it, as its pod would.)",
    )?;
    let install = "helm install extsecret-controller ./extsecret-controller -n extsecret --create-namespace --wait \\\n    \
         --set installCRDs=true,restarts.enabled=true,events.queueUrl=$QUEUE_URL";
    stage.types(install, &["STATUS: deployed"])?;
    stage.run_controller("extsecret")
}

/// From a KES that runs to its successor.
fn hand_over(stage: &Stage) -> Result<()> {
    explain(
        "4. Hand over from KES, which runs, to extsecret-controller, which waits: first what would happen\n   \
         and what is in the way, then each step, proved before the next one.",
    )?;
    stage.types("kubectl extsecret migrate plan -R -f migrated", &["2 to hand over"])?;
    stage.types("kubectl extsecret migrate apply -R -f migrated --yes", &[])?;
    stage.types("kubectl extsecret status -n shop", &["2 healthy"])
}

/// A new value in AWS, up to the pods.
fn rotate(stage: &Stage) -> Result<()> {
    explain(
        "5. The pods of api have the password as a variable: they need a restart to see another one. So the\n   \
         Deployment asks for it.",
    )?;
    stage.types(
        "kubectl annotate deployment/api -n shop extsecret.io/restart=auto",
        &["annotated"],
    )?;
    let path = format!("apis/apps/v1/namespaces/{NAMESPACE}/deployments/api");
    stage.wait("the controller knows what the pods have", || {
        stage.api.get(&path).is_some_and(|it| {
            it["metadata"]["annotations"]["extsecret.io/restart-record"].is_string()
        })
    })?;

    explain("Somebody rotates the password in AWS (PutSecretValue of shop/db) ...")?;
    let before = (secrets(stage), pods(stage));
    let new = r#"{"user":"shop","password":"second-password"}"#;
    let request = json!({
        "SecretId": "shop/db", "SecretString": new,
        "ClientRequestToken": "5e1a9d5e-0a64-4d0f-9f0d-2c7f1f6b8a01",
    });
    let answer = stage.aws.client().ask(Service::SecretsManager, "PutSecretValue", &request);
    ensure!(answer.status == 200, "PutSecretValue: {:?}", answer.error);
    stage.wait("the Secret has the new value", || secrets(stage)["db"] != before.0["db"])?;
    explain(
        "... an event of AWS told the controller, the Secret is written. The pods follow after 10 s: what changes\n\
         together is one restart.",
    )?;
    stage.wait("pods are restarted", || {
        let pods = pods(stage);
        pods.len() == 2 && pods.iter().all(|it| !before.1.contains(it))
    })?;
    say("")?;
    stage.types("kubectl rollout status deployment/api -n shop", &["successfully rolled out"])?;
    stage.types("kubectl extsecret status db -n shop", &["Deployment api"])?;
    stage.types("kubectl extsecret why deployment/api -n shop", &[])
}

fn secrets(stage: &Stage) -> Secrets {
    let all = stage.api.list(&format!("api/v1/namespaces/{NAMESPACE}/secrets"));
    let name = |it: &Value| text(&it["metadata"]["name"]);
    // Those that a comparison has made and that wait for garbage collection are not meant.
    let own = all.iter().filter(|it| SECRETS.contains(&name(it).as_str()));
    own.map(|it| (name(it), (text(&it["metadata"]["uid"]), it["data"].clone()))).collect()
}

/// The pods that are there and do not end.
fn pods(stage: &Stage) -> Vec<String> {
    let all = stage.api.list(&format!("api/v1/namespaces/{NAMESPACE}/pods"));
    let stays = all.iter().filter(|it| it["metadata"]["deletionTimestamp"].is_null());
    let mut names: Vec<_> = stays.map(|it| text(&it["metadata"]["name"])).collect();
    names.sort_unstable();
    names
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
