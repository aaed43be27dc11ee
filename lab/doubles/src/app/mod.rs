//! `app`: the application of one site, as its load balancer's only target. It serves only as well
//! as its cluster's pods and its database do; what that means is the simulator's own rule.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /healthz`, `GET /` | 200; 503 without a ready pod; 500 without a database |
//! | `POST /orders` | 201 with the order's number once the database accepted it; else 503 |
//! | `GET /count` | 200 with how many orders the site's database has |

mod pods;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bowline_core::model::Site;
use bowline_sim::app::{App, Request};
use bowline_sim::aws::rds::{Access, DoorId};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::data::{Beat, Door};
use crate::service::tell;
use pods::Pods;
use store::Store;

/// How often it looks at its pods and tells its database how it is.
const EVERY: Duration = Duration::from_secs(1);

/// What the database said is true for so long.
const FRESH: Duration = Duration::from_secs(3);

/// What `app` is told on its command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Its site.
    #[arg(long, value_enum)]
    site: SiteName,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How its cluster is reached.
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,
    /// The kubeconfig's context; its present one if there is none.
    #[arg(long)]
    context: Option<String>,
    /// Its Deployment's namespace.
    #[arg(long, default_value = "shop")]
    namespace: String,
    /// Its Deployment, whose ready pods count.
    #[arg(long, default_value = "web")]
    deployment: String,
    /// Its database at the Region's endpoint: http://127.0.0.1:PORT/db/IDENTIFIER.
    #[arg(long, value_name = "URL")]
    database: String,
}

/// The sites.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SiteName {
    Home,
    Standby,
}

/// The application at its site.
struct Shop {
    door: DoorId,
    state: Mutex<Known>,
    store: Store,
    orders: AtomicU64,
}

/// What it knows of the parts it needs.
struct Known {
    app: App,
    /// Until when it is true what the database said.
    until: Instant,
    /// Requests answered well since the database was last told.
    served: u32,
}

/// Serves until it is ended.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let pods = Pods::new(&arguments).await?;
    let shop = Arc::new(Shop::new(arguments.site, Store::new(&arguments.database)));
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let site = shop.door.site;
    tell("app", format!("{site} on {}", listener.local_addr()?));
    tokio::select! {
        served = axum::serve(listener, router(Arc::clone(&shop))) => Ok(served?),
        ended = shop.watch_pods(pods) => ended,
        ended = shop.keep_in_touch() => ended,
    }
}

fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(health))
        .route("/orders", post(order))
        .route("/count", get(count))
        .with_state(shop)
}

impl Shop {
    fn new(site: SiteName, store: Store) -> Self {
        let site = match site {
            SiteName::Home => Site::Home,
            SiteName::Standby => Site::Standby,
        };
        let mut app = App::default();
        let group = app.add(false);
        let state = Mutex::new(Known { app, until: Instant::now(), served: 0 });
        Self { door: DoorId { group, site }, state, store, orders: AtomicU64::new(0) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts its ready pods. What the API does not answer has not changed: pods live without it.
    async fn watch_pods(&self, pods: Pods) -> Result<()> {
        let mut ticks = tokio::time::interval(EVERY);
        let mut last = None;
        loop {
            ticks.tick().await;
            let seen = pods.ready().await;
            if let Ok(ready) = &seen {
                self.known().app.set_pods(self.door, *ready);
            }
            let words = seen.map_or_else(|e| format!("{e:#}"), |n| format!("{n} pods are ready"));
            if last.as_ref() != Some(&words) {
                tell("app", format!("{}: {words}", self.door.site));
                last = Some(words);
            }
        }
    }

    /// Says how many connections it wants, and hears how its database is.
    async fn keep_in_touch(&self) -> Result<()> {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let beat = {
                let mut known = self.known();
                let served = std::mem::take(&mut known.served);
                Beat { clients: known.app.connections(self.door), served }
            };
            match self.store.beat(beat).await {
                Ok(door) => self.heard(door),
                // They are told the next time.
                Err(_) => self.known().served += beat.served,
            }
        }
    }

    fn heard(&self, door: Door) {
        let mut known = self.known();
        let access = Access { reads: door.reads, writes: door.writes };
        known.app.set_access(self.door, access);
        known.until = Instant::now() + FRESH;
    }

    /// The status it answers with, by its pods and its database.
    fn status(&self, request: Request) -> StatusCode {
        let mut known = self.known();
        if Instant::now() > known.until {
            known.app.set_access(self.door, Access::default());
        }
        let status = known.app.status(self.door, request);
        status.and_then(|n| StatusCode::from_u16(n).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
    }

    fn answer(&self, status: StatusCode, body: String) -> Response {
        let site = (HeaderName::from_static("x-site"), self.door.site.to_string());
        (status, [site], body).into_response()
    }

    /// Answers somebody whom the load balancer counts.
    fn serve(&self, status: StatusCode, body: String) -> Response {
        if status.is_success() {
            self.known().served += 1;
        }
        self.answer(status, body)
    }
}

async fn health(State(shop): State<Arc<Shop>>) -> Response {
    let status = shop.status(Request::Read);
    shop.answer(status, format!("{status}\n"))
}

async fn page(State(shop): State<Arc<Shop>>) -> Response {
    let status = shop.status(Request::Read);
    shop.serve(status, format!("{}: {status}\n", shop.door.site))
}

/// An order; who names none gets one.
#[derive(Deserialize)]
struct Order {
    id: String,
}

async fn order(State(shop): State<Arc<Shop>>, body: Bytes) -> Response {
    let status = shop.status(Request::Write);
    if status != StatusCode::OK {
        return shop.serve(status, json!({"error": "cannot take orders"}).to_string());
    }
    let id = match serde_json::from_slice(&body) {
        Ok(Order { id }) => id,
        Err(_) => shop.unnamed(),
    };
    match shop.store.write(&id).await {
        Ok(number) => {
            let told = json!({"id": id, "number": number, "site": shop.door.site});
            shop.serve(StatusCode::CREATED, told.to_string())
        }
        Err(error) => {
            let told = json!({"error": format!("{error:#}")}).to_string();
            shop.serve(StatusCode::SERVICE_UNAVAILABLE, told)
        }
    }
}

async fn count(State(shop): State<Arc<Shop>>) -> Response {
    match shop.store.count().await {
        Ok(count) => shop.answer(StatusCode::OK, json!({"count": count}).to_string()),
        Err(error) => {
            let told = json!({"error": format!("{error:#}")}).to_string();
            shop.answer(StatusCode::SERVICE_UNAVAILABLE, told)
        }
    }
}

impl Shop {
    fn unnamed(&self) -> String {
        let number = self.orders.fetch_add(1, Ordering::Relaxed);
        format!("{}-{}-{number}", self.door.site, std::process::id())
    }
}

#[cfg(test)]
mod tests;
