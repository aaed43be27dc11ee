//! The programs the lab runs, and where they are once installed.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cache;
use crate::install::Tool;

/// Paths of everything the lab needs.
#[derive(Debug, Clone)]
pub struct Tools {
    /// etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl in one.
    pub control_plane: PathBuf,
    /// KWOK, which plays kubelets.
    pub kwok: PathBuf,
    /// The stages that nodes and pods pass under KWOK.
    pub kwok_stages: PathBuf,
    /// Karpenter with its KWOK provider.
    pub karpenter: PathBuf,
    /// Karpenter's custom resources, one file.
    pub karpenter_crds: PathBuf,
    /// fakecloud, which speaks AWS's protocols.
    pub fakecloud: PathBuf,
    /// The Python that has moto.
    pub moto_python: PathBuf,
}

impl Tools {
    /// The tools in the cache folder. Fails if one of `needed` is not installed, and says how to.
    pub fn installed(needed: &[Tool]) -> Result<Self> {
        let folder = folder()?;
        for tool in needed {
            if !tool.folder(&folder).exists() {
                bail!("{} is not installed: run `cargo xtask tools`", tool.name());
            }
        }
        Ok(Self::below(&folder))
    }

    /// Where they are below the folder of all tools.
    pub(crate) fn below(folder: &Path) -> Self {
        let file = |tool: Tool, name: &str| tool.folder(folder).join(name);
        Self {
            control_plane: file(Tool::ControlPlane, "controlplane"),
            kwok: file(Tool::Kwok, "kwok"),
            kwok_stages: file(Tool::Kwok, "stages.yaml"),
            karpenter: file(Tool::Karpenter, "karpenter"),
            karpenter_crds: file(Tool::Karpenter, "crds.yaml"),
            fakecloud: file(Tool::Fakecloud, "fakecloud"),
            moto_python: file(Tool::Moto, "venv/bin/python"),
        }
    }
}

/// The folder of all tools, inside the cache folder.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(cache::folder()?.join("tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_has_a_folder_of_its_own_named_by_version() {
        let tools = Tools::below(Path::new("/t"));
        assert_ne!(tools.kwok.parent(), tools.karpenter.parent());
        assert_eq!(tools.kwok.parent(), tools.kwok_stages.parent());
        let folder = tools.karpenter.parent().unwrap().to_string_lossy().into_owned();
        assert!(folder.starts_with("/t/karpenter-v"), "{folder}");
    }
}
