//! The application's database, at its Region's endpoint.

use std::time::Duration;

use anyhow::{Result, ensure};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::call::Http;
use crate::data::{Beat, Door};

/// Longest time for its answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The database that the application connects to.
#[derive(Debug)]
pub(super) struct Store {
    url: String,
    http: Http,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

#[derive(Deserialize)]
struct Counted {
    count: u64,
}

impl Store {
    /// The database at a URL.
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), http: Http::new(LIMIT) }
    }

    /// Says how the application is, and hears how the database is.
    pub(super) async fn beat(&self, beat: Beat) -> Result<Door> {
        self.ask(Method::POST, "beat", &json!(beat)).await
    }

    /// Writes an order; gives its number once it is accepted.
    pub(super) async fn write(&self, id: &str) -> Result<u64> {
        let numbered: Numbered = self.ask(Method::POST, "write", &json!({"id": id})).await?;
        Ok(numbered.number)
    }

    /// How many orders it has.
    pub(super) async fn count(&self) -> Result<u64> {
        let counted: Counted = self.ask(Method::GET, "count", &json!(null)).await?;
        Ok(counted.count)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        what: &str,
        body: &serde_json::Value,
    ) -> Result<T> {
        let url = format!("{}/{what}", self.url);
        let (status, body) = self.http.ask(method, &url, Some(body)).await?;
        let said = String::from_utf8_lossy(&body);
        ensure!(status == StatusCode::OK, "the database answers {status}: {said}");
        Ok(serde_json::from_slice(&body)?)
    }
}
