//! Installs the lab's tools into the cache folder: each once per version, whole or not at all.
//!
//! A tool is made in a folder beside its place and renamed when it is complete; a lock keeps two
//! runs from doing so at the same time.

mod go;
mod python;
mod recipes;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::command;
use crate::tools::{self, Tools};
use go::Go;

/// Longest time that one tool may take, on a busy machine.
const BUILD_LIMIT: Duration = Duration::from_secs(50 * 60);

/// A tool that is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The control plane's binary, from `lab/controlplane`.
    ControlPlane,
    /// KWOK and its stages.
    Kwok,
    /// Karpenter with the KWOK provider, and its custom resources.
    Karpenter,
    /// fakecloud, which speaks AWS's protocols. It is run as a program and never linked: its
    /// licence is the AGPL.
    Fakecloud,
    /// moto, for the shape of RDS, CloudWatch, STS and EKS.
    Moto,
}

impl Tool {
    /// Every tool, in the order in which they are installed.
    pub const ALL: &[Self] =
        &[Self::ControlPlane, Self::Kwok, Self::Karpenter, Self::Fakecloud, Self::Moto];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "controlplane",
            Self::Kwok => "kwok",
            Self::Karpenter => "karpenter",
            Self::Fakecloud => "fakecloud",
            Self::Moto => "moto",
        }
    }

    /// What it is made from: a release, or for our own source that with the source's hash.
    pub fn version(self) -> String {
        match self {
            Self::ControlPlane => format!("{}-{}", recipes::KUBERNETES, source_hash()),
            Self::Kwok => recipes::KWOK.to_owned(),
            Self::Karpenter => recipes::KARPENTER.to_owned(),
            Self::Fakecloud => format!("v{}", recipes::FAKECLOUD),
            Self::Moto => format!("v{}", recipes::MOTO),
        }
    }

    pub(crate) fn folder(self, all: &Path) -> PathBuf {
        all.join(format!("{}-{}", self.name(), self.version()))
    }

    fn build(self, folder: &Path, into: &Path, progress: Progress<'_>) -> Result<()> {
        match self {
            Self::ControlPlane => recipes::control_plane(&Go::find(folder, progress)?, into),
            Self::Kwok => recipes::kwok(&Go::find(folder, progress)?, into),
            Self::Karpenter => recipes::karpenter(&Go::find(folder, progress)?, into),
            Self::Fakecloud => recipes::fakecloud(into, progress),
            Self::Moto => recipes::moto(into, progress),
        }
    }
}

/// Is told line by line what is done.
pub type Progress<'a> = &'a dyn Fn(&str);

fn source_hash() -> String {
    let mut hash = Sha256::new();
    for (name, text) in recipes::CONTROL_PLANE_SOURCE {
        hash.update(name);
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..6])
}

/// Installs what is missing; tells `progress` line by line what is done. Fails if there is no Go
/// toolchain to be had, or a tool cannot be built.
pub fn install(progress: Progress<'_>) -> Result<Tools> {
    let folder = tools::folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("folder {}", folder.display()))?;
    let lock = File::create(folder.join("lock"))?;
    if lock.try_lock().is_err() {
        progress("another run installs tools; waiting for it");
        lock.lock()?;
    }
    for tool in Tool::ALL.iter().filter(|tool| !tool.folder(&folder).exists()) {
        install_one(*tool, &folder, progress)?;
    }
    Tools::installed(Tool::ALL)
}

fn install_one(tool: Tool, folder: &Path, progress: Progress<'_>) -> Result<()> {
    let began = Instant::now();
    progress(&format!("building {} {}: takes minutes", tool.name(), tool.version()));
    let built = atomically(&tool.folder(folder), |beside| tool.build(folder, beside, progress));
    built.with_context(|| format!("cannot install {}", tool.name()))?;
    progress(&format!("installed {} in {} s", tool.name(), began.elapsed().as_secs()));
    Ok(())
}

/// Runs a command that takes minutes.
fn build(command: &mut Command, progress: Progress<'_>) -> Result<()> {
    let tell = |passed: Duration| {
        progress(&format!("still building, {} s so far", passed.as_secs()));
    };
    command::run_telling(command, BUILD_LIMIT, &tell)
}

/// Fills a new folder beside `place` and renames it; what an earlier run left there goes first.
fn atomically(place: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let beside = place.with_file_name(format!(
        "building-{}",
        place.file_name().context("a tool's folder has a name")?.to_string_lossy()
    ));
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    fs::create_dir_all(&beside)?;
    fill(&beside)?;
    fs::rename(&beside, place)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_tool_is_there_whole_or_not_at_all() {
        let all = std::env::temp_dir().join(format!("bowline-install-{}", std::process::id()));
        let place = all.join("tool-v1");
        let half = |folder: &Path| {
            fs::write(folder.join("half"), "")?;
            bail!("out of disk")
        };
        assert!(atomically(&place, half).is_err());
        assert!(!place.exists());
        atomically(&place, |folder| Ok(fs::write(folder.join("whole"), "")?)).unwrap();
        assert!(place.join("whole").exists() && !place.join("half").exists());
        fs::remove_dir_all(&all).unwrap();
    }

    #[test]
    fn a_changed_source_is_another_version() {
        let version = Tool::ControlPlane.version();
        assert!(version.starts_with(recipes::KUBERNETES) && version.len() > 18, "{version}");
        assert_eq!(version, Tool::ControlPlane.version());
    }
}
