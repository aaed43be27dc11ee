//! Clients that a kubeconfig's plugin makes slowly, not at all, or in time.

use std::path::{Path, PathBuf};

use super::*;

/// A kubeconfig whose plugin says that it was run, and then does this.
fn kubeconfig(folder: &Path, then: &str) -> PathBuf {
    let script = format!("echo run >> {}; {then}", folder.join("runs").display());
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", script],
        "interactiveMode": "Never",
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": exec}}],
        "contexts": [{"name": "site", "context": {"cluster": "c", "user": "u"}}],
    });
    let file = folder.join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

/// Clusters whose plugin does this, in a folder that counts its runs.
fn clusters(then: &str) -> (tempfile::TempDir, Clusters, Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(kubeconfig(folder.path(), then));
    let clusters = Clusters::new(KubeconfigSource { file }, None);
    (folder, clusters, Cluster::Context("site".into()))
}

fn runs(folder: &tempfile::TempDir) -> usize {
    std::fs::read_to_string(folder.path().join("runs")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_plugin_that_hangs_holds_nobody_up_and_is_run_once_at_a_time() {
    let (folder, clusters, site) = clusters("sleep 2; exit 1");
    let began = Instant::now();
    for _ in 0..3 {
        let given_up = timeout(Duration::from_millis(200), clusters.wire(&site)).await;
        assert!(given_up.is_err(), "it hangs");
    }
    assert!(began.elapsed() < Duration::from_millis(1800), "{:?}", began.elapsed());
    let failed = clusters.wire(&site).await.err().unwrap();
    assert_eq!(clusters.wire(&site).await.err(), Some(failed), "told again for a while");
    assert_eq!(runs(&folder), 1);
    let ended = clusters.turn(&site);
    ended.lock().await.as_mut().unwrap().until = Some(Instant::now());
    assert!(clusters.wire(&site).await.is_err());
    assert_eq!(runs(&folder), 2, "tried again after it");
}

#[tokio::test]
async fn a_client_is_kept_and_still_used_while_it_is_made_anew() {
    let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": "t"}}"#;
    let then = format!("sleep 0.2; echo '{answer}'");
    // One client may take more than one run.
    let (folder, other, site) = clusters(&then);
    assert!(other.wire(&site).await.is_ok());
    let once = runs(&folder);
    let (folder, clusters, site) = clusters(&then);
    let given_up = timeout(Duration::from_millis(50), clusters.wire(&site)).await;
    assert!(given_up.is_err(), "it takes longer");
    assert!(clusters.wire(&site).await.is_ok() && clusters.wire(&site).await.is_ok());
    assert_eq!(runs(&folder), once, "what the first call began was not lost with it");
    kubeconfig(folder.path(), "sleep 1; exit 1");
    lock(&clusters.known).get_mut(&site).unwrap().stale_at = Some(Instant::now());
    for _ in 0..3 {
        let old = timeout(Duration::from_millis(200), clusters.wire(&site)).await;
        assert!(old.is_ok_and(|old| old.is_ok()), "the old one works");
    }
    lock(&clusters.known).get_mut(&site).unwrap().dead_at = Some(Instant::now());
    assert!(clusters.wire(&site).await.is_err(), "nothing works any more");
    assert_eq!(runs(&folder), once + 1);
}
