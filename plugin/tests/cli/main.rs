//! The command as its users meet it: the real binary, real files, its exit codes and its words.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod bad_input;
mod chart;
mod classes;
mod cluster;
mod diff;
mod examples;
mod iam;
mod in_place;
mod options;
mod output_dir;
mod render;
mod report;
mod run;
mod scaffold;
mod secrecy;
mod stdout;
mod validate;
mod verbs;
