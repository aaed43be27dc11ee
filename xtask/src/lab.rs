//! `cargo xtask lab up|down|status` and `cargo xtask tools`: the lab by hand.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bowline_lab::wait::{Look, until};
use bowline_lab::{
    ClusterState, Lab, LabOptions, Record, State, Tools, cache, install, memory_mib,
};

/// Longest time for killed processes to be gone.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Installs the tools that are missing.
pub(crate) fn tools() -> Result<()> {
    install(&|line| eprintln!("tools: {line}"))?;
    eprintln!("tools: all installed below {}", cache::folder()?.join("tools").display());
    Ok(())
}

/// Starts the lab, leaves it running, and prints what to export.
pub(crate) fn up() -> Result<()> {
    let folder = folder()?;
    if State::load(&folder)?.is_some_and(|state| state.processes().any(Record::runs)) {
        bail!("the lab is up; see `cargo xtask lab status`, or end it with `cargo xtask lab down`");
    }
    remove(&folder)?;
    tools()?;
    eprintln!("lab: starting three clusters");
    let began = Instant::now();
    let lab = Lab::start(LabOptions { folder: Some(folder), ..LabOptions::default() })?;
    let state = lab.detach()?;
    eprintln!("lab: ready in {:.1} s; try the binary with", began.elapsed().as_secs_f32());
    print!("{}", exports(&state));
    Ok(())
}

/// What a shell evaluates to reach the clusters.
fn exports(state: &State) -> String {
    let line = |c: &ClusterState| {
        format!("export BOWLINE_LAB_{}={}\n", c.name.to_uppercase(), c.kubeconfig.display())
    };
    let first = state.clusters.first();
    let current = first.map(|c| format!("export KUBECONFIG={}\n", c.kubeconfig.display()));
    state.clusters.iter().map(line).chain(current).collect()
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
    let tools = Tools::installed()?;
    for cluster in &state.clusters {
        match cluster.ready(&tools) {
            Ok(()) => println!("{}: ready", cluster.name),
            Err(error) => println!("{}: not ready: {error:#}", cluster.name),
        }
    }
    Ok(())
}

fn table(state: &State) -> String {
    let mut text =
        format!("{:<12} {:<24} {:>8} {:>6}  STATE\n", "CLUSTER", "PROCESS", "PID", "MIB");
    let mut total = 0;
    for cluster in &state.clusters {
        for process in &cluster.processes {
            let memory = if process.runs() { memory_mib(process.pid) } else { 0 };
            total += memory;
            text.push_str(&format!(
                "{:<12} {:<24} {:>8} {:>6}  {}\n",
                cluster.name,
                process.name,
                process.pid,
                memory,
                process.condition()
            ));
        }
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

    fn state() -> State {
        let gone = Record { name: "etcd".into(), pid: 4_194_304, start: 1, log: "x".into() };
        let cluster = |name: &str, processes: &[Record]| ClusterState {
            name: name.into(),
            kubeconfig: format!("/lab/{name}/admin.kubeconfig").into(),
            processes: processes.to_vec(),
        };
        State { clusters: vec![cluster("management", &[gone]), cluster("home", &[])] }
    }

    #[test]
    fn exports_name_each_cluster_and_make_the_first_current() {
        let text = exports(&state());
        let expected = "export BOWLINE_LAB_MANAGEMENT=/lab/management/admin.kubeconfig\n\
                        export BOWLINE_LAB_HOME=/lab/home/admin.kubeconfig\n\
                        export KUBECONFIG=/lab/management/admin.kubeconfig\n";
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
