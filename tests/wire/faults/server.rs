//! A server on loopback that has one trouble with everything it is asked: HTTP in the protocol of
//! whoever asks, and DNS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::trouble::{Trouble, whole_request};

/// A running server; it ends with its runtime.
pub(super) struct Server {
    /// Where both HTTP and DNS are.
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

/// What a server was asked.
#[derive(Default)]
struct Heard {
    /// How many connections were made.
    connections: usize,
    /// How often each request was read, by its first line and its body: headers are signed anew.
    requests: BTreeMap<String, u32>,
}

impl Server {
    /// A server with this trouble.
    pub(super) async fn start(trouble: Trouble) -> Self {
        let (listener, dns) = same_port().await;
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let counted = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                counted.lock().unwrap().connections += 1;
                tokio::spawn(serve(socket, trouble, Arc::clone(&counted)));
            }
        });
        tokio::spawn(answer_questions(dns, trouble));
        Self { address, heard }
    }

    /// How many connections were made to it.
    pub(super) fn connections(&self) -> usize {
        self.heard.lock().unwrap().connections
    }

    /// Each request that was read, its first line and its body, and how often.
    pub(super) fn requests(&self) -> BTreeMap<String, u32> {
        self.heard.lock().unwrap().requests.clone()
    }
}

/// TCP and UDP on one port, as DNS and `--endpoints` want it.
async fn same_port() -> (TcpListener, UdpSocket) {
    for _ in 0..50 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(dns) = UdpSocket::bind(listener.local_addr().unwrap()).await {
            return (listener, dns);
        }
    }
    panic!("no port is free for both TCP and UDP");
}

async fn serve(mut socket: TcpStream, trouble: Trouble, heard: Arc<Mutex<Heard>>) {
    if trouble == Trouble::ResetBefore {
        let _begun = socket.read(&mut [0; 1]).await;
        return socket.set_zero_linger().unwrap();
    }
    let Some(request) = whole_request(&mut socket).await else { return };
    let request = String::from_utf8_lossy(&request).into_owned();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let key = format!("{}\n{body}", head.lines().next().unwrap());
    *heard.lock().unwrap().requests.entry(key).or_default() += 1;
    trouble.befall(socket, &request).await;
}

/// DNS has no credentials and no connections: what is nearest to the trouble.
async fn answer_questions(socket: UdpSocket, trouble: Trouble) {
    const SERVFAIL: u8 = 2;
    const REFUSED: u8 = 5;
    loop {
        let mut question = [0; 512];
        let Ok((length, from)) = socket.recv_from(&mut question).await else { continue };
        let mut answer = question[..length].to_vec();
        match trouble {
            Trouble::Error => (answer[2], answer[3]) = (answer[2] | 0x80, SERVFAIL),
            Trouble::Throttled | Trouble::Expired | Trouble::Denied => {
                (answer[2], answer[3]) = (answer[2] | 0x80, REFUSED);
            }
            // As a question, but cut in the middle of its name.
            Trouble::Malformed => answer.truncate(15),
            _ => continue,
        }
        socket.send_to(&answer, from).await.unwrap();
    }
}
