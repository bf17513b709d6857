//! Hashes from elsewhere open their account once more, and are replaced when they do.

use quoin_web::Method;
use serde_json::json;

use super::harness::{ANN, House, plain_story};
use crate::password::Foreign;

/// Hashes of `correct horse battery staple`, and Firebase's own published example, made by others' programs.
const PASSWORD: &str = "correct horse battery staple";

fn hashes() -> Vec<String> {
    HASHES.lines().map(str::trim).filter(|line| line.starts_with('$')).map(str::to_owned).collect()
}

const HASHES: &str = include_str!("foreign_hashes.txt");

async fn stored(house: &House) -> String {
    let read = quoin_db::Statement::new("HASH", "select password_hash from quoin.identity_users");
    let rows: Vec<String> = house
        .identity
        .db()
        .read::<_, quoin_db::DbError, _>("testing.hash", move |tx| tx.query(&read, &[], |row| row.get(0)))
        .await
        .unwrap();
    rows.into_iter().next().unwrap()
}

#[tokio::test]
async fn each_format_signs_in_and_is_replaced() {
    for hash in hashes() {
        let hash = &hash;
        plain_story(|house| async move {
            let body = json!({"email": ANN, "password_hash": hash, "email_confirm": true});
            house.admin(Method::POST, "/auth/v1/admin/users", body).await;
            assert_eq!(stored(&house).await, *hash);
            assert_eq!(house.sign_in(ANN, "wrong horse").await.code(), "invalid_credentials", "{hash}");
            assert_eq!(stored(&house).await, *hash);
            assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200, "{hash}");
            assert!(stored(&house).await.starts_with("$argon2id$"), "{hash}");
            assert_eq!(house.sign_in(ANN, PASSWORD).await.status, 200, "{hash}");
        })
        .await;
    }
    assert!(hashes().len() >= 6);
}

#[test]
fn firebases_published_example_matches() {
    let hash = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
    let foreign = Foreign::parse(hash).unwrap();
    assert!(foreign.matches(b"user1password"));
    assert!(!foreign.matches(b"user2password"));
}

#[test]
fn what_costs_too_much_or_is_no_hash_is_refused() {
    for text in [
        "",
        "$",
        "$2b$",
        "$2b$31$KIXQ4Jz8M1e8v6N8gQJmXeQ8l2T9s0uU3m5V1b7c9d0e2f4g6h8i0",
        "$md5$x$y$z",
        "$scrypt$ln=31,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=15,r=8,p=99$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=99,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha256$i=4000000000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha256$i=0$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$",
        "$fbscrypt$v=2,n=14,r=8,p=1,ss=Bw==,sk=AA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6",
    ] {
        assert!(Foreign::parse(text).is_none(), "{text}");
    }
}
