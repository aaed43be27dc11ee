//! `cargo xtask lab up --story`: the stage on which the whole story can be played by hand.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use bowline_lab::{Lab, Stage, StageOptions, build, command};

/// Longest time for `bowline crd`.
const PRINT_LIMIT: Duration = Duration::from_secs(30);

/// Sets the stage and puts the policy in force; gives what to export and to try.
pub(crate) fn set(lab: &mut Lab) -> Result<String> {
    let tell = |line: &str| eprintln!("lab: {line}");
    let bowline = build("bowline", "cli", &tell)?;
    let site = printed(&bowline, &["crd", "--site"])?;
    let manifests = [
        ("management".to_owned(), printed(&bowline, &["crd"])?),
        ("home".to_owned(), site.clone()),
        ("standby".to_owned(), site),
    ];
    let options = StageOptions { application: true, manifests: manifests.into() };
    let stage = lab.set_stage(&options, &tell)?;
    let told = instructions(stage, &bowline);
    lab.put_policy_in_force()?;
    Ok(told)
}

fn printed(bowline: &Path, arguments: &[&str]) -> Result<String> {
    command::stdout(Command::new(bowline).args(arguments), PRINT_LIMIT)
}

fn instructions(stage: &Stage, bowline: &Path) -> String {
    let (places, mut text) = (stage.places(), String::new());
    let path = |path: &Path| path.display().to_string();
    let endpoints = path(&stage.endpoints_file());
    let reaches = |user: &str| {
        format!("--kubeconfig {} --context management", path(&stage.kubeconfig_file(user)))
    };
    let exports = [
        ("BOWLINE", path(bowline)),
        ("DOUBLES", path(stage.program())),
        ("POLICY", path(&stage.policy_file())),
        ("AS_OPERATOR", reaches("operator")),
        ("AS_APPROVER", reaches("approver")),
        ("AS_CONTROLLER", format!("{} --endpoints {endpoints}", reaches("bowline"))),
        ("BOWLINE_LAB_DNS", places.dns.to_string()),
        ("BOWLINE_LAB_DATA", format!("http://{}", places.data)),
    ];
    for (name, value) in exports {
        // Writing to a string cannot fail.
        let _ok = writeln!(text, "export {name}='{value}'");
    }
    text + &TRY.replace("{port}", &places.port.to_string()).replace("{url}", &stage.url())
}

/// What can be tried then, as comments so that a shell may evaluate all of it.
const TRY: &str = r#"
# Two replicas, each in a terminal of its own:
#   $BOWLINE run $AS_CONTROLLER --name a --listen 127.0.0.1:18081
#   $BOWLINE run $AS_CONTROLLER --name b --listen 127.0.0.1:18082
# Home's Region dies as a whole, and comes back; Bowline alone is cut off from it, and is not:
#   cargo xtask lab freeze home; cargo xtask lab thaw home
#   cargo xtask lab cut home; cargo xtask lab heal home
# Arm the group, and look at it:
#   $BOWLINE arm shop --yes $AS_OPERATOR
#   $BOWLINE status $AS_OPERATOR
# What everybody is answered, and who serves:
#   $DOUBLES ask --server $BOWLINE_LAB_DNS shop.example.com
#   curl -si --resolve shop.example.com:{port}:ADDRESS {url}/
# Who writes, and what RDS was asked for:
#   curl -s $BOWLINE_LAB_DATA/members; curl -s $BOWLINE_LAB_DATA/log
# The standby's pods and nodes:
#   kubectl --kubeconfig $BOWLINE_LAB_STANDBY get pods -n shop
#   kubectl --kubeconfig $BOWLINE_LAB_STANDBY get nodes,nodepools
"#;
