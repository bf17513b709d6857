//! Randomness as a parameter, so that tests are repeatable.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Fills buffers with unpredictable bytes.
pub trait Rng: Send + Sync + 'static {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws from the cryptographic generator of the process, which the operating system seeds.
#[derive(Debug, Default)]
pub struct SystemRng(SystemRandom);

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        // AWS-LC aborts rather than return weak bytes; an error here would mean the same.
        self.0.fill(bytes).expect("the system's random source never fails once seeded");
    }
}

/// Draws 32 random bytes and writes them in URL-safe Base64 (43 characters, 256 bit).
pub fn token(rng: &dyn Rng) -> String {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    rng.fill(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Yields the same sequence for the same seed. Not secret: tests only.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct SeededRng(std::sync::atomic::AtomicU64);

#[cfg(feature = "testing")]
impl SeededRng {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

#[cfg(feature = "testing")]
impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let step = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let digest = crate::hash::sha256(&step.to_le_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}
