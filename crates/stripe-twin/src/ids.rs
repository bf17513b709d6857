//! Ids in Stripe's form: a prefix that says the kind, and letters and digits.

use quoin_kernel::Rng;
use quoin_kernel::hash::sha256;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Mints the ids of one transaction: drawn once before it, so that a closure that is run again mints the same.
#[derive(Debug, Clone)]
pub(crate) struct Mint {
    seed: [u8; 32],
    minted: u64,
}

impl Mint {
    /// Draws a seed.
    pub(crate) fn draw(rng: &dyn Rng) -> Self {
        let mut seed = [0_u8; 32];
        rng.fill(&mut seed);
        Self { seed, minted: 0 }
    }

    /// Mints an id: `prefix` and 24 characters.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.text(24))
    }

    /// Draws a number from 0 to below `bound`.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        self.minted += 1;
        let block = sha256(&[&self.seed[..], &self.minted.to_le_bytes()].concat());
        let mut first = [0_u8; 8];
        first.copy_from_slice(&block[..8]);
        // Of 64 bits, so the favour of small remainders is immeasurable.
        i64::try_from(u64::from_le_bytes(first) % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Draws letters and digits.
    pub(crate) fn text(&mut self, length: usize) -> String {
        let mut out = String::with_capacity(length);
        while out.len() < length {
            self.minted += 1;
            let block = sha256(&[&self.seed[..], &self.minted.to_le_bytes()].concat());
            // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
            let letters = block.iter().filter(|byte| **byte < 248);
            out.extend(letters.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
        }
        out.truncate(length);
        out
    }
}
