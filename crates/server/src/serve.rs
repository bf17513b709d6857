//! Serving: one runtime per core for requests, one for everything in the background, and an orderly end.

use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use quoin_web::Front;
use quoin_web::listen::{Connections, Limits, Listener, Shutdown};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::boot::{CannotStart, Instance, Outside, start_background};
use crate::control::{Control, ControlKey};
use crate::settings::Settings;
use crate::{logging, welcome};

/// How long a stop may take from its signal to the end of all requests, jobs and other work.
const LONGEST_STOP: Duration = Duration::from_secs(29);

/// Starts everything and returns after an orderly shutdown.
///
/// # Errors
/// Whatever stands in the way of starting.
pub fn serve(settings: &Settings) -> Result<(), CannotStart> {
    let _logs = logging::start(&settings.log, settings.log_format)
        .map_err(|error| CannotStart::Setting(error.to_string()))?;
    let runtime = single_threaded()?;
    runtime.block_on(run(settings))
}

async fn run(settings: &Settings) -> Result<(), CannotStart> {
    let cores = match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    // With port 0 the address is known only once it is bound; otherwise the listener opens when every route can answer.
    let early = (settings.listen.port() == 0).then(|| bind(settings.listen, cores)).transpose()?;
    let listen = match &early {
        Some(listeners) => address(listeners)?,
        None => settings.listen,
    };
    let instance = Instance::start(settings, listen, Outside::default()).await?;
    let listeners = match early {
        Some(listeners) => listeners,
        None => bind(settings.listen, cores)?,
    };
    let Instance { app, front, identity, entitled, stripe_twin, worker, first_keys, data_dir } = instance;
    let shutdown = Shutdown::default();
    let tasks = app.tasks().clone();
    let mut control = None;
    if let Some(identity) = &identity {
        let key = ControlKey::make(identity, &data_dir)?;
        control = Some(Control::open(&data_dir, front.clone(), key, &tasks)?);
    }
    let stop = shutdown.clone();
    start_background(&app, identity, entitled, worker, async move { stop.begun().await });
    if let Some(twin) = &stripe_twin {
        crate::stripe_twin::start(&app, twin);
    }
    let threads = start_threads(listeners, &front, settings, &shutdown)?;
    welcome::announce(&app, &first_keys);
    wait_for_the_end().await;
    tracing::info!("shutting down: no new connections, running requests may finish");
    let began = Instant::now();
    shutdown.begin();
    join(threads).await;
    drop(control);
    if !tasks.shut_down(LONGEST_STOP.saturating_sub(began.elapsed())).await {
        tracing::warn!(
            tasks = tasks.running(),
            "background work did not finish in time; others will take its jobs over"
        );
    }
    app.db().system().close();
    if let Some(twin) = stripe_twin {
        twin.close();
    }
    drop(data_dir);
    Ok(())
}

pub(crate) fn bind(listen: SocketAddr, cores: usize) -> Result<Vec<Listener>, CannotStart> {
    Listener::bind_for_cores(listen, cores)
        .map_err(|error| CannotStart::Setting(format!("cannot listen on {listen}: {error}")))
}

pub(crate) fn address(listeners: &[Listener]) -> Result<SocketAddr, CannotStart> {
    let first = listeners.first().ok_or_else(|| CannotStart::Setting("threads must be 1 or more".into()))?;
    first.local_addr().map_err(|error| system(&error))
}

pub(crate) fn start_threads(
    listeners: Vec<Listener>,
    front: &Front,
    settings: &Settings,
    shutdown: &Shutdown,
) -> Result<Vec<JoinHandle<io::Result<()>>>, CannotStart> {
    let limits = Limits {
        max_connections: settings.max_connections,
        drain_timeout: Duration::from_secs(settings.drain_s.min(25)),
        ..Limits::default()
    };
    let connections = Connections::default();
    let mut threads = Vec::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        let (front, limits) = (front.clone(), limits.clone());
        let (connections, shutdown) = (connections.clone(), shutdown.clone());
        let runtime = single_threaded()?;
        let thread = std::thread::Builder::new()
            .name(format!("http-{number}"))
            .spawn(move || runtime.block_on(listener.serve(front, limits, connections, shutdown)));
        threads.push(thread.map_err(|error| system(&error))?);
    }
    Ok(threads)
}

/// Waits for the serving threads without holding up the background runtime, on which their work may depend.
pub(crate) async fn join(threads: Vec<JoinHandle<io::Result<()>>>) {
    while !threads.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for thread in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a listener failed"),
            Err(_) => tracing::error!("a serving thread panicked"),
        }
    }
}

pub(crate) async fn wait_for_the_end() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without signals the process still ends by kill; nothing is lost by that either.
        return std::future::pending().await;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
}

pub(crate) fn single_threaded() -> Result<tokio::runtime::Runtime, CannotStart> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| system(&error))
}

fn system(error: &io::Error) -> CannotStart {
    CannotStart::Setting(format!("the system refuses: {error}"))
}
