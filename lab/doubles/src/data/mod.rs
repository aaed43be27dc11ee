//! `data`: the databases of both Regions and their metrics, by the simulator's own RDS on the real
//! clock. It is never frozen: a Region that dies is told to it, and goes on in it as a dead one.
//!
//! ```text
//! SDK → front (a Region's endpoint, frozen with it) → data: /rds /cloudwatch /doors
//! the lab and its tests → data: /regions /partition /backup /faults, /members /log /writes
//! ```

mod arguments;
mod calls;
mod doors;
mod faults;
mod http;
mod served;
#[cfg(test)]
mod tests;
mod world;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bowline_core::model::{Mono, Span, Wall};
use bowline_sim::part;
use tokio::net::TcpListener;

pub(crate) use arguments::Arguments;
pub(crate) use calls::{Described, Reply};
pub(crate) use doors::{Beat, Door};
pub(crate) use faults::Manner;

use crate::service::tell;
use world::World;

/// How often the world is let go on when nobody asks.
const TICK: Duration = Duration::from_millis(50);

/// Serves until it is ended.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let clock = Clock::new()?;
    let began = Mono(clock.now().0.saturating_sub(arguments.history.as_millis()));
    let world = Arc::new(Mutex::new(World::new(&arguments, began)));
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    tell("data", format!("listens on {}", listener.local_addr()?));
    let state = http::Shared::new(world, clock);
    let ticking = tokio::spawn(tick(state.clone()));
    let served = axum::serve(listener, http::router(state)).await;
    ticking.abort();
    Ok(served?)
}

async fn tick(state: http::Shared) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        state.world(|_| ());
    }
}

/// The real clock as the simulator's virtual time: its wall time is the machine's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Mono,
    instant: Instant,
}

impl Clock {
    /// A clock that never jumps. Fails on a machine whose clock is before the simulator's epoch.
    fn new() -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).context("before 1970")?;
        let wall = Wall(i64::try_from(since.as_millis())?);
        anyhow::ensure!(
            wall > part::EPOCH + Span::mins(24 * 60),
            "this machine's clock says {wall}; the simulator's time begins on {}: set the clock",
            part::EPOCH
        );
        Ok(Self { began: part::mono(wall), instant: Instant::now() })
    }

    /// What time it is.
    fn now(&self) -> Mono {
        let since = u64::try_from(self.instant.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.began + Span::millis(since)
    }
}
