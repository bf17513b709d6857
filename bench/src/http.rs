//! One keep-alive HTTP/1.1 connection that costs next to nothing, so that the server under test gets the processor.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, written once and sent many times.
#[derive(Debug, Clone)]
pub struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Starts a request for `path`.
    pub fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n"), body: Vec::new() }
    }

    /// Sends a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    /// Returns the bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}content-length: {}\r\n\r\n", self.head, self.body.len()).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What came back, borrowed from the connection's buffer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The status line and the headers.
    pub head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = std::str::from_utf8(self.head).ok()?.lines();
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Reads the body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or_default()
    }
}

/// A connection that is used again for each request.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends the bytes of one request and waits for the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = self.read_head().await?;
        let (status, length) = read_status_and_length(&self.buffer[..head])?;
        while self.buffer.len() < head + length {
            self.read_more().await?;
        }
        let (head, body) = self.buffer.split_at(head);
        Ok(Answer { status, head, body: &body[..length] })
    }

    async fn read_head(&mut self) -> Result<usize> {
        let mut searched = 0;
        loop {
            self.read_more().await?;
            if let Some(end) = self.buffer[searched..].windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(searched + end + 4);
            }
            searched = self.buffer.len().saturating_sub(3);
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Opens a connection for a single request and returns status and JSON.
pub async fn once(address: SocketAddr, request: &Request) -> Result<(u16, Value)> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.send(&request.bytes()).await?;
    Ok((answer.status, answer.json()))
}

fn read_status_and_length(head: &[u8]) -> Result<(u16, usize)> {
    let invalid = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
    let text = std::str::from_utf8(head).map_err(|_| invalid("a head that is not text"))?;
    let status: u16 =
        text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| invalid("no status"))?;
    if status == 204 || status == 304 {
        return Ok((status, 0));
    }
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    };
    let length = text.lines().find_map(value).ok_or_else(|| invalid("an answer without a length"))?;
    Ok((status, length))
}

#[cfg(test)]
mod tests {
    use super::read_status_and_length;

    #[test]
    fn heads_are_read() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\n\r\n";
        assert_eq!(read_status_and_length(head).unwrap(), (201, 17));
        assert_eq!(read_status_and_length(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), (204, 0));
        assert!(read_status_and_length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
