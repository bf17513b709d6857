//! A small SMTP server (RFC 5321) that answers as it is told: for faults that real servers show rarely.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use quoin_kernel::Secret;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the server does with one message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    /// Takes it.
    Take,
    /// Answers RCPT with this line.
    RefuseRecipient(&'static str),
    /// Answers the message with this line.
    RefuseMessage(&'static str),
    /// Answers AUTH with this line.
    RefuseLogin(&'static str),
    /// Reads the message and hangs up without an answer: nobody can know whether it was taken.
    HangUp,
    /// Reads the message and says nothing more.
    FallSilent,
}

#[derive(Default)]
struct Shared {
    plan: Mutex<VecDeque<Does>>,
    seen: Mutex<Vec<String>>,
}

/// The running server; it ends when dropped.
pub(super) struct SmtpServer {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl SmtpServer {
    /// Starts a server that does `plan` with the first messages and takes all others.
    pub(super) async fn start(plan: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { plan: Mutex::new(plan.iter().copied().collect()), ..Shared::default() });
        let mut tasks = JoinSet::new();
        let serving = shared.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                connections.spawn(async move { drop(serve(stream, &shared).await) });
            }
        });
        Self { port, shared, _tasks: tasks }
    }

    /// Returns the URL for `mail.smtp_url`.
    pub(super) fn url(&self) -> Secret<String> {
        Secret::new(format!("smtp://user:pass@127.0.0.1:{}?tls=none", self.port))
    }

    /// Returns every message that was read, taken or not.
    pub(super) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 test ESMTP\r\n").await?;
    let mut does = Does::Take;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => match refused_login(shared) {
                Some(answer) => answer,
                None if line.ends_with("AHVzZXIAcGFzcw==") => "235 2.7.0 welcome",
                None => "535 5.7.8 who are you",
            },
            "MAIL" => {
                does = shared.plan.lock().unwrap().pop_front().unwrap_or(Does::Take);
                "250 ok"
            }
            "RCPT" => match does {
                Does::RefuseRecipient(answer) => answer,
                _ => "250 ok",
            },
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(&line);
                    message.push_str("\r\n");
                }
                shared.seen.lock().unwrap().push(message);
                match does {
                    Does::HangUp => return Ok(()),
                    Does::FallSilent => std::future::pending().await,
                    Does::RefuseMessage(answer) => answer,
                    _ => "250 2.0.0 taken",
                }
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Takes the plan's next step, where it is to refuse a login.
fn refused_login(shared: &Shared) -> Option<&'static str> {
    let mut plan = shared.plan.lock().unwrap();
    let Some(Does::RefuseLogin(answer)) = plan.front().copied() else { return None };
    plan.pop_front();
    Some(answer)
}
