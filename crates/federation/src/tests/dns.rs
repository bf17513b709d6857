//! DNS, played by a server of the test's own on a socket.

use std::net::SocketAddr;

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record};
use quoin_tenancy::Records;
use tokio::net::UdpSocket;

use crate::NameServers;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn txt(owner: &str, pieces: &[&str]) -> Record {
    let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    Record::from_rdata(name(owner), 60, RData::TXT(TXT::new(pieces)))
}

/// Answers whatever it is asked for, by name.
fn answer(question: &Message) -> Message {
    let mut said = question.clone();
    said.metadata.message_type = MessageType::Response;
    let asked = question.queries[0].name().to_lowercase().to_ascii();
    match asked.as_str() {
        "proved.example." => {
            said.add_answer(txt(&asked, &["v=spf1 -all"]));
            said.add_answer(txt(&asked, &["quoin-domain-", "verification=abc"]));
            let binary = TXT::from_bytes(vec![b"\xff\xfe"]);
            said.add_answer(Record::from_rdata(name(&asked), 60, RData::TXT(binary)));
        }
        "delegated.example." => {
            let alias = RData::CNAME(CNAME(name("proved.example.")));
            said.add_answer(Record::from_rdata(name(&asked), 60, alias));
            said.add_answer(txt("proved.example.", &["quoin-domain-verification=abc"]));
        }
        "broken.example." => said.metadata.response_code = ResponseCode::ServFail,
        "refused.example." => said.metadata.response_code = ResponseCode::Refused,
        "empty.example." => {}
        _ => said.metadata.response_code = ResponseCode::NXDomain,
    }
    said
}

#[expect(clippy::disallowed_methods, reason = "the server ends with its test's runtime")]
async fn server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            socket.send_to(&answer(&question).to_vec().unwrap(), from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn texts_are_read_whole_and_an_absent_name_has_none() {
    let dns = NameServers::new(vec![server().await]);
    let proved = dns.txt("proved.example").await.unwrap();
    assert_eq!(proved, ["v=spf1 -all", "quoin-domain-verification=abc"]);
    assert_eq!(dns.txt("delegated.example").await.unwrap(), ["quoin-domain-verification=abc"]);
    assert!(dns.txt("empty.example").await.unwrap().is_empty());
    assert!(dns.txt("absent.example").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_answer_says_nothing_about_a_record() {
    let dns = NameServers::new(vec![server().await]);
    for name in ["broken.example", "refused.example"] {
        assert_eq!(dns.txt(name).await.unwrap_err().code(), "dns_unavailable", "{name}");
    }
    let nobody = NameServers::new(vec!["127.0.0.1:1".parse().unwrap()]);
    assert_eq!(nobody.txt("proved.example").await.unwrap_err().code(), "dns_unavailable");
}
