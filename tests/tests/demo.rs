//! The demo tells its story, fails when something is not so, and leaves nothing behind in any case.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use extsecret_tests::call::assert_says;
use extsecret_tests::controller::{PROGRAM, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::shown::{is_shortened, normalized};
use extsecret_tests::{require, tools};

/// A variable by which its processes are told from others.
const MARK: &str = "EXTSECRET_TESTS_DEMO";

/// The demo at work.
struct Demo {
    process: Child,
    mark: String,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    text: String,
}

impl Demo {
    /// Starts it as a terminal does, in a process group of its own; `None` if Go is not installed.
    fn start(name: &str) -> Option<Self> {
        tools::cluster_program()?;
        // What cargo has to say belongs to the test.
        let _ = (kubectl_extsecret(), PROGRAM.path());
        let mark = format!("{name}-{}", std::process::id());
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Some(Self { process, mark, lines, text: String::new() })
    }

    /// Reads up to a line that begins so.
    fn read_to(&mut self, start: &str) {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.text.push_str(&line);
            self.text.push('\n');
            if line.starts_with(start) {
                return;
            }
        }
        let complaints = self.complaints();
        panic!("no line {start:?} in\n{}\n{complaints}", self.text);
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Reads the rest: the exit code, what it said and what it complained about.
    fn end(mut self) -> (Option<i32>, String, String) {
        for line in self.lines.by_ref() {
            self.text.push_str(&line.unwrap());
            self.text.push('\n');
        }
        let complaints = self.complaints();
        let status = self.process.wait().unwrap();
        self.left();
        (status.code(), std::mem::take(&mut self.text), complaints)
    }

    /// Nothing is left of it. What it has killed may take a moment to be gone.
    fn left(&self) {
        let name = format!("demo-{}-", self.process.id());
        wait_until(SOON, "its processes are gone", || {
            processes(&[&name, &format!("{MARK}={}", self.mark)]).is_empty().then_some(())
        });
        let clusters = fs::read_dir(tools::target_dir().join("test-clusters")).unwrap();
        let mut left = clusters.map(|it| it.unwrap().file_name().into_string().unwrap());
        assert_eq!(left.find(|it| it.starts_with(&name)), None);
        let definition = format!("demo-kes-{}.yaml", self.process.id());
        assert!(!tools::target_dir().join(definition).exists());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processes whose command line or environment holds one of these.
fn processes(needles: &[&str]) -> Vec<PathBuf> {
    let own = std::process::id().to_string();
    let all = fs::read_dir("/proc").unwrap().filter_map(|it| Some(it.ok()?.path()));
    let numbered = all.filter(|it| {
        let name = it.file_name().unwrap().to_str().unwrap_or_default();
        name.bytes().all(|b| b.is_ascii_digit()) && name != own
    });
    numbered
        .filter(|folder| {
            ["cmdline", "environ"].iter().any(|file| {
                let bytes = fs::read(folder.join(file)).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                needles.iter().any(|needle| text.contains(needle))
            })
        })
        .collect()
}

fn signal(name: &str, target: &str) {
    let sent = Command::new("kill").args(["-s", name, "--", target]).status();
    assert!(sent.unwrap().success(), "kill -s {name} {target}");
}

#[test]
fn it_tells_the_whole_story() {
    let mut demo = require!(Demo::start("whole"));
    demo.read_to("# 5.");
    let name = format!("demo-{}-", demo.process.id());
    assert!(processes(&[&name]).len() >= 4, "a search that finds nothing proves nothing");
    let (code, text, complaints) = demo.end();
    assert_eq!(code, Some(0), "{complaints}\n{text}");
    assert_says(
        &text,
        &[
            "2 objects: 2 converted, 0 refused, 1 store",
            "3 objects checked: nothing found",
            "STATUS: deployed",
            "2 Secrets: 2 to hand over, 0 handed over, 0 blocked",
            "2 Secrets: done up to step retire",
            "2 objects: 2 healthy",
            "deployment \"api\" successfully rolled out",
            "└── ok  Deployment api, 2 pods",
            "restarted by the controller",
            "# Both Secrets are the ones of the beginning",
        ],
    );
    for value in ["first-password", "second-password", "mail-token"] {
        assert!(!text.contains(value), "a value is shown");
    }
    let told = blocks(text.lines());
    let tour = tour();
    assert!(told.len() >= 12 && tour.len() >= 6, "{} and {}", told.len(), tour.len());
    for block in tour {
        let found = told.iter().find(|it| it[0] == block[0]);
        let found = found.unwrap_or_else(|| panic!("README shows what nobody types: {}", block[0]));
        assert!(
            is_shortened(&block, found),
            "README.md:\n{}\n\nthe demo:\n{}",
            block.join("\n"),
            found.join("\n")
        );
    }
}

/// Commands, each with what it prints; times and names that are made anew are all the same.
fn blocks<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    let mut blocks: Vec<Vec<String>> = Vec::new();
    let mut open = false;
    for line in lines {
        open = line.starts_with("$ ") || (open && !line.starts_with("# "));
        if line.starts_with("$ ") {
            blocks.push(Vec::new());
        }
        if open && let Some(block) = blocks.last_mut() {
            block.push(normalized(line));
        }
    }
    for block in &mut blocks {
        block.truncate(block.iter().rposition(|line| !line.is_empty()).map_or(0, |it| it + 1));
    }
    blocks
}

/// What README shows of the demo.
fn tour() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(tools::crate_dir().join("../README.md")).unwrap();
    let (_, section) = readme.split_once("\n## What the demo shows\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    // What is not set apart ends a block.
    let lines = section.lines().map(|line| match line {
        "" => "",
        line => line.strip_prefix("    ").unwrap_or("# "),
    });
    blocks(lines)
}

#[test]
fn an_interrupted_one_ends_what_runs() {
    let mut demo = require!(Demo::start("interrupted"));
    demo.read_to("$ helm install");
    // What Ctrl-C does.
    signal("INT", &format!("-{}", demo.process.id()));
    let (code, text, complaints) = demo.end();
    assert_eq!(code, Some(130), "{complaints}\n{text}");
    assert_says(&complaints, &["Interrupted: everything that ran has been ended."]);
    assert!(!complaints.contains("panicked"), "{complaints}");
}

#[test]
fn a_step_that_fails_is_a_failure() {
    let mut demo = require!(Demo::start("failing"));
    demo.read_to("$ helm install");
    let folder = format!("demo-{}-", demo.process.id());
    let control_plane = processes(&[&folder]).into_iter().find(|it| {
        let line = fs::read(it.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains("cluster up ")
    });
    signal("TERM", control_plane.unwrap().file_name().unwrap().to_str().unwrap());
    let (code, text, complaints) = demo.end();
    assert!(code.is_some_and(|it| it != 0 && it != 130), "{code:?} {complaints}\n{text}");
}
