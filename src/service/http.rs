//! `/livez`, `/readyz`, `/metrics`, and `/api/v1/groups`, which only tells.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::shared::Shared;

/// Serves until the process ends.
///
/// # Errors
/// What the listener says.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> std::io::Result<()> {
    axum::serve(listener, router(shared)).await
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/groups", get(groups))
        .with_state(shared)
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    verdict(shared.stalled())
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    verdict(shared.stalled().or_else(|| shared.unready()))
}

fn verdict(why_not: Option<String>) -> Response {
    match why_not {
        None => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let rendered = shared.metrics.render(&shared.snapshot());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}

async fn groups(State(shared): State<Arc<Shared>>) -> Response {
    let rendered = serde_json::to_string(&shared.snapshot().groups);
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn status(shared: &Arc<Shared>, path: &str) -> u16 {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router(Arc::clone(shared)).oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn health_says_what_the_loop_said() {
        let shared = Arc::new(Shared::new(Duration::from_millis(50)));
        assert_eq!(status(&shared, "/livez").await, 200);
        assert_eq!(status(&shared, "/readyz").await, 503);
        shared.snapshot().has_policies = true;
        assert_eq!(status(&shared, "/readyz").await, 200);
        assert_eq!(status(&shared, "/metrics").await, 200);
        assert_eq!(status(&shared, "/api/v1/groups").await, 200);
        std::thread::sleep(Duration::from_millis(80));
        assert_eq!(status(&shared, "/livez").await, 503);
        assert_eq!(status(&shared, "/readyz").await, 503);
    }
}
