//! `bowline check`: whether a group has what a failover needs, all of it at once. Changes nothing.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bowline_core::model::{Claim, GroupName, Site};
use bowline_core::node::{Finding, Verdict, extra_findings, extras};
use bowline_core::op::Fault;
use bowline_core::policy::Policy;
use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::paint::{Paint, Tone};
use super::reading::{self, Output};
use super::target::StoreArgs;
use super::words::counted;
use crate::edges::Edges;
use crate::service::{self, Looker};

/// How long everything may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the question to a cluster may take.
const ASK: Duration = Duration::from_secs(8);

/// `bowline check`.
#[derive(Args, Clone, Debug)]
#[command(long_about = "\
Look at everything a failover needs, and tell all that is not as it should be, with what to do.
Changes nothing.

Exit codes: 0 nothing failed (there may be warnings); 1 something failed or did not answer; 2 wrong
usage.")]
pub struct CheckArgs {
    /// The group; absent: all.
    pub group: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What was found of a group.
#[derive(Clone, Debug, Serialize)]
struct Checked {
    group: GroupName,
    passed: bool,
    findings: Vec<Finding>,
}

/// Runs `bowline check`.
///
/// # Errors
/// A store or a policy that cannot be read, a group that is not there.
pub fn run(args: &CheckArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    let checked = reading::block_on(async {
        let (options, store) = reading::open(&args.store).await?;
        let policies = reading::policies(&options, &store).await?;
        let policies = reading::named(policies, args.group.as_deref())?;
        let edges = Arc::new(service::edges(&options).await?);
        let mut checked = Vec::new();
        for policy in policies {
            let group = policy.group.clone();
            let findings = examine(Arc::clone(&edges), policy).await;
            checked.push(Checked { group, passed: passed(&findings), findings });
        }
        Ok(checked)
    })?;
    match args.output {
        Output::Json => reading::document(&checked, out)?,
        Output::Text => {
            for one in &checked {
                write!(out, "{}", text(one, paint))?;
            }
        }
    }
    let passed = checked.iter().all(|one| one.passed);
    Ok(if passed { Exit::Done } else { Exit::Failed })
}

/// Looks at everything that a group's failover needs; `arm` shows it before it is confirmed.
pub async fn examine(edges: Arc<Edges>, policy: Policy) -> Vec<Finding> {
    let group = policy.group.clone();
    let mut looker = Looker::new(Arc::clone(&edges) as _, vec![policy.clone()]);
    looker.look(&group, PATIENCE).await;
    let mut findings = looker.node().check(&group);
    let standing = looker.node().ledger(&group).and_then(|ledger| ledger.claim.clone());
    let ours = |claim: &Claim| standing.as_ref().is_some_and(|own| !own.yields_to(claim));
    let more = extras(&policy, &looker.node().apexes(&group));
    let ops = more.iter().map(|(_, op)| op.clone()).collect();
    for ((extra, _), (_, answer)) in more.iter().zip(looker.ask(ops).await) {
        findings.push(extra_findings(&policy, extra, &answer, ours));
    }
    for site in Site::BOTH {
        findings.push(fence_right(&edges, &policy, site).await);
    }
    findings
}

/// Whether nothing failed, and everything answered.
#[must_use]
pub fn passed(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.verdict <= Verdict::Warning)
}

/// Whether Bowline may write its fence in a site's cluster.
async fn fence_right(edges: &Edges, policy: &Policy, site: Site) -> Finding {
    let about = format!("{site}: fence in namespace bowline");
    let asked = edges.could_claim(&policy.site(site).cluster, &policy.group);
    let answer = tokio::time::timeout(ASK, asked).await;
    let remedy = "apply what `bowline crd --site` prints, and bind bowline-fence to Bowline there";
    match answer.unwrap_or_else(|_| Err(Fault::Transient("no answer in time".into()))) {
        Ok(()) => Finding::ok(about, "the namespace is there, and Bowline may write in it"),
        Err(Fault::NotFound(_)) => {
            Finding::bad(Verdict::Failed, about, "there is no namespace bowline", remedy)
        }
        Err(fault @ Fault::Denied(_)) => {
            Finding::bad(Verdict::Failed, about, fault.to_string(), remedy)
        }
        Err(fault) => Finding::bad(Verdict::Unknown, about, fault.to_string(), remedy),
    }
}

fn text(checked: &Checked, paint: Paint) -> String {
    let count = |verdict| checked.findings.iter().filter(|f| f.verdict == verdict).count();
    let mut title = format!("{}: {} ok", checked.group, count(Verdict::Ok));
    for (verdict, word) in [
        (Verdict::Warning, "warning"),
        (Verdict::Unknown, "unanswered look"),
        (Verdict::Failed, "failure"),
    ] {
        if count(verdict) > 0 {
            title.push_str(&format!(", {}", counted(count(verdict), word)));
        }
    }
    let mut out = paint.text(Tone::Strong, &title) + "\n";
    for finding in &checked.findings {
        let (word, tone) = match finding.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Warning => ("warning", Tone::Unsure),
            Verdict::Unknown => ("unknown", Tone::Unsure),
            Verdict::Failed => ("failed", Tone::Bad),
        };
        let word = paint.text(tone, &format!("{word:<8}"));
        out.push_str(&format!("  {word} {}: {}\n", finding.about, finding.found));
        if let Some(remedy) = &finding.remedy {
            out.push_str(&format!("           → {remedy}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_line_by_line_with_what_to_do() {
        let findings = vec![
            Finding::ok("zone Z1", "example.com, 4 name servers"),
            Finding::bad(Verdict::Failed, "NodePool dr", "there is none", "create it"),
            Finding::bad(Verdict::Unknown, "cluster x", "no answer in time", "it must answer"),
        ];
        let passed = passed(&findings);
        let checked = Checked { group: "shop".into(), passed, findings };
        assert!(!passed);
        let golden = "\
shop: 1 ok, 1 unanswered look, 1 failure
  ok       zone Z1: example.com, 4 name servers
  failed   NodePool dr: there is none
           → create it
  unknown  cluster x: no answer in time
           → it must answer
";
        assert_eq!(text(&checked, Paint::OFF), golden);
    }

    #[test]
    fn a_warning_alone_does_not_fail_a_check() {
        let warning = Finding::bad(Verdict::Warning, "facts", "none recorded", "run a controller");
        assert!(super::passed(&[Finding::ok("a", "b"), warning]));
    }
}
