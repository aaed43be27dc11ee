//! DNS over UDP and TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hickory_proto::op::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch::Receiver;

use super::World;
use super::answer::{answer, malformed};
use crate::service::tell;

/// The largest answer over UDP, if the asker takes that much: larger ones are cut, and asked for
/// again over TCP.
pub(super) const UDP_PAYLOAD: u16 = 1232;
/// What everybody takes over UDP.
const PLAIN_PAYLOAD: u16 = 512;
/// For how long a TCP connection may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// Pause after a failed accept: too many open files pass.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `listen` until it fails.
pub(super) async fn run(listen: SocketAddr, world: Receiver<World>) -> Result<()> {
    let taken = || format!("cannot listen on {listen}");
    let udp = UdpSocket::bind(listen).await.with_context(taken)?;
    let tcp = TcpListener::bind(listen).await.with_context(taken)?;
    tell("dns", format!("answers on {listen}"));
    tokio::try_join!(datagrams(Arc::new(udp), world.clone()), streams(tcp, world)).map(drop)
}

async fn datagrams(socket: Arc<UdpSocket>, world: Receiver<World>) -> Result<()> {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An error here is an earlier answer's, refused by its asker.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(reply) = reply(&world, &buffer[..length], true) else { continue };
        if let Err(error) = socket.send_to(&reply, from).await {
            tell("dns", format!("{from}: {error}"));
        }
    }
}

async fn streams(listener: TcpListener, world: Receiver<World>) -> Result<()> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(stream_of(stream, world.clone()))),
            Err(error) => {
                tell("dns", format!("cannot accept: {error}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One connection: questions one after the other, each behind its length.
async fn stream_of(mut stream: TcpStream, world: Receiver<World>) -> Result<()> {
    loop {
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await??;
        let mut request = vec![0; usize::from(length)];
        tokio::time::timeout(IDLE, stream.read_exact(&mut request)).await??;
        let Some(reply) = reply(&world, &request, false) else { bail!("not a question") };
        stream.write_u16(u16::try_from(reply.len())?).await?;
        stream.write_all(&reply).await?;
    }
}

/// The bytes that answer a request's; over UDP cut to what the asker takes.
pub(super) fn reply(world: &Receiver<World>, request: &[u8], cut: bool) -> Option<Vec<u8>> {
    let Ok(request) = Message::from_vec(request) else {
        return malformed(request)?.to_vec().ok();
    };
    let reply = answer(&world.borrow(), &request)?;
    let bytes = reply.to_vec().ok()?;
    let takes = request.edns.as_ref().map_or(PLAIN_PAYLOAD, |edns| edns.max_payload());
    let limit = usize::from(takes.clamp(PLAIN_PAYLOAD, UDP_PAYLOAD));
    if cut && bytes.len() > limit { reply.truncate().to_vec().ok() } else { Some(bytes) }
}
