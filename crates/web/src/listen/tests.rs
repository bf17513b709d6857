use std::io::ErrorKind;
use std::time::Instant;

use quoin_db::testing::{TestDatabase, fresh_sqlite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;
use crate::config::{Mode, WebConfig};
use crate::testing::TestApp;
use crate::toy;

struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    front: Front,
    serving: JoinHandle<io::Result<()>>,
    _db: TestDatabase,
}

fn running(limits: Limits) -> Running {
    let db = fresh_sqlite();
    let mut config = WebConfig::at("http://127.0.0.1:8080".parse().unwrap(), Mode::Development);
    config.body_pause = Duration::from_millis(300);
    let test = TestApp::with_config(db.clone(), config);
    let front = test.front(toy::routes(&toy::toy(&test)));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::default();
    let serving = listener.serve(front.clone(), limits, Connections::default(), shutdown.clone());
    let serving = front.app().tasks().spawn("test.serve", serving);
    Running { address, shutdown, front, serving, _db: db }
}

fn short() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_millis(500),
        ..Limits::default()
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// How long a test waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads until the server closes, or resets, the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut out = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut out)).await;
    match read.expect("the server closes the connection") {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8_lossy(&out).into_owned(),
    }
}

/// Reads one answer of known length.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut out = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        out.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&out).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(read, 0, "closed early: {text}");
            continue;
        };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>();
        if body.len() >= length.unwrap() {
            return text;
        }
    }
}

const GET: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn requests_follow_one_another_on_one_connection() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    for _ in 0..3 {
        say(&mut stream, GET).await;
        assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
    }
    say(&mut stream, &GET.repeat(2)).await;
    let mut both = read_answer(&mut stream).await;
    if both.matches("200 OK").count() == 1 {
        both.push_str(&read_answer(&mut stream).await);
    }
    assert_eq!(both.matches("200 OK").count(), 2);
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off() {
    let running = running(short());
    let mut stream = running.connect().await;
    say(&mut stream, "GET /healthz HTTP/1.1\r\n").await;
    let started = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let dribble = async {
        loop {
            if writing.write_all(b"x-a: b\r\n").await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let closed = async {
        let mut rest = Vec::new();
        let _ = reading.read_to_end(&mut rest).await;
    };
    tokio::select! { () = dribble => {}, () = closed => {} }
    assert!((250..4000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let running = running(short());
    let mut silent = running.connect().await;
    let started = Instant::now();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!((250..4000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_idle_connection_lives_longer_than_a_slow_head_but_not_for_ever() {
    let running = running(short());
    let mut stream = running.connect().await;
    say(&mut stream, GET).await;
    read_answer(&mut stream).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    say(&mut stream, GET).await;
    read_answer(&mut stream).await;
    let started = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!((1800..6000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_handler_may_take_longer_than_a_head() {
    let running = running(short());
    let mut stream = running.connect().await;
    say(&mut stream, "GET /toy/v1/slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_answer(&mut stream).await.ends_with("slow"));
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answers_is_cut_off() {
    let running = running(short());
    let mut stream = running.connect().await;
    let connections = &running.front.app().metrics().connections;
    let request = "GET /docs HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    // Many answers are asked for and none is read, until the buffers on the way are full.
    let asking = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(2 * PATIENCE, asking).await.expect("the server cuts the connection");
    while connections.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn heads_that_are_too_large_or_broken_get_4xx() {
    let running = running(Limits::default());
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(40_000)), "HTTP/1.1 431"),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200)), "HTTP/1.1 431"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(40_000)), "HTTP/1.1 4"),
        ("GET /a\0b HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("GET / HTTP/1.1\r\nx: a\0b\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_owned(), "HTTP/1.1 400"),
    ] {
        let mut stream = running.connect().await;
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with(expected), "{:?} got {answer:?}", &request[..30.min(request.len())]);
        assert_has_the_one_body(&answer);
    }
    assert_eq!(running.front.app().metrics().unreadable.load(Ordering::Relaxed), 8);
    let calls = running.front.app().calls().recent(None, 8);
    assert!(calls.len() == 8 && calls.iter().all(|call| (400..500).contains(&call.status)));
}

/// Checks that an answer has the body and the headers of every other refusal, and closes the connection.
fn assert_has_the_one_body(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    assert_eq!(header("content-type: "), "application/problem+json", "{head}");
    assert_eq!(header("connection: "), "close");
    assert_eq!(header("x-content-type-options: "), "nosniff");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let id = header("x-request-id: ");
    assert_eq!(body["instance"], format!("urn:quoin:request:{id}"), "{body}");
    assert!(body["code"].is_string() && body["status"].is_number());
}

#[tokio::test]
async fn a_broken_head_behind_a_good_request_gets_4xx_too() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    say(&mut stream, GET).await;
    read_answer(&mut stream).await;
    say(&mut stream, "GET / HTTP/1.1\r\nno colon\r\n\r\n").await;
    assert_has_the_one_body(&read_to_end(&mut stream).await);
}

#[tokio::test]
async fn a_request_names_its_host_exactly_once() {
    let running = running(Limits::default());
    for (hosts, expected) in [
        ("", "HTTP/1.1 400"),
        ("host: a\r\nhost: b\r\n", "HTTP/1.1 400"),
        ("host: a\r\nhost: a\r\n", "HTTP/1.1 400"),
        ("host: a\r\n", "HTTP/1.1 200"),
    ] {
        let mut stream = running.connect().await;
        say(&mut stream, &format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n")).await;
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with(expected), "{hosts:?}: {answer}");
    }
    let mut old = running.connect().await;
    say(&mut old, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(read_answer(&mut old).await.starts_with("HTTP/1.0 200"));
}

/// What proxies and servers have been found to read differently. Nothing behind the first request is ever served.
#[tokio::test]
async fn no_request_is_smuggled_behind_another() {
    const SMUGGLED: &str = "GET /toy/v1/slow HTTP/1.1\r\nhost: x\r\n\r\n";
    let running = running(Limits::default());
    for framing in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "content-length: 0\r\ncontent-length: 44\r\n\r\n",
        "content-length: 0, 44\r\n\r\n",
        "content-length: +0\r\n\r\n",
        "content-length : 0\r\n\r\n",
        "transfer-encoding: identity\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffff0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n1\n{\n0\n\n",
        "x: y\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut stream = running.connect().await;
        let json = "content-type: application/json\r\n";
        say(&mut stream, &format!("POST /toy/v1/form HTTP/1.1\r\nhost: x\r\n{json}{framing}{SMUGGLED}"))
            .await;
        let answered = read_to_end(&mut stream).await;
        assert_eq!(answered.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {answered}");
        assert!(answered.starts_with("HTTP/1.1 4"), "{framing:?}: {answered}");
    }
}

#[tokio::test]
async fn slow_clients_are_counted_by_what_they_were_slow_with() {
    let running = running(short());
    let cut_off = &running.front.app().metrics().cut_off;
    let mut head = running.connect().await;
    say(&mut head, "GET /healthz HT").await;
    assert_eq!(read_to_end(&mut head).await, "");
    let mut body = running.connect().await;
    let json = "host: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    say(&mut body, &format!("POST /toy/v1/form HTTP/1.1\r\n{json}")).await;
    assert!(read_to_end(&mut body).await.starts_with("HTTP/1.1 408"));
    let mut idle = running.connect().await;
    say(&mut idle, GET).await;
    read_to_end(&mut idle).await;
    let counts = [&cut_off.head, &cut_off.body, &cut_off.idle].map(|counter| counter.load(Ordering::Relaxed));
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_is_sent() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    let head = "POST /toy/v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000000\r\n\r\n";
    say(&mut stream, head).await;
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_body_in_chunks_is_cut_at_its_limit() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    let head = "POST /toy/v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    say(&mut stream, head).await;
    say(&mut stream, &format!("1000\r\n{}\r\n", " ".repeat(4096))).await;
    say(&mut stream, "1\r\n \r\n").await;
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_body_that_pauses_is_cut_off() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    let head = "POST /toy/v1/form HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    say(&mut stream, head).await;
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_cap_get_503_and_a_place_freed_is_taken() {
    let running = running(Limits { max_connections: 2, ..Limits::default() });
    let (mut first, mut second) = (running.connect().await, running.connect().await);
    for stream in [&mut first, &mut second] {
        say(stream, GET).await;
        read_answer(stream).await;
    }
    let mut third = running.connect().await;
    say(&mut third, GET).await;
    let refused = read_to_end(&mut third).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    let body = refused.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["code"], "overloaded");
    assert_eq!(running.front.app().metrics().shed.load(Ordering::Relaxed), 1);
    drop(first);
    loop {
        let mut next = running.connect().await;
        say(&mut next, GET).await;
        if read_answer(&mut next).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_shutdown_finishes_the_request_at_hand_and_takes_no_more() {
    let running = running(Limits::default());
    let mut busy = running.connect().await;
    let mut idle = running.connect().await;
    say(&mut idle, GET).await;
    read_answer(&mut idle).await;
    say(&mut busy, "GET /toy/v1/slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    while running.front.app().metrics().in_flight.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    running.shutdown.begin();
    let answer = read_to_end(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("slow"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(read_to_end(&mut idle).await, "");
    running.serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
    assert_eq!(running.front.app().metrics().connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_request_that_does_not_finish_in_time_is_cut_off() {
    let running = running(Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() });
    let mut busy = running.connect().await;
    say(&mut busy, "GET /toy/v1/slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    while running.front.app().metrics().in_flight.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    running.shutdown.begin();
    running.serving.await.unwrap().unwrap();
    assert_eq!(read_to_end(&mut busy).await, "");
    assert_eq!(running.front.app().calls().recent(None, 1)[0].status, 499);
}

#[tokio::test]
async fn a_client_that_leaves_is_logged_as_having_left() {
    let running = running(Limits::default());
    let mut stream = running.connect().await;
    say(&mut stream, "GET /toy/v1/slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    while running.front.app().metrics().in_flight.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while running.front.app().metrics().in_flight.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.front.app().calls().recent(None, 1)[0].status, 499);
}

#[tokio::test]
async fn several_cores_share_one_port() {
    let listeners = Listener::bind_for_cores("127.0.0.1:0".parse().unwrap(), 3).unwrap();
    let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    assert_eq!(ports.len(), 3);
    assert!(ports.iter().all(|port| *port == ports[0] && *port != 0));
}
