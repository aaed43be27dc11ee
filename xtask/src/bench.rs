//! `cargo xtask bench`: the figures of `docs/benchmarks.md`, as ratios to what is aimed at. It
//! asserts nothing about time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Start-up to ready and idle memory that are aimed at.
const AIM: (f64, f64) = (0.3, 30.0);

/// How long a start may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a ready service idles before its memory is read.
const IDLE: Duration = Duration::from_secs(10);

/// Starts of the service; the slowest counts.
const STARTS: usize = 3;

/// Prints all figures: stories with seeds 1 to `seeds`, then the service.
pub(crate) fn run(seeds: &str) -> Result<()> {
    cargo(&["run", "--release", "--package", "bowline-sim", "--example", "bench", "--", seeds])?;
    cargo(&["build", "--release", "--bin", "bowline"])?;
    service()
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).status().context("starting cargo")?;
    ensure!(status.success(), "cargo {}: {status}", arguments.join(" "));
    Ok(())
}

/// Start-up and idle memory of `bowline run` with a directory as its store.
fn service() -> Result<()> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let binary = folder.join("release/bowline");
    let (mut slowest, mut largest) = (0.0_f64, 0.0_f64);
    for start in 0..STARTS {
        let store =
            std::env::temp_dir().join(format!("bowline-bench-{}-{start}", std::process::id()));
        let measured = measure(&binary, &store);
        std::fs::remove_dir_all(&store).ok();
        let (ready, memory) = measured?;
        (slowest, largest) = (slowest.max(ready), largest.max(memory));
    }
    println!("start-up to ready: {slowest:.3} s, {:.2} of the aim ({} s)", slowest / AIM.0, AIM.0);
    println!("idle memory: {largest:.1} MiB, {:.2} of the aim ({} MiB)", largest / AIM.1, AIM.1);
    Ok(())
}

/// Ends its process, whatever happens.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Seconds from the start until `/readyz` says so, and MiB in memory when it has idled.
fn measure(binary: &Path, store: &Path) -> Result<(f64, f64)> {
    std::fs::create_dir_all(store)?;
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let log = std::fs::File::create(store.with_extension("log"))?;
    let began = Instant::now();
    let child = Command::new(binary)
        .args(["run", "--policy", "policies/minimal.yaml", "--listen", &listen.to_string()])
        .args(["--store", &format!("dir:{}", store.display())])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let mut service = Service(child);
    while !ready(listen) {
        if let Some(status) = service.0.try_wait()? {
            bail!("bowline run ended: {status}; see {}", store.with_extension("log").display());
        }
        ensure!(began.elapsed() < PATIENCE, "bowline run is not ready after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed().as_secs_f64();
    std::thread::sleep(IDLE);
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.0.id()))?;
    Ok((took, resident(&status).context("no VmRSS in /proc")?))
}

/// Whether `/readyz` answers 200.
fn ready(at: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// MiB that a process has in memory, from its `/proc/PID/status`.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_kernel_says() {
        assert_eq!(resident("Name:\tbowline\nVmRSS:\t   20480 kB\nThreads:\t3\n"), Some(20.0));
        assert_eq!(resident("Name:\tbowline\n"), None);
    }

    #[test]
    fn nobody_who_listens_is_not_ready() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(!ready(free));
    }

    #[test]
    fn only_a_200_is_ready() {
        for (answer, wanted) in
            [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 No\r\n\r\n", false)]
        {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let asked = stream.read(&mut [0; 512]).unwrap();
                assert!(asked > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(ready(at), wanted, "{answer}");
            server.join().unwrap();
        }
    }

    #[test]
    fn a_service_that_does_not_start_is_told() {
        let store = std::env::temp_dir().join(format!("bowline-bench-test-{}", std::process::id()));
        let error = measure(Path::new("/nowhere/bowline"), &store).unwrap_err();
        std::fs::remove_dir_all(&store).ok();
        std::fs::remove_file(store.with_extension("log")).ok();
        assert!(error.to_string().contains("/nowhere/bowline"), "{error:#}");
    }
}
