//! The people whom Bowline tells: each notice is a line in the log.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::post;
use clap::Args;
use tokio::net::TcpListener;

use crate::service::tell;

/// What it is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// Takes notices until it is ended.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let router = Router::new().fallback(post(note));
    axum::serve(listener, router).await.context("no longer serves")
}

async fn note(body: String) {
    tell("webhook", body.replace('\n', " "));
}
