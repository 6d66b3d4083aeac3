//! From KES to its successor: README's short way, and the guide.

use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;

use crate::document::Section;
use crate::readme;
use crate::scene::{self, KesScene};
use crate::shell::{How, Shell};

/// Who runs `apply` is asked.
const YES: How = How::Asked(&[("?", "y\r")]);

/// README: there and back.
pub(crate) fn running(section: &Section) {
    let scene = KesScene::new();
    scene.convert();
    let special = [
        ("plan", How::Says(&["1 to hand over"])),
        ("apply", YES),
        ("rollback", YES),
        ("apply", How::Says(&["done up to step retire"])),
        ("status", How::Says(&["db"])),
    ];
    scene.shell.play_after(section, &special, |command| {
        if command.text.contains("rollback") {
            assert_eq!(scene.owner(), "external-secrets.io/v1");
        }
    });
    assert_eq!(scene.owner(), "kubernetes-client.io/v1");
    scene.assert_unharmed();
}

/// What stands in a cluster of KES.
pub(crate) fn gather(section: &Section) {
    let scene = KesScene::new();
    scene.shell.play(section, &[]);
    for (file, word) in [("kes-deployment.yaml", "AWS_REGION"), ("kes.yaml", "shop/db")] {
        let text = std::fs::read_to_string(scene.shell.file(file)).unwrap();
        assert!(text.contains(word), "{file}: {text}");
    }
}

/// Files of the examples, converted or not.
fn examples() -> Shell {
    let shell = Shell::new();
    shell.copy("plugin/examples/kes", "manifests");
    shell.copy("plugin/examples/kes-deployment.yaml", "kes-deployment.yaml");
    shell
}

pub(crate) fn look(section: &Section) {
    let shell = examples();
    shell.play(section, &[]);
    assert!(shell.file("report.json").is_file());
}

pub(crate) fn prove(section: &Section) {
    let (aws, cluster) = (readme::aws(), scene::cluster(Cluster::setup()));
    scene::namespace(&cluster, "app");
    let shell = Shell::new().cluster(&cluster, "default").aws(&aws);
    shell.copy("plugin/examples/kes", "manifests");
    shell.copy("plugin/examples/kes-deployment.yaml", "kes-deployment.yaml");
    readme::rendered(&shell, &aws);
    let verified = How::Says(&["verified ", " same bytes"]);
    shell.play(section, &[("--verify", verified), ("render", How::Code(1))]);
}

pub(crate) fn write(section: &Section) {
    let scene = KesScene::new();
    let deployment = "kubectl -n kube-secrets get deployment kubernetes-external-secrets -o yaml > kes-deployment.yaml";
    scene.shell.run(deployment, None).succeeded();
    let special = [
        ("--diff", How::Says(&["+apiVersion: external-secrets.io/v1"])),
        ("--dry-run=server", How::Says(&["externalsecret.external-secrets.io/db created"])),
    ];
    scene.shell.play(section, &special);
    scene.assert_unharmed();
}

/// The guide: up to the comparison, the whole way, back, and forth again up to where nobody wants to
/// go back any more.
pub(crate) fn hand_over(section: &Section) {
    let scene = KesScene::new();
    scene.convert();
    let special = [
        ("plan", How::Says(&["1 to hand over"])),
        ("apply", YES),
        ("rollback", YES),
        ("--until shadow", How::Says(&["done up to step shadow"])),
        ("delete configmaps", How::Says(&["deleted"])),
    ];
    scene.shell.play_after(section, &special, |command| {
        if command.text.contains("rollback") {
            assert_eq!(scene.owner(), "external-secrets.io/v1");
        }
        if command.text.contains("delete configmaps") {
            assert_eq!(scene.owner(), "kubernetes-client.io/v1");
            wait_until(SOON, "KES has polled its object", || {
                let old = scene
                    .api
                    .get("apis/kubernetes-client.io/v1/namespaces/shop/externalsecrets/db")?;
                let (seen, is) =
                    (&old["status"]["observedGeneration"], &old["metadata"]["generation"]);
                (seen == is).then_some(())
            });
            let again = "kubectl extsecret migrate apply -R -f manifests --yes";
            scene.shell.run(again, None).succeeded();
        }
    });
    assert_eq!(scene.owner(), "external-secrets.io/v1");
    scene.assert_unharmed();
}
