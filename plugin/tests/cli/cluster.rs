//! The commands that ask a cluster, where there is none.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::run::Folder;

#[expect(clippy::disallowed_methods, reason = "a promise about real time")]
fn now() -> Instant {
    Instant::now()
}

/// A port at which nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn nobody_there_is_told_within_seconds() {
    let folder = Folder::new();
    folder.write("config", "");
    folder.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n");
    // Connections are taken by the kernel, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let refused = [
        "status",
        "status -A --kes",
        "status db",
        "refresh db",
        "render db",
        "iam",
        "doctor",
        "scaffold es --store a --from-secret b",
        "why deployment/a",
        "restart deployment/a",
        "restart --stale",
        "stale",
        "consumers a",
        "validate",
        "validate -A",
        "validate -f a.yaml --dry-run=server",
    ];
    let cases = refused.map(|verb| (verb, nobody(), "refused"));
    for (verb, port, says) in cases.into_iter().chain([("status", silent, "in time")]) {
        let server = format!("https://127.0.0.1:{port}");
        let began = now();
        let ran = folder.run(&format!("{verb} --server {server} --kubeconfig config"));
        let took = now().duration_since(began);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{verb}: {ran:?}");
        assert!(ran.stderr.contains(&server) && ran.stderr.contains(says), "{verb}: {ran:?}");
        assert!(took < Duration::from_secs(5), "{verb}: {took:?}");
    }
}

#[test]
fn no_cluster_at_all_is_told() {
    let folder = Folder::new();
    folder.write("config", "");
    let ran = folder.run("status --kubeconfig none");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot read the kubeconfig none"), "{ran:?}");
    let ran = folder.run("status --kubeconfig config");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.contains("no current context"), "{ran:?}");
}

#[test]
fn flags_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    for flags in [
        "status -A -n shop",
        "status db -A",
        "status -o xml",
        "status -o jsonpath={.a",
        "status --sort-by colour",
        "status -w -o yaml",
        "status --as-group g",
        "status --token a --username u",
        "iam -A -n shop",
        "iam -f a.yaml -l app=shop",
        "iam -R",
        "validate -A -n shop",
        "validate -f a.yaml -A",
        "validate --fix",
        "iam -f a.yaml --check -o json",
        "validate -f a.yaml --dry-run=client",
        "refresh",
        "refresh db --all",
        "refresh db --timeout 5s",
        "refresh db --wait --dry-run",
    ] {
        let ran = folder.run(flags);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{flags}: {ran:?}");
    }
}

#[test]
fn a_token_is_in_no_message() {
    let folder = Folder::new();
    folder.write("config", "");
    let server = format!("https://127.0.0.1:{}", nobody());
    let ran = folder.run(&format!("status --kubeconfig config --server {server} --token s3cret"));
    assert_eq!(ran.code, Some(2));
    assert!(!ran.stderr.contains("s3cret"), "{ran:?}");
}

#[test]
fn completion_of_names_does_not_hang() {
    let folder = Folder::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    folder.write(
        "config",
        format!(
            "current-context: far\ncontexts: [{{ name: far, context: {{ cluster: c }} }}]\n\
             clusters: [{{ name: c, cluster: {{ server: 'https://127.0.0.1:{port}' }} }}]\n"
        ),
    );
    let began = now();
    let ran = folder.run("__complete status --kubeconfig config --context f");
    assert_eq!(ran.stdout, "far\t\n:4\n", "{ran:?}");
    let ran = folder.run("__complete status --kubeconfig config -n s");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ":4\n"), "{ran:?}");
    let took = now().duration_since(began);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// What an API server is asked for by `status` with these flags: the head of the first request.
fn asked(folder: &Folder, flags: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            head.extend(byte);
        }
        let answer =
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    });
    let flags = flags.replace("SERVER", &format!("http://127.0.0.1:{port}"));
    let ran = folder.run(&format!("status {flags}"));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    server.join().unwrap()
}

#[test]
fn the_api_server_is_asked_as_the_flags_say() {
    let folder = Folder::new();
    let entries = |server: &str| {
        format!(
            "contexts: [{{ name: near, context: {{ cluster: gone, user: u, namespace: shop }} }}]\n\
             clusters: [{{ name: gone, cluster: {{ server: 'http://127.0.0.1:1' }} }}, \
             {{ name: there, cluster: {{ server: '{server}' }} }}]\nusers: [{{ name: u, user: {{}} }}]\n"
        )
    };
    folder.write("config", "");
    let anybody = asked(&folder, "--kubeconfig config --server SERVER");
    assert!(anybody.contains("accept-encoding: gzip"), "{anybody}");
    for (flags, header) in [
        ("--token abc", "authorization: bearer abc"),
        ("--username u --password p", "authorization: basic dtpw"),
        ("--as bob", "impersonate-user: bob"),
        ("--as bob --as-uid 7", "impersonate-uid: 7"),
        ("--as bob --as-group team", "impersonate-group: team"),
        ("--as bob --as-user-extra scopes=view", "impersonate-extra-scopes: view"),
        ("-n pay", "get /apis/external-secrets.io/v1/namespaces/pay/externalsecrets"),
    ] {
        let head = asked(&folder, &format!("--kubeconfig config --server SERVER {flags}"));
        assert!(head.contains(header) && !anybody.contains(header), "{flags}: {head}");
    }
    let plain = asked(&folder, "--kubeconfig config --server SERVER --disable-compression");
    assert!(!plain.contains("accept-encoding"), "{plain}");
    for (server, asks) in [
        ("http://api.example.test", "connect api.example.test:80 "),
        ("http://api.example.test/base", "connect api.example.test:80 "),
        ("http://api.example.test:8001", "connect api.example.test:8001 "),
        ("http://[::1]", "connect [::1]:80 "),
        ("https://api.example.test", "connect api.example.test:443 "),
    ] {
        let proxy = format!("--kubeconfig config --server {server} --proxy-url SERVER");
        let head = asked(&folder, &proxy);
        assert!(head.starts_with(asks), "{server}: {head}");
    }

    // It is taken and does nothing, as there is no cache.
    asked(&folder, "--kubeconfig config --server SERVER --cache-dir none");
    assert!(!folder.path().join("none").exists());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    folder.write("two", entries(&format!("http://{}", listener.local_addr().unwrap())));
    let ran =
        folder.run("status --kubeconfig two --context near --cluster there --request-timeout 1s");
    assert!(ran.stderr.contains(&listener.local_addr().unwrap().to_string()), "{ran:?}");
    let ran = folder.run("status --kubeconfig two --context near --user nobody");
    assert!(ran.code == Some(2) && ran.stderr.contains("nobody"), "{ran:?}");
}

#[test]
fn certificates_of_flags_are_read() {
    let folder = Folder::new();
    folder.write("config", "").write("cert.pem", "").write("key.pem", "");
    for (flags, says) in [
        ("--client-certificate none.pem --client-key key.pem", "none.pem"),
        ("--client-certificate cert.pem --client-key none.pem", "none.pem"),
        ("--certificate-authority none.pem", "none.pem"),
    ] {
        let server = format!("--kubeconfig config --server https://127.0.0.1:{}", nobody());
        let ran = folder.run(&format!("status {server} {flags}"));
        assert!(ran.code == Some(2) && ran.stderr.contains(says), "{flags}: {ran:?}");
    }
}
