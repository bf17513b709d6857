//! Codes for the day on which a factor is lost: ten, each used once, shown once.

use quoin_kernel::hash::hmac_sha256;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Rng, Secret, UserId};

/// How many codes a person gets.
pub const COUNT: usize = 10;
/// Letters and digits that nobody mistakes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a code: 80 bits.
const CHARS: usize = 16;

/// Draws a code, in four groups.
pub fn draw(rng: &dyn Rng) -> Secret<String> {
    let mut bytes = [0_u8; CHARS];
    rng.fill(&mut bytes);
    let mut code = String::with_capacity(CHARS + 3);
    for (index, byte) in bytes.into_iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Secret::new(code)
}

/// Returns the MAC that the row holds; how somebody groups the characters, or writes them large, does not matter.
pub fn mac(master: &MasterKey, user_id: UserId, code: &str) -> [u8; 32] {
    let typed: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .take(2 * CHARS)
        .collect();
    let key = master.derive("identity.recovery_code");
    hmac_sha256(key.expose(), format!("{user_id}:{typed}").as_bytes())
}
