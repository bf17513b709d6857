//! Scenario 10, its large half: a gibibyte beside nginx with `sendfile`, then 64 transfers of 100 MB at once, and the
//! memory that they take.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bench::Outcome;
use bench::figures::{median, per, range};
use bench::http::Request;
use bench::server::usage;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::options::Options;
use crate::stage::{CONNECTIONS, Stage};

const LARGE: u64 = 1 << 30;
const EACH: u64 = 100_000_000;
const BUCKET: &str = "bench-transfers";
/// The goal, as a share of what nginx gives.
const GOAL: f64 = 0.85;
/// What is sent and received at a time.
const CHUNK: usize = 256 * 1024;

/// Measures both.
pub(crate) async fn measure(options: &Options, stage: &Rc<Stage>) -> Outcome {
    stage.team.ask("POST", "/storage/v1/bucket", &json!({"id": BUCKET, "name": BUCKET})).await?;
    large(options, stage).await?;
    many(stage).await
}

async fn large(options: &Options, stage: &Stage) -> Outcome {
    let person = stage.person(0);
    let before = reset_peak(stage)?;
    let stored = store(stage.team.address, &person.access_token, "large", LARGE).await?;
    let file = find(&options.folder, LARGE).ok_or("the stored file is not in the folder")?;
    let sign = format!("/storage/v1/object/sign/{BUCKET}/large");
    let signed = Request::new("POST", &sign).bearer(&person.access_token).json(&json!({"expiresIn": 86400}));
    let (_, signed): (u16, Value) = bench::http::once(stage.team.address, &signed).await?;
    let url = format!("/storage/v1{}", signed["signedURL"].as_str().ok_or("no signed URL")?);
    let name = file.file_name().and_then(|name| name.to_str()).ok_or("a name that is not text")?;
    let nginx = Nginx::start(&options.folder, file.parent().ok_or("a file without a folder")?)?;
    let (mut ours, mut theirs, mut processor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(3) {
        let used = usage(stage.quoin.id())?.processor;
        ours.push(give(stage.team.address, &Request::new("GET", &url), LARGE).await?);
        processor.push(usage(stage.quoin.id())?.processor.saturating_sub(used).as_secs_f64());
        theirs.push(give(nginx.address, &Request::new("GET", &format!("/{name}")), LARGE).await?);
    }
    let peak = per(usage(stage.quoin.id())?.peak_kib, 1024.0);
    let ratio = median(&ours) / median(&theirs);
    let mark = if ratio >= GOAL { "✓" } else { "✗" };
    println!("\n10 transfers: one file of 1 GiB by signed URL, beside nginx with sendfile");
    println!("  stored at {stored:.0} MB/s, synced");
    for (name, rates) in [("quoin", &ours), ("nginx", &theirs)] {
        let (low, high) = range(rates);
        println!("  {name:7} {:>6.0} MB/s  ({low:.0}–{high:.0})", median(rates));
    }
    println!("  ratio to nginx {ratio:.2}, goal {GOAL} {mark}; {:.2} s of CPU for each", median(&processor));
    println!("  memory: {before:.1} MiB before, {peak:.1} MiB at most");
    Ok(())
}

async fn many(stage: &Rc<Stage>) -> Outcome {
    println!("\n10 transfers: {CONNECTIONS} at once, 100 MB each");
    for stores in [true, false] {
        let before = reset_peak(stage)?;
        let start = Instant::now();
        let transfers: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                let (address, token) = (stage.team.address, stage.person(number).access_token);
                tokio::spawn(async move {
                    let name = format!("many-{number}");
                    if stores {
                        return store(address, &token, &name, EACH).await.map_err(|error| error.to_string());
                    }
                    let path = format!("/storage/v1/object/{BUCKET}/{name}");
                    let request = Request::new("GET", &path).bearer(&token);
                    give(address, &request, EACH).await.map_err(|error| error.to_string())
                })
            })
            .collect();
        for transfer in transfers {
            transfer.await??;
        }
        let seconds = start.elapsed().as_secs_f64();
        let peak = per(usage(stage.quoin.id())?.peak_kib, 1024.0);
        let rate = per(EACH, 1e6) * per(CONNECTIONS as u64, 1.0) / seconds;
        println!(
            "  {:9} {rate:>6.0} MB/s; memory: {before:.1} MiB before, {peak:.1} MiB at most, {:.2} MiB for each",
            if stores { "uploads" } else { "downloads" },
            (peak - before) / per(CONNECTIONS as u64, 1.0)
        );
    }
    Ok(())
}

/// Forgets the peak so far and returns the memory that the server holds now, in MiB.
fn reset_peak(stage: &Stage) -> Outcome<f64> {
    std::fs::write(format!("/proc/{}/clear_refs", stage.quoin.id()), "5")?;
    Ok(per(usage(stage.quoin.id())?.resident_kib, 1024.0))
}

/// Stores so many bytes and returns the MB a second.
async fn store(address: SocketAddr, token: &str, name: &str, bytes: u64) -> Outcome<f64> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "PUT /storage/v1/object/{BUCKET}/{name} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/octet-stream\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let (chunk, mut left) = (vec![b'q'; CHUNK], bytes);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        stream.write_all(&chunk[..length]).await?;
        left -= length as u64;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if !answer.starts_with(b"HTTP/1.1 200") {
        return Err(format!("storing {name}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(per(bytes, 1e6) / start.elapsed().as_secs_f64())
}

/// Reads an answer of so many bytes, throws it away, and returns the MB a second.
async fn give(address: SocketAddr, request: &Request, bytes: u64) -> Outcome<f64> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request.bytes()).await?;
    let (mut buffer, mut got, mut head) = (vec![0; CHUNK], 0, Vec::new());
    while head.is_empty() || got < bytes {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(format!("{got} of {bytes} bytes came").into());
        }
        if !head.is_empty() {
            got += count as u64;
        } else if let Some(end) = buffer[..count].windows(4).position(|four| four == b"\r\n\r\n") {
            head.extend_from_slice(&buffer[..end]);
            got = (count - end - 4) as u64;
        }
    }
    if got != bytes || !head.starts_with(b"HTTP/1.1 200") {
        return Err(format!("{got} bytes came after {}", String::from_utf8_lossy(&head)).into());
    }
    Ok(per(bytes, 1e6) / start.elapsed().as_secs_f64())
}

/// Finds a file of this size below a folder.
fn find(folder: &Path, bytes: u64) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries.into_iter().find_map(|entry| {
        let metadata = entry.metadata().ok()?;
        if metadata.is_dir() {
            return find(&entry.path(), bytes);
        }
        (metadata.len() == bytes).then(|| entry.path())
    })
}

/// A running nginx that serves one folder.
struct Nginx {
    address: SocketAddr,
    process: Child,
}

impl Nginx {
    fn start(folder: &Path, root: &Path) -> Outcome<Self> {
        let place = folder.join("nginx");
        std::fs::create_dir_all(&place)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = format!(
            "daemon off; worker_processes auto; user root; pid {place}/pid; error_log {place}/error;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {place}/body;\n\
               proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi;\n\
               scgi_temp_path {place}/scgi; server {{ listen {address}; root {root}; }} }}\n",
            place = place.display(),
            root = root.display()
        );
        let path = place.join("nginx.conf");
        std::fs::write(&path, config)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--", "nginx", "-c"]).arg(path);
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let deadline = Instant::now() + Duration::from_secs(5);
        while std::net::TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err(format!("nginx does not start; see {}", place.display()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { address, process })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers when it is asked to, not when it is killed.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
