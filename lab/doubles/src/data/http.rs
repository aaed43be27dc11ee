//! `data` over HTTP, JSON both ways.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bowline_core::model::{InstanceId, Region, Site, Span};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Clock;
use super::world::World;

/// The world, and what time it is.
#[derive(Clone)]
pub(super) struct Shared {
    world: Arc<Mutex<World>>,
    clock: Clock,
}

impl Shared {
    /// A world that lives by a clock.
    pub(super) fn new(world: Arc<Mutex<World>>, clock: Clock) -> Self {
        Self { world, clock }
    }

    /// The world as it is now.
    pub(super) fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.clock.now());
        look(&mut world)
    }
}

type Place = Path<(String, String)>;

/// Every path there is.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/rds/{region}", post(rds))
        .route("/cloudwatch/{region}", post(cloudwatch))
        .route("/doors/{region}/{instance}/beat", post(beat))
        .route("/doors/{region}/{instance}/write", post(write))
        .route("/doors/{region}/{instance}/count", get(count))
        .route("/regions/{region}", post(region))
        .route("/partition", post(partition))
        .route("/backup", post(backup))
        .route("/faults", post(fault))
        .route("/members", get(members))
        .route("/log", get(log))
        .route("/writes", get(writes))
        .with_state(shared)
}

async fn rds(State(shared): State<Shared>, Path(region): Path<String>, body: Bytes) -> Response {
    with(&body, |op| Ok(shared.world(|world| world.rds_call(&Region::new(region), &op))))
}

async fn cloudwatch(
    State(shared): State<Shared>,
    Path(region): Path<String>,
    body: Bytes,
) -> Response {
    with(&body, |op| Ok(shared.world(|world| world.cloudwatch_call(&Region::new(region), &op))))
}

/// Nobody is behind an identifier that no application connects to.
fn site_of(world: &World, (region, instance): (String, String)) -> Result<usize, Refused> {
    let (region, instance) = (Region::new(region), InstanceId::new(instance));
    let none = || Refused(StatusCode::NOT_FOUND, format!("no door {instance} in {region}"));
    world.site_of(&region, &instance).ok_or_else(none)
}

async fn beat(State(shared): State<Shared>, Path(place): Place, body: Bytes) -> Response {
    with(&body, |beat| {
        shared.world(|world| site_of(world, place).map(|site| world.beat(site, beat)))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: String,
}

async fn write(State(shared): State<Shared>, Path(place): Place, body: Bytes) -> Response {
    with(&body, |order: Order| {
        shared.world(|world| {
            let site = site_of(world, place)?;
            let number = world.write(site, order.id);
            let refused = || Refused(StatusCode::SERVICE_UNAVAILABLE, "not accepted".into());
            number.map(|number| json!({"number": number})).ok_or_else(refused)
        })
    })
}

async fn count(State(shared): State<Shared>, Path(place): Place) -> Response {
    let counted =
        shared.world(|world| site_of(world, place).map(|site| json!({"count": world.count(site)})));
    answer(counted)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Up {
    up: bool,
}

async fn region(State(shared): State<Shared>, Path(name): Path<String>, body: Bytes) -> Response {
    with(&body, |Up { up }| {
        let region = Region::new(name);
        let known = shared.world(|world| world.set_region(&region, up));
        let none = || Refused(StatusCode::NOT_FOUND, format!("no database was ever in {region}"));
        known.then(|| json!({"region": region, "up": up})).ok_or_else(none)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Partition {
    partitioned: bool,
}

async fn partition(State(shared): State<Shared>, body: Bytes) -> Response {
    with(&body, |Partition { partitioned }| {
        shared.world(|world| world.set_partitioned(partitioned));
        Ok(json!({"partitioned": partitioned}))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    site: Site,
    takes: Span,
}

async fn backup(State(shared): State<Shared>, body: Bytes) -> Response {
    with(&body, |Backup { site, takes }| {
        shared.world(|world| world.back_up(site, takes));
        Ok(json!({"site": site}))
    })
}

async fn fault(State(shared): State<Shared>, body: Bytes) -> Response {
    with(&body, |fault: super::faults::Injected| match fault.wrong() {
        Some(wrong) => Err(Refused(StatusCode::BAD_REQUEST, wrong)),
        None => {
            shared.world(|world| world.injected.push(fault.clone()));
            Ok(fault)
        }
    })
}

async fn members(State(shared): State<Shared>) -> Response {
    answer(Ok(shared.world(|world| world.members())))
}

async fn log(State(shared): State<Shared>) -> Response {
    answer(Ok(shared.world(|world| world.log.clone())))
}

async fn writes(State(shared): State<Shared>) -> Response {
    answer(Ok(shared.world(|world| world.lost())))
}

/// Why there is no answer.
struct Refused(StatusCode, String);

/// Reads what was asked, and answers.
fn with<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    perform: impl FnOnce(Q) -> Result<A, Refused>,
) -> Response {
    let read = serde_json::from_slice(body);
    answer(read.map_err(|e| Refused(StatusCode::BAD_REQUEST, e.to_string())).and_then(perform))
}

fn answer(result: Result<impl Serialize, Refused>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let text = result.and_then(|value| {
        let failed =
            |e: serde_json::Error| Refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string());
        serde_json::to_string(&value).map_err(failed)
    });
    match text {
        Ok(text) => (json, text).into_response(),
        Err(Refused(status, why)) => {
            (status, json, json!({"error": why}).to_string()).into_response()
        }
    }
}
