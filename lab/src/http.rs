//! Just enough HTTP to ask a component on loopback whether it is ready.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

const LIMIT: Duration = Duration::from_secs(2);

/// The status code that `http://127.0.0.1:port/path` answers with. Fails if nobody listens, or
/// nobody answers within two seconds.
pub(crate) fn status(port: u16, path: &str) -> Result<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    let code = str::from_utf8(&start)?.rsplit(' ').next().unwrap_or_default();
    code.parse().with_context(|| format!("no HTTP status in {start:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn the_status_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // To the end: closing with unread bytes would reset the connection.
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            request.map_while(Result::ok).find(String::is_empty).unwrap();
            stream.write_all(b"HTTP/1.1 503 Unavailable\r\n\r\n").unwrap();
        });
        assert_eq!(status(port, "/readyz").unwrap(), 503);
        server.join().unwrap();
        assert!(status(port, "/readyz").is_err(), "nobody listens any more");
    }
}
