//! The program as a process: it ends when it is told to, and says why it cannot begin.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bowline-doubles");

fn config(name: &str, text: &str) -> std::path::PathBuf {
    let file = format!("bowline-doubles-{}-{name}.json", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, text).unwrap();
    path
}

fn start(double: &str, config: &std::path::Path) -> Child {
    let mut command = Command::new(PROGRAM);
    command.arg(double).arg("--config").arg(config).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for its end; kills it when that takes too long.
fn ended(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("still running: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_double_ends_on_sigterm_and_prints_nothing_but_its_log() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let text =
        format!(r#"{{"routes": [{{"listen": "{address}", "to": {{"address": "{address}"}}}}]}}"#);
    let path = config("ends", &text);
    let child = start("forward", &path);
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never listened");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(told.success());
    let output = ended(child);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{output:?}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_cannot_begin_says_why_and_fails() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let route = format!(r#"{{"listen": "{address}", "to": {{"address": "{address}"}}}}"#);
    let dns = format!(r#"{{"listen": "{address}", "route53": "x", "loadBalancers": []}}"#);
    let none = r#"{"route53": "http://127.0.0.1:1", "checkers": 0}"#.to_owned();
    for (double, text, cause) in [
        ("forward", format!(r#"{{"routes": [{route}]}}"#), format!("cannot listen on {address}")),
        ("dns", dns, format!("cannot listen on {address}")),
        ("checker", none, "give at least 1".to_owned()),
        ("seed", "{".to_owned(), "line 1".to_owned()),
    ] {
        let path = config(double, &text);
        let output = ended(start(double, &path));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{double}: {said}");
        assert!(said.contains(&cause), "{double}: {said}");
        std::fs::remove_file(path).unwrap();
    }
}
