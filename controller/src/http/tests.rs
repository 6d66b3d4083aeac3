use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::advance;

use super::*;

fn site() -> Site {
    Site { health: Some(Arc::default()), metrics: Some(Arc::default()) }
}

fn at(host: &str, port: u16) -> Address {
    Address::At { host: Some(host.to_owned()), port }
}

/// What a server answers, to the end of the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
}

#[test]
fn addresses_are_read_as_go_reads_them() {
    for (text, address) in [
        ("0", Address::Off),
        (":8080", Address::At { host: None, port: 8080 }),
        (":0", Address::At { host: None, port: 0 }),
        ("127.0.0.1:8080", at("127.0.0.1", 8080)),
        ("localhost:8080", at("localhost", 8080)),
        ("[::1]:0", at("::1", 0)),
        ("[::]:8080", at("::", 8080)),
    ] {
        assert_eq!(text.parse(), Ok(address), "{text}");
    }
    for text in
        ["", "8080", ":", ":x", ":65536", "::1:80", "[::1]", "[x]:80", "[::1:80", "http://x:80"]
    {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_when_it_says_so_and_alive_while_it_beats() {
    let site = site();
    let health = site.health.clone().unwrap();
    let status = |path: &str| site.answer(&Method::GET, path).status().as_u16();
    assert_eq!((status("/readyz"), status("/healthz")), (503, 200));
    health.set_ready(true);
    assert_eq!(status("/readyz"), 200);
    // The first list may take its time.
    advance(Duration::from_hours(1)).await;
    assert_eq!(status("/healthz"), 200);
    health.beat();
    advance(SILENCE).await;
    assert_eq!(status("/healthz"), 200);
    advance(Duration::from_millis(1)).await;
    assert_eq!(status("/healthz"), 500);
    health.beat();
    assert_eq!(status("/healthz"), 200);
    health.set_ready(false);
    assert_eq!(status("/readyz"), 503);
}

#[tokio::test]
async fn each_address_serves_its_own() {
    let port = || at("127.0.0.1", 0);
    let bound = serve(&port(), &port(), Arc::default(), Arc::default()).await.unwrap();
    let (live, metrics) = (bound.live.unwrap(), bound.metrics.unwrap());
    assert_ne!(live, metrics);
    assert!(get(live, "/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(get(live, "/metrics").await.starts_with("HTTP/1.1 404 "));
    assert!(get(metrics, "/healthz").await.starts_with("HTTP/1.1 404 "));
    let text = get(metrics, "/metrics?x=y").await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("extsecret_leader 0"), "{text}");
    assert!(text.contains("content-type: text/plain; version=0.0.4"), "{text}");

    let request = "HEAD /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let head = exchange(metrics, request).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    let request = "POST /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(exchange(metrics, request).await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn one_address_for_both_is_one_listener() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let both = at("127.0.0.1", free.port());
    let bound = serve(&both, &both, Arc::default(), Arc::default()).await.unwrap();
    assert_eq!(bound, Bound { live: Some(free), metrics: Some(free) });
    assert!(get(free, "/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(get(free, "/metrics").await.starts_with("HTTP/1.1 200 "));

    let error = serve(&both, &Address::Off, Arc::default(), Arc::default()).await.unwrap_err();
    let expected = format!("cannot listen on {free}: give another address");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn no_host_is_every_address_and_zero_is_none() {
    let any = Address::At { host: None, port: 0 };
    let bound = serve(&any, &Address::Off, Arc::default(), Arc::default()).await.unwrap();
    assert_eq!(bound.metrics, None);
    let live = bound.live.unwrap();
    assert!(live.ip().is_unspecified());
    let answer = get((Ipv4Addr::LOCALHOST, live.port()).into(), "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let bound = serve(&at("127.0.0.1", 0), &Address::Off, Arc::default(), Arc::default()).await;
    let live = bound.unwrap().live.unwrap();
    let long = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(2 * HEAD));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(FIELDS + 1));
    for request in [long, many] {
        let answer = exchange(live, &request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

/// The clock goes on by itself as soon as everybody waits.
#[tokio::test(start_paused = true)]
async fn who_does_not_finish_a_request_is_let_go() {
    let bound = serve(&at("127.0.0.1", 0), &Address::Off, Arc::default(), Arc::default()).await;
    let live = bound.unwrap().live.unwrap();
    let begun = Instant::now();
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS + 5 {
        let mut stream = TcpStream::connect(live).await.unwrap();
        stream.write_all(b"GET /healthz HT").await.unwrap();
        idle.push(stream);
    }
    assert!(get(live, "/healthz").await.starts_with("HTTP/1.1 200 "));
    for mut stream in idle {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    assert!(begun.elapsed() < LIFE, "{:?}", begun.elapsed());
}
