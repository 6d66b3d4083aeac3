//! A person's terminal: a folder, the programs in the PATH, a cluster, credentials of AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use extsecret_tests::aws::Aws;
use extsecret_tests::call::{Call, Finished};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::shown::{is_shortened, normalized};
use extsecret_tests::{helm, terminal, tools, venv};
use regex::Regex;
use tempfile::TempDir;

use crate::document::{Command, Section, root};
use crate::standins;

/// What no command may print: the values that scenes plant, and what they are in base64.
pub(crate) const PLANTED: [(&str, &str); 2] = [
    ("pa55word-of-the-database", "cGE1NXdvcmQtb2YtdGhlLWRhdGFiYXNl"),
    ("new-pa55word-of-the-database", "bmV3LXBhNTV3b3JkLW9mLXRoZS1kYXRhYmFzZQ=="),
];

/// What is different with a command that is not simply typed, and well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// It ends with another exit code than 0.
    Code(i32),
    /// It needs a terminal, and asks: parts of its questions, and what is typed then.
    Asked(&'static [(&'static str, &'static str)]),
    /// It prints something that the scene looks for.
    Says(&'static [&'static str]),
}

/// Commands by a part of theirs.
pub(crate) type Special = [(&'static str, How)];

pub(crate) struct Shell {
    home: TempDir,
    variables: BTreeMap<String, String>,
}

impl Shell {
    /// One with nothing but the programs.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let kubectl = tools::kubectl().unwrap();
        let bin = home.path().join(".bin");
        standins::install(&bin, home.path());
        // Helm lies beside kubectl.
        let folders = [&bin, kubectl_extsecret().parent().unwrap(), kubectl.parent().unwrap()];
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = folders.into_iter().map(Path::to_owned).chain(std::env::split_paths(&own));
        let path = std::env::join_paths(path).unwrap().into_string().unwrap();
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        let variables = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), text(home.path().to_owned())),
            ("KUBECONFIG".to_owned(), text(home.path().join("none"))),
            ("KREW_ROOT".to_owned(), text(home.path().join(".krew"))),
            ("NO_COLOR".to_owned(), "1".to_owned()),
        ]);
        Self { home, variables }
    }

    /// With a cluster, and a namespace of it to work in.
    pub(crate) fn cluster(mut self, cluster: &Cluster, namespace: &str) -> Self {
        let own = self.file(".kube-config");
        fs::copy(cluster.kubeconfig(), &own).unwrap();
        self.variables.insert("KUBECONFIG".to_owned(), own.to_str().unwrap().to_owned());
        let context = "kubectl config set-context --current --namespace";
        self.run(&format!("{context} {namespace}"), None).succeeded();
        self
    }

    /// With the credentials of somebody who may do everything in AWS.
    pub(crate) fn aws(mut self, aws: &Aws) -> Self {
        let all = aws.environment(aws.admin());
        self.variables.extend(all.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// A file or folder of the person.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file, whose folder is made.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Copies a folder of the repository.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let to = self.file(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let from = root().join(from);
        let copy = Call::new(Path::new("cp")).args(["-R"]).args([from, to]);
        copy.run().succeeded();
    }

    /// Types a command; the answers, if there are any, at a terminal. What it prints is in stdout,
    /// in its order.
    pub(crate) fn run(&self, text: &str, answers: Option<&[(&str, &str)]>) -> Finished {
        let call = match answers {
            Some(answers) => {
                let python = venv::python().unwrap();
                terminal::call(&python, answers, Path::new("/bin/sh")).args(["-c", text])
            }
            None => Call::new(Path::new("sh")).args(["-c", &format!("exec 2>&1\n{text}")]),
        };
        let call = helm::SETTINGS.into_iter().fold(call, Call::without_env);
        let call = self.variables.iter().fold(call, |call, (name, value)| call.env(name, value));
        let mut ran = call.in_folder(self.home.path()).deadline(Duration::from_mins(5)).run();
        let codes = Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]|\r").unwrap();
        ran.stdout = codes.replace_all(&ran.stdout, "").into_owned();
        ran
    }

    /// Types all commands of a section in their order, each as it is written, and looks at how it
    /// ends and at what it prints.
    pub(crate) fn play(&self, section: &Section, special: &Special) {
        self.play_after(section, special, |_| {});
    }

    /// The same; before each command something happens.
    pub(crate) fn play_after(
        &self,
        section: &Section,
        special: &Special,
        mut before: impl FnMut(&Command),
    ) {
        for (part, _) in special {
            let is_there = section.commands.iter().any(|it| it.text.contains(part));
            assert!(is_there, "no command of {:?} holds {part:?}", section.heading);
        }
        for command in section.commands.iter().filter(|it| !it.is_name) {
            if standins::is_listed(command) {
                continue;
            }
            before(command);
            let hows = special.iter().filter(|(part, _)| command.text.contains(part));
            let hows: Vec<How> = hows.map(|(_, how)| *how).collect();
            self.types(command, &hows);
        }
    }

    fn types(&self, command: &Command, hows: &[How]) {
        let place = &command.place;
        let answers = hows.iter().find_map(|how| match how {
            How::Asked(answers) => Some(*answers),
            _ => None,
        });
        let code = hows.iter().find_map(|how| match how {
            How::Code(code) => Some(*code),
            _ => None,
        });
        let ran = self.run(&standins::filled(&command.text), answers);
        #[expect(clippy::print_stderr, reason = "a test that fails shows what was before")]
        {
            eprintln!("{place}\n{}", ran.stdout);
        }
        assert_eq!(ran.status.code(), Some(code.unwrap_or(0)), "{place}: {ran}");
        for value in PLANTED.iter().flat_map(|(plain, encoded)| [plain, encoded]) {
            assert!(!ran.stdout.contains(value), "{place}: a value\n{ran}");
        }
        for part in hows.iter().filter_map(|how| match how {
            How::Says(parts) => Some(parts.iter()),
            _ => None,
        }) {
            part.for_each(|it| assert!(ran.stdout.contains(it), "{place}: no {it:?}\n{ran}"));
        }
        if !command.shown.is_empty() {
            let lines = |text: &mut dyn Iterator<Item = &str>| {
                text.map(normalized).filter(|it| !it.is_empty()).collect::<Vec<_>>()
            };
            let shown = lines(&mut command.shown.iter().map(String::as_str));
            let printed = lines(&mut ran.stdout.lines());
            assert!(
                is_shortened(&shown, &printed),
                "{place} shows\n{}\n\nit prints\n{}",
                command.shown.join("\n"),
                ran.stdout
            );
        }
    }
}
