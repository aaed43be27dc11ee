//! Just enough HTTP to ask a component on loopback whether it is ready, and to tell one something.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const LIMIT: Duration = Duration::from_secs(2);

/// The status code that `http://127.0.0.1:port/path` answers with. Fails if nobody listens, or
/// nobody answers within two seconds.
pub(crate) fn status(port: u16, path: &str) -> Result<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    code(&mut stream)
}

/// Posts JSON. Fails unless the answer is 2xx.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Result<()> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    match code(&mut stream)? {
        200..=299 => Ok(()),
        status => bail!("{address}{path} answers {status}"),
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn code(stream: &mut TcpStream) -> Result<u16> {
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

    #[test]
    fn what_is_posted_arrives_and_a_refusal_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for answer in ["200 OK", "404 Not Found"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 1024];
                let mut length = 0;
                while !request[..length].ends_with(b"{\"up\":false}") {
                    length += stream.read(&mut request[length..]).unwrap();
                }
                stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
            }
        });
        post(address, "/regions/x", "{\"up\":false}").unwrap();
        let refused = post(address, "/regions/x", "{\"up\":false}").unwrap_err().to_string();
        assert!(refused.ends_with("/regions/x answers 404"), "{refused}");
        server.join().unwrap();
    }
}
