//! The application against a database that says what a test wants.

use axum::routing::post;

use super::*;

/// A database that answers reads, and writes if told so.
async fn database(writes: bool) -> (Shop, tokio::task::JoinHandle<()>) {
    let door = format!(r#"{{"reads":true,"writes":{writes},"established":10}}"#);
    let wrote = if writes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let router = Router::new()
        .route("/db/a/beat", post(move || async { door }))
        .route("/db/a/write", post(move || async move { (wrote, r#"{"number":7}"#) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/db/a", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Shop::new(SiteName::Home, Store::new(&url)), server)
}

async fn beat(shop: &Shop) {
    let clients = shop.known().app.connections(shop.door);
    let door = shop.store.beat(Beat { clients, served: 0 }).await.unwrap();
    shop.heard(door);
}

async fn ordered(shop: Arc<Shop>) -> (StatusCode, String) {
    let response = order(State(shop), Bytes::from_static(b"{\"id\":\"u1\"}")).await;
    assert_eq!(response.headers()["x-site"], "home");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn it_serves_only_with_a_ready_pod_and_a_database_that_was_heard_lately() {
    let (shop, server) = database(true).await;
    assert_eq!(shop.status(Request::Read), 503, "no pod is ready");
    shop.known().app.set_pods(shop.door, 3);
    assert_eq!(shop.status(Request::Read), 500, "the database was not heard yet");
    beat(&shop).await;
    assert_eq!(shop.status(Request::Read), 200);
    shop.known().until = Instant::now() - Duration::from_millis(1);
    assert_eq!(shop.status(Request::Read), 500, "not heard for long");
    server.abort();
}

#[tokio::test]
async fn an_order_is_acknowledged_only_when_the_database_accepted_it() {
    let (shop, server) = database(true).await;
    shop.known().app.set_pods(shop.door, 3);
    beat(&shop).await;
    let shop = Arc::new(shop);
    let (status, body) = ordered(Arc::clone(&shop)).await;
    assert_eq!(status, 201);
    assert!(body.contains("\"number\":7") && body.contains("\"id\":\"u1\""), "{body}");
    assert_eq!(shop.known().served, 1);
    server.abort();
    // The server is gone, but what it said last still stands.
    let (status, _) = ordered(shop).await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_replica_takes_no_orders_though_its_pages_work() {
    let (shop, server) = database(false).await;
    shop.known().app.set_pods(shop.door, 3);
    beat(&shop).await;
    assert_eq!(shop.status(Request::Read), 200);
    assert_eq!(ordered(Arc::new(shop)).await.0, 503);
    server.abort();
}
