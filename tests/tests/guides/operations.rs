//! What an operator types.

use std::fs;
use std::path::Path;

use extsecret_dist::chart;
use extsecret_tests::aws::Aws;
use extsecret_tests::call::Call;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin::kubectl_extsecret;

use crate::document::{Section, root};
use crate::shell::{How, Shell};

/// The controller's guide, and its chart's: each installs by the same command, from nothing.
pub(crate) fn install(section: &Section) {
    let mut place = None;
    for command in section.commands.iter().filter(|it| !it.is_name) {
        // Each is a way of its own, but for the definitions that a program needs, and the chart that is made.
        let is_next =
            ["cargo run -p extsecret-controller", "helm install extsecret-controller target"];
        if !is_next.iter().any(|it| command.text.starts_with(it)) {
            place = None;
        }
        let (_, shell) = place.get_or_insert_with(|| {
            let cluster = Cluster::setup().start().unwrap();
            let aws = Aws::start();
            let shell = Shell::new().cluster(&cluster, "default").aws(&aws);
            shell.copy("crds", "crds");
            chart::stage(root(), &shell.file(".charts")).unwrap();
            ((cluster, aws), shell)
        });
        let says = match command.text.split(' ').next() {
            Some("helm") => &["STATUS: deployed"],
            _ => &[""],
        };
        let one = Section { heading: section.heading.clone(), commands: vec![command.clone()] };
        shell.play(&one, &[("", How::Says(says))]);
    }
}

/// What a release is made of, and krew itself with it.
pub(crate) fn krew(section: &Section) {
    let shell = Shell::new();
    shell.write("target/release-plugin/.keep", "");
    let binary = shell.file("target/release-plugin/kubectl-extsecret");
    fs::copy(kubectl_extsecret(), &binary).unwrap();
    // What is for debuggers makes up most of it.
    Call::new(Path::new("strip")).args([&binary]).run().succeeded();
    shell.play(section, &[("kubectl krew install", How::Says(&["Installed plugin: extsecret"]))]);
    assert!(shell.file("target/dist/SHA256SUMS").is_file());
}
