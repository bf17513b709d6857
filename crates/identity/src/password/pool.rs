//! A bounded pool of low-priority threads that hash, so that sign-ins never slow other requests much.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use quoin_kernel::hash::equal_in_constant_time;
use quoin_kernel::{Problem, Rng, Secret};
use tokio::sync::oneshot;

use crate::config::IdentityConfig;
use crate::password::Foreign;

/// Bytes of the derived hash.
const HASH_BYTES: usize = 32;
/// How much lower than the server's the priority of hashing threads is.
const NICENESS: i32 = 10;
/// How long a thread without work keeps the memory of its last hash.
const MEMORY_KEPT_FOR: Duration = Duration::from_secs(20);

/// The result of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the right one.
    pub matches: bool,
    /// The stored hash was made with weaker parameters than today's.
    pub needs_rehash: bool,
}

/// Hashes and verifies passwords.
pub struct Passwords {
    queue: SyncSender<Task>,
    rng: Arc<dyn Rng>,
    params: Params,
}

enum Task {
    Hash { password: Secret<String>, salt: [u8; 16], reply: oneshot::Sender<Result<String, argon2::Error>> },
    Verify { password: Secret<String>, stored: Option<String>, reply: oneshot::Sender<Verdict> },
}

/// Configured parameters or threads that the machine refuses.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// Argon2 refuses the parameters.
    #[error("argon2 refuses the configured parameters: {0}")]
    Parameters(argon2::Error),
    /// The system starts no thread.
    #[error("no thread could be started for hashing")]
    Thread(#[from] std::io::Error),
}

impl Passwords {
    /// Starts the threads.
    pub fn start(config: &IdentityConfig, rng: Arc<dyn Rng>) -> Result<Self, CannotStart> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, Some(HASH_BYTES))
            .map_err(CannotStart::Parameters)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if config.hash_threads == 0 { cores } else { config.hash_threads };
        let (queue, waiting) = sync_channel(config.hash_queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let worker = Worker { params: params.clone(), waiting: waiting.clone() };
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(move || worker.serve())?;
        }
        Ok(Self { queue, rng, params })
    }

    /// Hashes a new password; the result is a PHC string.
    ///
    /// # Errors
    /// 503 `overloaded` while too many sign-ins wait.
    pub async fn hash(&self, password: Secret<String>) -> Result<String, Problem> {
        let mut salt = [0_u8; 16];
        self.rng.fill(&mut salt);
        let (reply, answer) = oneshot::channel();
        self.enqueue(Task::Hash { password, salt, reply })?;
        answer.await.map_err(Problem::internal)?.map_err(|error| Problem::internal(error.to_string()))
    }

    /// Compares a password with a stored hash. Without one the same work is done and nothing matches, so that time
    /// does not tell whether an account exists.
    ///
    /// # Errors
    /// 503 `overloaded` while too many sign-ins wait.
    pub async fn verify(&self, password: Secret<String>, stored: Option<String>) -> Result<Verdict, Problem> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Task::Verify { password, stored, reply })?;
        let verdict = answer.await.map_err(Problem::internal)?;
        Ok(verdict)
    }

    /// Returns the parameters of new hashes.
    pub fn params(&self) -> &Params {
        &self.params
    }

    fn enqueue(&self, task: Task) -> Result<(), Problem> {
        self.queue.try_send(task).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                Problem::unavailable("overloaded", "Too many people are signing in at this moment", 1)
            }
            TrySendError::Disconnected(_) => Problem::internal("the hashing threads are gone"),
        })
    }
}

struct Worker {
    params: Params,
    waiting: Arc<Mutex<Receiver<Task>>>,
}

impl Worker {
    fn serve(self) {
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::warn!(%error, "hashing threads run at normal priority");
        }
        // One block of memory per thread, kept from hash to hash: fresh pages would cost a fifth of each.
        let mut memory = Vec::new();
        loop {
            let next =
                self.waiting.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(MEMORY_KEPT_FOR);
            match next {
                Ok(task) => self.work(task, &mut memory),
                Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&self, task: Task, memory: &mut Vec<Block>) {
        match task {
            Task::Hash { password, salt, reply } => answer(reply, || self.hash(memory, &password, &salt)),
            Task::Verify { password, stored, reply } => {
                answer(reply, || self.verify(memory, &password, stored.as_deref()));
            }
        }
    }

    fn hash(
        &self,
        memory: &mut Vec<Block>,
        password: &Secret<String>,
        salt: &[u8],
    ) -> Result<String, argon2::Error> {
        let mut out = [0_u8; HASH_BYTES];
        derive(&self.params, memory, password.expose().as_bytes(), salt, &mut out)?;
        let hash = PasswordHash {
            algorithm: Ident::new_unwrap("argon2id"),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(|_| argon2::Error::AlgorithmInvalid)?,
            salt: Some(Salt::new(salt).map_err(|_| argon2::Error::SaltTooShort)?),
            hash: Some(Output::new(&out).map_err(|_| argon2::Error::OutputTooShort)?),
        };
        Ok(hash.to_string())
    }

    fn verify(&self, memory: &mut Vec<Block>, password: &Secret<String>, stored: Option<&str>) -> Verdict {
        if let Some(foreign) = stored.and_then(Foreign::parse) {
            let matches = foreign.matches(password.expose().as_bytes());
            return Verdict { matches, needs_rehash: matches };
        }
        let parsed = stored.and_then(|text| PasswordHash::new(text).ok());
        let known = parsed
            .as_ref()
            .and_then(|hash| Some((hash, Params::try_from(hash).ok()?, hash.salt?, hash.hash?)));
        let Some((hash, params, salt, expected)) = known else {
            let mut out = [0_u8; HASH_BYTES];
            // The outcome does not matter, only the time it takes.
            derive(&self.params, memory, password.expose().as_bytes(), &[0; 16], &mut out).ok();
            return Verdict { matches: false, needs_rehash: false };
        };
        let mut out = vec![0_u8; expected.len()];
        let derived = derive(&params, memory, password.expose().as_bytes(), salt.as_ref(), &mut out).is_ok();
        let matches = derived
            && hash.algorithm.as_str() == "argon2id"
            && equal_in_constant_time(&out, expected.as_bytes());
        let weaker = params.m_cost() < self.params.m_cost() || params.t_cost() < self.params.t_cost();
        Verdict { matches, needs_rehash: matches && weaker }
    }
}

/// Does the work where somebody still waits for it.
fn answer<T>(reply: oneshot::Sender<T>, work: impl FnOnce() -> T) {
    if !reply.is_closed() {
        // A caller that goes away while the work is done loses nothing.
        reply.send(work()).ok();
    }
}

fn derive(
    params: &Params,
    memory: &mut Vec<Block>,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).hash_password_into_with_memory(
        password,
        salt,
        out,
        &mut memory[..blocks],
    )
}
