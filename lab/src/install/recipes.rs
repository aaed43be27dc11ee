//! How each tool is made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::go::Go;
use super::{Progress, build, python};

/// Kubernetes' release; the module in `lab/controlplane` names the same.
pub(super) const KUBERNETES: &str = "v1.36.3";
/// KWOK's release.
pub(super) const KWOK: &str = "v0.8.0";
/// Karpenter's release: v1.14.3 and later ask for a newer Go than most machines have.
pub(super) const KARPENTER: &str = "v1.14.1";
/// fakecloud's release.
pub(super) const FAKECLOUD: &str = "0.51.0";
/// moto's release.
pub(super) const MOTO: &str = "5.2.5";

/// The source of the control plane's binary.
pub(super) const CONTROL_PLANE_SOURCE: &[(&str, &str)] = &[
    ("go.mod", include_str!("../../controlplane/go.mod")),
    ("go.sum", include_str!("../../controlplane/go.sum")),
    ("main.go", include_str!("../../controlplane/main.go")),
    ("keys.go", include_str!("../../controlplane/keys.go")),
    ("reap.go", include_str!("../../controlplane/reap.go")),
];

/// Builds the control plane's binary.
pub(super) fn control_plane(go: &Go<'_>, into: &Path) -> Result<()> {
    let source = into.join("source");
    fs::create_dir_all(&source)?;
    for (name, text) in CONTROL_PLANE_SOURCE {
        fs::write(source.join(name), text)?;
    }
    // Without the version the server calls itself v0.0.0-master.
    let version = format!("k8s.io/component-base/version.gitVersion={KUBERNETES}");
    go.build(&source, &format!("-s -w -X {version}"), &into.join("controlplane"))
}

/// Installs KWOK, and its fast stages as one file.
pub(super) fn kwok(go: &Go<'_>, into: &Path) -> Result<()> {
    go.install(&format!("sigs.k8s.io/kwok/cmd/kwok@{KWOK}"), into)?;
    let module = go.module(&format!("sigs.k8s.io/kwok@{KWOK}"), into)?;
    let stages = ["kustomize/stage/node/fast", "kustomize/stage/pod/fast"];
    let files = stages.iter().map(|folder| manifests(&module.join(folder)));
    let files: Vec<PathBuf> = files.collect::<Result<Vec<_>>>()?.concat();
    join(&files, &into.join("stages.yaml"))
}

/// Installs Karpenter, and its custom resources as one file.
pub(super) fn karpenter(go: &Go<'_>, into: &Path) -> Result<()> {
    go.install(&format!("sigs.k8s.io/karpenter/kwok@{KARPENTER}"), into)?;
    fs::rename(into.join("kwok"), into.join("karpenter"))?;
    let module = go.module(&format!("sigs.k8s.io/karpenter@{KARPENTER}"), into)?;
    let mut files = manifests(&module.join("pkg/apis/crds"))?;
    files.extend(manifests(&module.join("kwok/apis/crds"))?);
    join(&files, &into.join("crds.yaml"))
}

/// Installs fakecloud, not optimised: that takes minutes instead of most of an hour.
pub(super) fn fakecloud(into: &Path, progress: Progress<'_>) -> Result<()> {
    let target = into.join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["install", "fakecloud", "--version", FAKECLOUD, "--locked", "--debug", "--quiet"]);
    cargo.args(["--bin", "fakecloud", "--root"]).arg(into).arg("--target-dir").arg(&target);
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    build(cargo.current_dir(into), progress)?;
    fs::rename(into.join("bin/fakecloud"), into.join("fakecloud"))?;
    fs::remove_dir_all(target)?;
    Ok(())
}

/// Installs moto's server.
pub(super) fn moto(into: &Path, progress: Progress<'_>) -> Result<()> {
    python::install(&format!("moto[server]=={MOTO}"), into, progress)
}

/// The manifests in `folder`, by name; what only ties them together is left out.
fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("folder {}", folder.display()))?;
    let paths = entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    let manifest = |p: &PathBuf| {
        p.extension().is_some_and(|e| e == "yaml") && !p.ends_with("kustomization.yaml")
    };
    let mut found: Vec<_> = paths.into_iter().filter(manifest).collect();
    found.sort();
    Ok(found)
}

fn join(files: &[PathBuf], into: &Path) -> Result<()> {
    let texts = files.iter().map(fs::read_to_string).collect::<std::io::Result<Vec<_>>>()?;
    fs::write(into, texts.join("\n---\n"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_names_the_same_release() {
        let module = CONTROL_PLANE_SOURCE[0].1;
        assert!(module.contains(&format!("k8s.io/kubernetes {KUBERNETES}\n")));
        let staging = KUBERNETES.replacen("v1.", "v0.", 1);
        assert!(module.matches(&format!(" {staging}\n")).count() >= 33);
    }

    #[test]
    fn manifests_are_joined_without_what_ties_them() {
        let folder = std::env::temp_dir().join(format!("bowline-join-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["b.yaml", "a.yaml", "kustomization.yaml", "README.md"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let into = folder.join("all");
        join(&manifests(&folder).unwrap(), &into).unwrap();
        assert_eq!(fs::read_to_string(into).unwrap(), "a.yaml\n---\nb.yaml");
        fs::remove_dir_all(&folder).unwrap();
    }
}
