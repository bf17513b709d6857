//! Checks behind `/readyz`: which dependency is missing, by name.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;

type Check = std::sync::Arc<dyn Fn() -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>;

/// How long one check may take before its dependency counts as missing.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Holds the checks that rooms have registered.
#[derive(Default)]
pub struct Health(RwLock<Vec<(&'static str, Check)>>);

impl Health {
    /// Registers a check under the name of what it looks after.
    pub fn register<F, Fut>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        let check: Check = std::sync::Arc::new(move || Box::pin(check()));
        self.0.write().unwrap_or_else(PoisonError::into_inner).push((name, check));
    }

    /// Runs every check at once and returns the names of what is missing.
    pub async fn missing(&self) -> Vec<&'static str> {
        let checks = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let running = checks.into_iter().map(|(name, check)| async move {
            match tokio::time::timeout(CHECK_TIMEOUT, check()).await {
                Ok(Ok(())) => None,
                Ok(Err(problem)) => {
                    tracing::warn!(check = name, ?problem, "not ready");
                    Some(name)
                }
                Err(_) => {
                    tracing::warn!(check = name, "not ready: the check took too long");
                    Some(name)
                }
            }
        });
        futures_util::future::join_all(running).await.into_iter().flatten().collect()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(checks.iter().map(|(name, _)| name)).finish()
    }
}
