use super::*;

#[tokio::test]
async fn a_shutdown_waits_for_tasks_and_tells_them_to_end() {
    let tasks = Tasks::default();
    let own = tasks.clone();
    let endless = tasks.spawn("test.endless", async move {
        own.stopping().await;
        "ended"
    });
    assert_eq!((tasks.running(), tasks.is_stopping()), (1, false));
    assert!(tasks.shut_down(Duration::from_secs(5)).await);
    assert_eq!((endless.await.unwrap(), tasks.running()), ("ended", 0));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let tasks = Tasks::default();
    let stubborn = tasks.spawn("test.stubborn", std::future::pending::<()>());
    assert!(!tasks.shut_down(Duration::from_millis(20)).await);
    stubborn.abort();
    assert!(tasks.shut_down(Duration::from_secs(5)).await, "an aborted task has ended too");
}

#[tokio::test]
async fn a_task_that_panics_has_ended() {
    let tasks = Tasks::default();
    let broken = tasks.spawn("test.broken", async { panic!("broken on purpose") });
    assert!(broken.await.unwrap_err().is_panic());
    assert_eq!(tasks.running(), 0);
}
