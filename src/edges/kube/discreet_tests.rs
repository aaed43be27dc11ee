//! Kubeconfigs and plugins with a secret in what is wrong with them.

use std::path::Path;
use std::time::Duration;

use bowline_core::model::Cluster;
use bowline_core::op::Fault;
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::{Clusters, KubeconfigSource, Wire};

/// What may be told nowhere.
const SECRET: &str = "s3cr3t-t0k3n";

/// A management cluster that has this in every Secret.
async fn management(kubeconfig: &str) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let data = ByteString(kubeconfig.as_bytes().to_vec());
    let body = json!({"data": {"kubeconfig": data}}).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    super::super::access::wire(kube::Config::new(config)).unwrap()
}

async fn by_secret(kubeconfig: &str) -> Fault {
    let management = Some((management(kubeconfig).await, "bowline".into()));
    let clusters = Clusters::new(KubeconfigSource::default(), management);
    clusters.wire(&Cluster::KubeconfigSecret("site".into())).await.err().unwrap()
}

#[tokio::test]
async fn a_secret_that_is_no_kubeconfig_is_not_quoted() {
    for text in [
        format!("users: [{{name: u, user: {{token: {SECRET}}}\n"),
        SECRET.to_owned(),
        format!("users:\n- name: u\n  user: {SECRET}\n"),
    ] {
        let fault = by_secret(&text).await;
        let Fault::Invalid(words) = &fault else { panic!("{fault:?}") };
        let begins = "key kubeconfig of Secret bowline/site is no kubeconfig";
        assert!(words.starts_with(begins) && !words.contains(SECRET), "{words}");
    }
    let fault = by_secret("users:\n- name: u\n  user: x\n").await.to_string();
    assert!(fault.ends_with(": line 3, column 9"), "{fault}");
}

/// A kubeconfig of one user.
fn of(user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "site",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "site", "context": {"cluster": "c", "user": "u"}}],
    });
    config.to_string()
}

/// A user with a plugin that does this.
fn plugin(script: &str) -> Value {
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", script],
        "interactiveMode": "Never",
    }})
}

/// What an operator reads who has this kubeconfig, with every cause.
async fn told(folder: &Path, text: &str) -> String {
    let file = folder.join("kubeconfig");
    std::fs::write(&file, text).unwrap();
    let source = KubeconfigSource { file: Some(file) };
    let error = anyhow::Error::from(source.management(None).await.err().unwrap());
    format!("{error:#} {error:?}")
}

#[tokio::test]
async fn a_login_that_fails_tells_its_kind_and_never_what_was_printed_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY----- {SECRET} -----END PRIVATE KEY-----");
    let cases = [
        (plugin(&format!("echo {SECRET}; echo {SECRET} >&2; exit 3")), "failed: exit status: 3"),
        (plugin(&format!("echo 'token: {SECRET}'")), "answer cannot be used"),
        (plugin(&format!("echo '{{{SECRET}'")), "answer cannot be used"),
        (json!({"exec": {"command": "/nowhere/plugin", "args": [SECRET]}}), "cannot be run"),
        (json!({"client-certificate-data": "", "client-key": pem}), "the client key's file"),
        (json!({"tokenFile": format!("/nowhere/{SECRET}")}), "the token's file"),
    ];
    for (user, words) in cases {
        let told = told(folder.path(), &of(&user)).await;
        assert!(told.contains(words) && !told.contains(SECRET), "{words}: {told}");
    }
    let told = told(folder.path(), &format!("users: {SECRET}\n")).await;
    assert!(told.contains("no kubeconfig: line 1") && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_tells_no_more_than_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let revoked = folder.path().join("revoked");
    // Its token is old at once, and is renewed for the first request.
    let old = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}"#;
    let flag = revoked.display();
    let script = format!("[ -e {flag} ] && {{ echo {SECRET} >&2; exit 4; }}; echo '{old}'");
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, of(&plugin(&script))).unwrap();
    let wire = KubeconfigSource { file: Some(file) }.management(None).await.unwrap();
    std::fs::write(&revoked, "").unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), wire.get::<Value>("/x")).await;
    let words = read.unwrap().unwrap_err().to_string();
    assert!(words.contains("failed: exit status: 4") && !words.contains(SECRET), "{words}");
}
