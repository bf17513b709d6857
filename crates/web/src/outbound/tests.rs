use super::*;

fn outbound(allowed: &[&str]) -> Outbound {
    let allowed_networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
    Outbound::new(&OutboundConfig { allowed_networks, ..OutboundConfig::default() })
}

#[test]
fn private_addresses_are_not_public() {
    for ip in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "ff02::1",
    ] {
        assert!(!is_public(ip.parse().unwrap()), "{ip}");
    }
    for ip in ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "::ffff:8.8.8.8"] {
        assert!(is_public(ip.parse().unwrap()), "{ip}");
    }
}

#[tokio::test]
async fn private_targets_are_refused_by_number_and_by_name() {
    for url in [
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://localhost:1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://[::ffff:7f00:1]/",
        "ftp://1.1.1.1/",
        "file:///etc/passwd",
    ] {
        let answer = outbound(&[]).send(OutboundRequest::new(Method::GET, url.parse().unwrap())).await;
        let error = answer.expect_err(url);
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        let mut forbidden = false;
        while let Some(error) = cause {
            forbidden |=
                error.downcast_ref().is_some_and(|error| matches!(error, OutboundError::Forbidden(_)));
            cause = error.source();
        }
        assert!(forbidden, "{url}: {error:?}");
    }
}

/// Serves one fixed answer to each connection and returns its address.
async fn serving(answer: &'static str) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    crate::tasks::Tasks::default().spawn("test.server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0_u8; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn redirects_are_not_followed_and_large_answers_are_cut() {
    let outbound = outbound(&["127.0.0.0/8"]);
    let address =
        serving("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
    let url: Url = format!("http://{address}/").parse().unwrap();
    let answer = outbound.send(OutboundRequest::new(Method::GET, url)).await.unwrap();
    assert_eq!(answer.status, 302);

    let allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    let small =
        Outbound::new(&OutboundConfig { allowed_networks, max_answer_bytes: 4, ..OutboundConfig::default() });
    let address = serving("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let url: Url = format!("http://{address}/secret-path").parse().unwrap();
    let error = small.send(OutboundRequest::new(Method::GET, url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge { limit: 4, .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("secret-path"));
}
