//! `cargo xtask lab up|down|status` and `cargo xtask tools`: the lab by hand.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bowline_lab::wait::{Look, until};
use bowline_lab::{Lab, LabOptions, Record, State, Tool, Tools, cache, install, memory_mib};

use crate::story;

/// Longest time for killed processes to be gone.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Installs the tools that are missing.
pub(crate) fn tools() -> Result<()> {
    install(&|line| eprintln!("tools: {line}"))?;
    eprintln!("tools: all installed below {}", cache::folder()?.join("tools").display());
    Ok(())
}

/// How much of the lab is started.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// Clusters and AWS.
    Bare,
    /// The stage, too.
    Story,
}

/// Starts the lab, leaves it running, and prints what to export and, for a story, what to try.
pub(crate) fn up(extent: Extent) -> Result<()> {
    let folder = folder()?;
    if State::load(&folder)?.is_some_and(|state| state.processes().any(Record::runs)) {
        bail!("the lab is up; see `cargo xtask lab status`, or end it with `cargo xtask lab down`");
    }
    remove(&folder)?;
    tools()?;
    eprintln!("lab: starting three clusters and three Regions of AWS");
    let began = Instant::now();
    let mut lab = Lab::start(LabOptions { folder: Some(folder), ..LabOptions::default() })?;
    let told = if extent == Extent::Story { story::set(&mut lab)? } else { String::new() };
    let state = lab.detach()?;
    eprintln!("lab: ready in {:.1} s; try the binary with", began.elapsed().as_secs_f32());
    print!("{}{told}", exports(&state));
    Ok(())
}

/// What a shell evaluates to reach the clusters and each Region's AWS.
fn exports(state: &State) -> String {
    let export = |name: String, value: String| format!("export {name}={value}\n");
    let clusters = state.clusters.iter().map(|c| {
        (format!("BOWLINE_LAB_{}", c.name.to_uppercase()), c.kubeconfig.display().to_string())
    });
    let clouds = state
        .clouds
        .iter()
        .map(|c| (format!("BOWLINE_LAB_AWS_{}", c.name.to_uppercase()), c.endpoint.clone()));
    let current = state.clusters.first().map(|c| c.kubeconfig.display().to_string());
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|k| (k.into(), "test".into()));
    let rest = current.map(|path| ("KUBECONFIG".to_owned(), path)).into_iter().chain(keys);
    clusters.chain(clouds).chain(rest).map(|(name, value)| export(name, value)).collect()
}

/// What can be done to a site of a lab that is up.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Trouble {
    /// Its Region dies as a whole.
    Freeze,
    /// It comes back.
    Thaw,
    /// Bowline alone is cut off from it.
    Cut,
    /// Bowline reaches it again.
    Heal,
}

/// Does something to a site.
pub(crate) fn trouble(trouble: Trouble, site: &str) -> Result<()> {
    let state = State::load(&folder()?)?.context("the lab is not up: `cargo xtask lab up`")?;
    match trouble {
        Trouble::Freeze => state.freeze(site),
        Trouble::Thaw => state.thaw(site),
        Trouble::Cut => state.cut(site, true),
        Trouble::Heal => state.cut(site, false),
    }
}

/// Ends every process of the lab that `up` left, and removes its files.
pub(crate) fn down() -> Result<()> {
    let folder = folder()?;
    let Some(state) = State::load(&folder)? else {
        eprintln!("lab: it is not up");
        return Ok(());
    };
    let killed = state.kill()?;
    until("the end of all processes", END_LIMIT, || {
        let left: Vec<_> = state.processes().filter(|p| p.runs()).map(|p| &*p.name).collect();
        Ok(if left.is_empty() { Look::There(()) } else { Look::NotYet(left.join(", ")) })
    })?;
    remove(&folder)?;
    eprintln!("lab: ended {killed} processes");
    Ok(())
}

/// Prints each process of the lab with its state and memory, and each cluster's readiness.
pub(crate) fn status() -> Result<()> {
    let Some(state) = State::load(&folder()?)? else {
        println!("the lab is not up: `cargo xtask lab up`");
        return Ok(());
    };
    print!("{}", table(&state));
    let tools = Tools::installed(&[Tool::ControlPlane])?;
    for cluster in &state.clusters {
        match cluster.ready(&tools) {
            Ok(()) => println!("{}: ready", cluster.name),
            Err(error) => println!("{}: not ready: {error:#}", cluster.name),
        }
    }
    Ok(())
}

fn table(state: &State) -> String {
    let mut text = format!("{:<18} {:<24} {:>8} {:>6}  STATE\n", "PLACE", "PROCESS", "PID", "MIB");
    let of_clusters =
        state.clusters.iter().flat_map(|c| c.processes.iter().map(move |p| (&c.name, p)));
    let of_clouds = state.clouds.iter().map(|c| (&c.name, &c.process));
    let of_stage = state.doubles.iter().map(|d| (&d.place, &d.process));
    let mut total = 0;
    for (place, process) in of_clusters.chain(of_clouds).chain(of_stage) {
        let memory = if process.runs() { memory_mib(process.pid) } else { 0 };
        total += memory;
        let (name, pid, condition) = (&process.name, process.pid, process.condition());
        text.push_str(&format!("{place:<18} {name:<24} {pid:>8} {memory:>6}  {condition}\n"));
    }
    text + &format!("{total} MiB in all\n")
}

fn folder() -> Result<PathBuf> {
    Ok(cache::folder()?.join("lab"))
}

fn remove(folder: &PathBuf) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("folder {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_lab::{CloudState, ClusterState};

    fn state() -> State {
        let gone = Record { name: "etcd".into(), pid: 4_194_304, start: 1, log: "x".into() };
        let cluster = |name: &str, processes: &[Record]| ClusterState {
            name: name.into(),
            kubeconfig: format!("/lab/{name}/admin.kubeconfig").into(),
            processes: processes.to_vec(),
        };
        let cloud = CloudState {
            name: "global".into(),
            region: "us-east-1".into(),
            endpoint: "http://127.0.0.1:7".into(),
            process: gone.clone(),
        };
        let clusters = vec![cluster("management", &[gone]), cluster("home", &[])];
        State { clusters, clouds: vec![cloud], doubles: Vec::new(), data: None }
    }

    #[test]
    fn exports_name_each_place_and_make_the_first_cluster_current() {
        let text = exports(&state());
        let expected = "export BOWLINE_LAB_MANAGEMENT=/lab/management/admin.kubeconfig\n\
                        export BOWLINE_LAB_HOME=/lab/home/admin.kubeconfig\n\
                        export BOWLINE_LAB_AWS_GLOBAL=http://127.0.0.1:7\n\
                        export KUBECONFIG=/lab/management/admin.kubeconfig\n\
                        export AWS_ACCESS_KEY_ID=test\n\
                        export AWS_SECRET_ACCESS_KEY=test\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_table_tells_what_is_gone() {
        let text = table(&state());
        let line = text.lines().nth(1).unwrap_or_default();
        assert!(line.starts_with("management") && line.ends_with("gone"), "{text}");
        assert!(text.ends_with("0 MiB in all\n"), "{text}");
    }
}
