//! What every double does alike: it runs until SIGTERM or until it fails, reads its configuration
//! from a file, and tells what it does on standard error.

use std::future::Future;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};

/// Runs `work` until it ends or SIGTERM comes, whichever is first. Two threads do for a double.
pub(crate) fn run(name: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(async {
        let mut ended = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
        tokio::select! {
            result = work => result.with_context(|| name.to_owned()),
            _ = ended.recv() => {
                tell(name, "SIGTERM: ends");
                Ok(())
            }
        }
    })
}

/// One line on standard error.
pub(crate) fn tell(name: &str, text: impl std::fmt::Display) {
    eprintln!("{name}: {text}");
}

/// Reads a configuration, JSON. Fails with the file's name and, if it is not what is asked for,
/// the place in it.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_cannot_be_read_is_named_with_its_place() {
        let path = std::env::temp_dir().join(format!("bowline-doubles-{}", std::process::id()));
        let missing = format!("{:#}", read::<u8>(&path).unwrap_err());
        assert!(missing.contains("bowline-doubles"), "{missing}");
        std::fs::write(&path, "{\n\"a\": }").unwrap();
        let wrong = format!("{:#}", read::<serde_json::Value>(&path).unwrap_err());
        assert!(wrong.contains("line 2"), "{wrong}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_double_ends_with_the_error_of_its_work() {
        let failed = run("forward", async { anyhow::bail!("port taken") }).unwrap_err();
        assert_eq!(format!("{failed:#}"), "forward: port taken");
    }
}
