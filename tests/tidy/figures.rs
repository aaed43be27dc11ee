//! Figures in the documentation that the code knows better.

use std::collections::BTreeMap;

use bowline_core::bugs::Bug;

use crate::source::Finding;

/// Where `docs/proof.md` counts other deliberate bugs than there are.
pub(crate) fn deliberate_bugs(text: &str) -> Vec<Finding> {
    let all = Bug::ALL.len();
    let mut wanted = vec![format!("builds {all} mistakes"), format!("{all} of {all} were caught")];
    wanted.retain(|words| !text.contains(words));
    let finding = |text: String| Finding { place: "docs/proof.md".into(), text };
    let mut findings: Vec<_> =
        wanted.iter().map(|words| finding(format!("does not say `{words}`"))).collect();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    Bug::ALL.iter().for_each(|bug| *counted.entry(bug.promise()).or_default() += 1);
    let told = by_promise(text);
    if told != counted {
        findings.push(finding(format!("tells of {told:?}; there are {counted:?}")));
    }
    findings
}

/// Where a text has a figure that was to be filled in, `@@` and a name.
pub(crate) fn left_open(text: &str) -> Vec<Finding> {
    let open = text.lines().zip(1..).filter(|(line, _)| line.contains("@@"));
    let finding = |(line, number): (&str, usize)| Finding {
        place: format!("docs/proof.md:{number}"),
        text: format!("fill it in: {line}"),
    };
    open.map(finding).collect()
}

/// The second column of the table whose first begins with a promise's name.
fn by_promise<'a>(text: &'a str) -> BTreeMap<&'a str, usize> {
    let rows = text.lines().filter(|line| line.starts_with("| S") || line.starts_with("| L"));
    let row = |line: &'a str| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let promise = cells.next()?.split(' ').next()?;
        Some((promise, cells.next()?.parse().ok()?))
    };
    rows.filter_map(row).collect()
}
