//! Notices to whoever restarts workloads instead. The test plays a receiver that trusts nothing but the
//! signature.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use ring::hmac;
use serde_json::{Value, json};

use crate::room::Room;

const KEY: &str = "a key that both know";

/// A request: its headers, with names in small letters, and its body.
type Got = (BTreeMap<String, String>, Vec<u8>);

/// Whoever gets notices.
struct Receiver {
    address: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    /// Answers with these numbers, the last one for ever; none is no answer at all.
    fn answering(answers: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&got);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let all = Arc::clone(&all);
                thread::spawn(move || serve(&client, &all, answers));
            }
        });
        Self { address, got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has got so many, and returns all.
    fn wait(&self, count: usize) -> Vec<Got> {
        wait_until(SOON, "the receiver is told", || {
            Some(self.got()).filter(|got| got.len() >= count)
        })
    }
}

fn serve(client: &TcpStream, all: &Mutex<Vec<Got>>, answers: &[u16]) {
    let mut from = BufReader::new(client);
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        loop {
            line.clear();
            if from.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.split_once(": ") else {
                if line.trim().is_empty() {
                    break;
                }
                headers.insert("request".to_owned(), line.trim().to_owned());
                continue;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        from.read_exact(&mut body).expect("a body");
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.get(all.len()).or(answers.last()).copied();
        all.push((headers, body));
        drop(all);
        // One that hangs keeps the connection.
        let Some(answer) = answer else { continue };
        let answer = format!("HTTP/1.1 {answer} It\r\ncontent-length: 0\r\n\r\n");
        let mut client = client;
        if client.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// What a receiver does first.
fn is_signed((headers, body): &Got) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let digits = headers["x-hub-signature-256"].strip_prefix("sha256=").expect("its name");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    let tag: Vec<_> = (0..digits.len()).step_by(2).map(byte).collect();
    hmac::verify(&key, body, &tag).is_ok()
}

fn flags(receiver: &Receiver, key: &Path) -> [String; 2] {
    [
        format!("--restart-notify-url=http://{}/hook?CANARY", receiver.address),
        format!("--restart-notify-key-file={}", key.display()),
    ]
}

fn key_file(dir: &Path) -> std::path::PathBuf {
    let file = dir.join("key");
    std::fs::write(&file, format!("{KEY}\n")).expect("a file in a new folder");
    file
}

#[test]
fn whoever_restarts_instead_gets_signed_notices_of_names_and_no_values() {
    let room = Room::new(require!(crate::shared()));
    let dir = tempfile::tempdir().expect("a folder");
    room.secret("db", &[("used", "a"), ("other", "a"), ("unused", "a")]);
    let mut all = room.consumers(3);
    all.push(room.deployment("both", "db", &["used", "other"]));
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    controller.stop();
    // It does not work at first.
    let receiver = Receiver::answering(&[503, 204]);
    let [url, key] = flags(&receiver, &key_file(dir.path()));
    let controller = room.controller_with(&["--restarts=notify", &url, &key]);
    room.put("db", "unused", "VALUE-1");
    room.put("db", "used", "VALUE-2");
    receiver.wait(2);
    let sent = "extsecret_restart_notices_total{result=\"sent\"}";
    let all_told = |from: usize| {
        wait_until(SOON, "all are told of", || {
            let got = receiver.got();
            let bodies = got[from..].iter().map(|(_, body)| String::from_utf8_lossy(body));
            let text = bodies.collect::<String>();
            all.iter().all(|(_, name)| text.contains(&format!("\"{name}\""))).then_some(())
        });
    };
    all_told(0);
    // Whichever it was that was not taken, it comes again.
    wait_until(SOON, "it is sent again", || {
        let got = receiver.got();
        got[1..].iter().any(|it| it.1 == got[0].1).then_some(())
    });
    wait_until(SOON, "it is counted", || (controller.metric(sent) > 0.5).then_some(()));

    let version = room.secret_version("db");
    // Each notice counts once, however often it comes.
    let notices: BTreeMap<String, Value> = receiver
        .got()
        .iter()
        .map(|it| {
            assert!(is_signed(it), "{it:?}");
            let body: Value = serde_json::from_slice(&it.1).expect("JSON");
            assert_eq!(it.0["x-extsecret-delivery"], body["id"].as_str().unwrap_or_default());
            assert_eq!(it.0["content-type"], "application/json");
            assert_eq!(it.0["request"], "POST /hook?CANARY HTTP/1.1");
            assert!(!String::from_utf8_lossy(&it.1).contains("VALUE"), "a value is sent");
            (body["id"].to_string(), body)
        })
        .collect();
    let mut told = Vec::new();
    for notice in notices.values() {
        assert_eq!(notice["namespace"], room.namespace.as_str());
        let [news] = notice["secrets"].as_array().expect("a list").as_slice() else {
            panic!("{notice}")
        };
        assert_eq!((&news["name"], &news["version"]), (&json!("db"), &json!(version)));
        let keys = news["keys"].as_array().expect("a list");
        assert!(keys.contains(&json!("used")) && !keys.contains(&json!("unused")), "{notice}");
        let names = notice["workloads"].as_array().expect("a list").iter();
        told.extend(names.map(|it| (it["kind"].clone(), it["name"].clone())));
    }
    told.sort_by_key(|(_, name)| name.to_string());
    let wanted = ["both", "web-0", "web-1", "web-2"];
    assert_eq!(told, wanted.map(|name| (json!("Deployment"), json!(name))));
    let text = controller.stop();
    assert!(text.contains("it answers 503"), "nobody says why it was sent again");
    assert!(!text.contains("CANARY") && !text.contains(KEY) && !text.contains("VALUE"), "{text}");

    // Who comes anew tells anew, of what is still to be done.
    let before = receiver.got().len();
    let controller = room.controller_with(&["--restarts=notify", &url, &key]);
    all_told(before);
    // In whatever company a workload is named, it is the same news of it.
    let ids = |from: &[Got]| -> BTreeMap<String, String> {
        let notices = from.iter().map(|it| serde_json::from_slice::<Value>(&it.1).expect("JSON"));
        let named = notices.flat_map(|it| it["workloads"].as_array().expect("a list").clone());
        named.map(|it| (it["name"].to_string(), it["id"].to_string())).collect()
    };
    let got = receiver.got();
    assert_eq!(ids(&got[before..]), ids(&got[..before]));
    assert_eq!(ids(&got).values().collect::<BTreeSet<_>>().len(), all.len());
    controller.stop();
    // Another value is other news.
    let before = receiver.got().len();
    let controller = room.controller_with(&["--restarts=notify", &url, &key]);
    room.put("db", "used", "VALUE-3");
    wait_until(SOON, "all are told anew", || {
        let (old, new) = (ids(&got), ids(&receiver.got()[before..]));
        old.iter().all(|(name, id)| new.get(name).is_some_and(|new| new != id)).then_some(())
    });
    controller.stop();
}

#[test]
fn a_receiver_that_does_not_answer_keeps_nobody_waiting() {
    let room = Room::new(require!(crate::shared()));
    let dir = tempfile::tempdir().expect("a folder");
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(12);
    room.wait_done(&all);
    for it in &all[..10] {
        room.annotate(it, "extsecret.io/restart-mode", &json!("notify"));
        let alone = format!("{}-db", it.1);
        room.secret(&alone, &[("used", "a")]);
        room.annotate(it, "extsecret.io/restart", &json!(alone));
    }
    let receiver = Receiver::answering(&[]);
    let [url, key] = flags(&receiver, &key_file(dir.path()));
    let controller = room.controller_with(&[&url, &key]);
    room.wait_noted(&all[10..]);
    room.wait_judged();
    for (_, name) in &all[..10] {
        room.put(&format!("{name}-db"), "used", "b");
    }
    receiver.wait(1);
    room.put("db", "used", "b");
    room.wait_restarts(&all[10..], 1);
    room.wait_judged();
    let notified = "extsecret_restart_pending{reason=\"Notified\"}";
    wait_until(SOON, "they are told of", || (controller.metric(notified) > 9.5).then_some(()));
    controller.stop();
}

#[test]
fn without_a_key_or_with_a_password_in_the_url_it_does_not_start() {
    let room = Room::new(require!(crate::shared()));
    let dir = tempfile::tempdir().expect("a folder");
    let empty = dir.path().join("empty");
    std::fs::write(&empty, "\n").expect("a file in a new folder");
    let file = format!("--restart-notify-key-file={}", empty.display());
    for (flags, says) in [
        (vec!["--restart-notify-url=https://example.com/CANARY"], "--restart-notify-key-file"),
        (
            vec!["--restart-notify-url=https://example.com/CANARY", &file],
            "--restart-notify-key-file",
        ),
        (vec!["--restart-notify-url=https://me:CANARY@example.com/", &file], "holds a user"),
        (vec!["--restart-notify-url=example.com/CANARY", &file], "https://"),
    ] {
        let mut controller = room.setup(&flags).spawn();
        let ended = controller.wait_for_end(SOON).expect("it ends");
        assert!(!ended.success(), "{flags:?}");
        let text = controller.text();
        assert!(text.contains(says), "{flags:?}: {text}");
        assert!(!text.contains("CANARY"), "{text}");
    }
    // A variable does as well as a file.
    let receiver = Receiver::answering(&[200]);
    let url = format!("--restart-notify-url=http://{}/", receiver.address);
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(1);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    controller.stop();
    let setup = room.setup(&["--restarts=notify", &url]);
    let controller = setup.environment([("EXTSECRET_RESTART_NOTIFY_KEY", KEY)]).start();
    room.put("db", "used", "b");
    assert!(is_signed(&receiver.wait(1)[0]));
    controller.stop();
}
