//! One DNS question, for people who try the lab by hand.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Longest time for the answer.
const LIMIT: Duration = Duration::from_secs(3);

/// The question.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server, `ADDRESS:PORT`.
    #[arg(long, value_name = "ADDRESS")]
    server: SocketAddr,
    /// The name.
    name: String,
    /// The record type.
    #[arg(default_value = "A")]
    kind: String,
}

/// Asks, and prints the answer: code, records, and what stands in for them.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let reply = ask(arguments.server, &arguments.name, &arguments.kind).await?;
    print!("{}", lines(&reply));
    Ok(())
}

/// Asks a server one question; fails unless it answers in time.
pub(crate) async fn ask(server: SocketAddr, name: &str, kind: &str) -> Result<Message> {
    let kind: RecordType = kind.to_ascii_uppercase().parse().map_err(|_| {
        anyhow!("`{kind}` is no record type: A, AAAA, CNAME, HTTPS, NS, SOA or TXT, say")
    })?;
    let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.')))
        .with_context(|| format!("`{name}` is no domain name"))?;
    let mut request = Message::query();
    request.add_query(Query::query(name, kind));
    let here: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(here).await?;
    socket.connect(server).await?;
    socket.send(&request.to_vec()?).await.with_context(|| format!("cannot reach {server}"))?;
    let mut buffer = [0; 4096];
    let received = timeout(LIMIT, socket.recv(&mut buffer)).await;
    let length = received
        .with_context(|| format!("{server} does not answer"))?
        .with_context(|| format!("nobody answers on {server}"))?;
    Ok(Message::from_vec(&buffer[..length])?)
}

fn lines(reply: &Message) -> String {
    let mut text = format!("{}\n", reply.metadata.response_code);
    for record in &reply.answers {
        text.push_str(&format!("{record}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_cannot_be_asked_is_told_with_its_cause() {
        let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = nobody.local_addr().unwrap();
        drop(nobody);
        for (name, kind, cause) in [
            ("shop.example.com", "AB", "`AB` is no record type"),
            ("a..b", "A", "`a..b` is no domain name"),
            ("shop.example.com", "a", "nobody answers"),
        ] {
            let error = format!("{:#}", ask(server, name, kind).await.unwrap_err());
            assert!(error.contains(cause), "{error}");
        }
    }
}
