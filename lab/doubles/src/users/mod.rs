//! `users`: people who order steadily, by the name that DNS answers for. What they were told is
//! safe is written down; what they saw is told when they are ended.

mod meter;

use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use bowline_core::model::Wall;
use clap::Args;
use hickory_proto::rr::RData;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, timeout};

use crate::service::tell;
use meter::{Meter, Seen};

/// Longest time for one order, from the question to DNS on.
const LIMIT: Duration = Duration::from_secs(2);

/// The largest answer that is read.
const BODY_LIMIT: usize = 64 << 10;

/// What `users` is told on its command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// The DNS server: ADDRESS:PORT.
    #[arg(long, value_name = "ADDRESS")]
    dns: SocketAddr,
    /// The application's name.
    #[arg(long, default_value = "shop.example.com")]
    name: String,
    /// The port that its load balancers listen on.
    #[arg(long, default_value_t = 80)]
    port: u16,
    /// Orders a second.
    #[arg(long, default_value_t = 4.0, value_parser = rate)]
    rate: f64,
    /// Where each acknowledged order is written down, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=1_000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("`{text}`: orders a second, from 0.01 to 1000")),
    }
}

/// Orders until SIGTERM, then prints what the users saw: one JSON document on standard output.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ended = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
        let mut users = Users::new(arguments)?;
        tokio::select! {
            result = users.order_steadily() => result?,
            _ = ended.recv() => {}
        }
        println!("{}", serde_json::to_string_pretty(&users.meter.summary(wall()))?);
        Ok(())
    })
}

struct Users {
    arguments: Arguments,
    record: File,
    meter: Meter,
    /// What DNS answered, until its time is over.
    address: Option<(IpAddr, Instant)>,
    /// Tells the orders of one run from another's.
    run: u64,
    number: u64,
}

/// What an acknowledged order says.
#[derive(Deserialize)]
struct Acknowledged {
    number: u64,
    site: String,
}

impl Users {
    fn new(arguments: Arguments) -> Result<Self> {
        let path = &arguments.record;
        let record = File::options().create(true).append(true).open(path);
        let record = record.with_context(|| format!("cannot write to {}", path.display()))?;
        let run = u64::try_from(wall().0).unwrap_or(0);
        let meter = Meter::default();
        Ok(Self { arguments, record, meter, address: None, run, number: 0 })
    }

    async fn order_steadily(&mut self) -> Result<()> {
        let every = Duration::from_secs_f64(1.0 / self.arguments.rate);
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.number += 1;
            let id = format!("u{}-{}", self.run, self.number);
            let began = wall();
            let result = timeout(LIMIT, self.order(&id)).await;
            match result.context("no answer in time").flatten() {
                Ok(done) => {
                    let line = json!({
                        "id": id, "at": wall(), "site": done.site, "number": done.number
                    });
                    writeln!(self.record, "{line}").context("cannot write the record")?;
                    self.note(began, Seen::Acknowledged(done.site));
                }
                Err(error) => {
                    // Somebody who got no answer asks anew.
                    self.address = None;
                    self.note(began, Seen::Failed(format!("{error:#}")));
                }
            }
        }
    }

    fn note(&mut self, at: Wall, seen: Seen) {
        if let Some(change) = self.meter.note(at, seen) {
            tell("users", change);
        }
    }

    async fn order(&mut self, id: &str) -> Result<Acknowledged> {
        let address = SocketAddr::new(self.address().await?, self.arguments.port);
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request: Request<Full<Bytes>> = Request::post("/orders")
            .header("host", &self.arguments.name)
            .header("content-type", "application/json")
            .body(Full::<Bytes>::from(json!({"id": id}).to_string()))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), BODY_LIMIT).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        if status != StatusCode::CREATED {
            bail!("{address} answers {status}");
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// The name's address, kept as long as DNS said.
    async fn address(&mut self) -> Result<IpAddr> {
        if let Some((address, _)) = self.address.filter(|(_, until)| Instant::now() < *until) {
            return Ok(address);
        }
        let reply = crate::ask::ask(self.arguments.dns, &self.arguments.name, "A").await?;
        let found = reply.answers.iter().find_map(|record| match &record.data {
            RData::A(address) => Some((IpAddr::V4(address.0), record.ttl)),
            _ => None,
        });
        let (address, ttl) = found.context("DNS has no address for the name")?;
        self.address = Some((address, Instant::now() + Duration::from_secs(u64::from(ttl))));
        Ok(address)
    }
}

fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
