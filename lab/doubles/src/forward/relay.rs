//! One listening socket and its connections: bytes go both ways until both sides have said their
//! last.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::LoadBalancer;
use crate::service::tell;

/// Longest time for a connection to the other side.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Pause after a failed accept: too many open files pass.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections are led.
#[derive(Debug)]
pub(super) enum Target {
    /// To an address.
    Address(SocketAddr),
    /// To wherever this load balancer listens at the time.
    LoadBalancer {
        /// Which.
        arn: String,
        /// What the emulator said last.
        seen: watch::Receiver<Vec<LoadBalancer>>,
    },
}

impl Target {
    fn address(&self) -> Result<SocketAddr> {
        match self {
            Self::Address(address) => Ok(*address),
            Self::LoadBalancer { arn, seen } => {
                let seen = seen.borrow();
                let found = seen.iter().find(|one| one.arn == *arn);
                let port = found.and_then(|one| one.bound_port);
                let port = port.with_context(|| format!("{arn} listens nowhere yet"))?;
                Ok((Ipv4Addr::LOCALHOST, port).into())
            }
        }
    }
}

/// Accepts for ever.
pub(super) async fn serve(listener: TcpListener, target: Arc<Target>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(relay(client, target.clone()))),
            Err(error) => {
                tell("forward", format!("cannot accept: {error}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Leads one connection. When one side has said its last, the other may still answer; a side that
/// cannot be reached ends the connection.
async fn relay(mut client: TcpStream, target: Arc<Target>) {
    let led = async {
        let address = target.address()?;
        let connecting = TcpStream::connect(address);
        let connected = tokio::time::timeout(CONNECT_LIMIT, connecting).await;
        let mut server = connected.with_context(|| format!("{address}: no connection"))??;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        copy_bidirectional(&mut client, &mut server).await?;
        anyhow::Ok(())
    };
    if let Err(error) = led.await {
        tell("forward", format!("{error:#}"));
    }
}
