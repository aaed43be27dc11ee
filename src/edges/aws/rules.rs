//! Which target groups a load balancer's rules send a name's requests to.
//!
//! Rules are tried by priority; the first whose conditions all hold takes the request. A rule that
//! asks for more than the host (a path, a header …) takes some of the host's requests: its groups
//! count, and the later rules' too. One that asks for the host alone takes them all: what comes
//! after it, the default rule included, is never reached.

use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, Rule, RuleCondition};

use bowline_core::model::{Host, TargetGroupArn};

/// How much of something a pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Takes {
    Nothing,
    Some,
    All,
}

/// The target groups that requests for a host may reach, in the order of the rules.
pub(super) fn reached(rules: &[Rule], host: &Host) -> Vec<TargetGroupArn> {
    let mut ordered: Vec<&Rule> = rules.iter().collect();
    ordered.sort_by_key(|rule| priority(rule));
    let mut found = Vec::new();
    for rule in ordered {
        let takes = takes(rule, host);
        if takes > Takes::Nothing {
            found.extend(forwarded(rule.actions()));
        }
        if takes == Takes::All {
            break;
        }
    }
    found
}

/// The default rule's priority is the word `default`: last.
fn priority(rule: &Rule) -> u32 {
    rule.priority().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
}

fn takes(rule: &Rule, host: &Host) -> Takes {
    rule.conditions().iter().map(|one| condition(one, host)).min().unwrap_or(Takes::All)
}

fn condition(condition: &RuleCondition, host: &Host) -> Takes {
    match condition.field() {
        Some("host-header") => {
            let config = condition.host_header_config();
            let values = config.map_or(condition.values(), |config| config.values());
            let best = values.iter().map(|value| pattern(value, host)).max();
            let best = best.unwrap_or(Takes::Nothing);
            // A regular expression is not read; it may take the host.
            let regex = config.map_or(condition.regex_values(), |config| config.regex_values());
            if regex.is_empty() { best } else { best.max(Takes::Some) }
        }
        Some("path-pattern") => {
            let config = condition.path_pattern_config();
            let values = config.map_or(condition.values(), |config| config.values());
            let every = values.iter().any(|value| matches!(value.as_str(), "*" | "/*"));
            if every { Takes::All } else { Takes::Some }
        }
        _ => Takes::Some,
    }
}

/// The groups that an action forwards to; one of weight 0 gets nothing.
pub(super) fn forwarded(actions: &[Action]) -> Vec<TargetGroupArn> {
    let forwards = actions.iter().filter(|a| a.r#type() == Some(&ActionTypeEnum::Forward));
    let mut found = Vec::new();
    for action in forwards {
        let groups = action.forward_config().map(|config| config.target_groups());
        let weighted = groups.unwrap_or_default().iter().filter(|one| one.weight() != Some(0));
        let arns = weighted.filter_map(|one| one.target_group_arn());
        let before = found.len();
        found.extend(arns.map(TargetGroupArn::from));
        if groups.is_none_or(<[_]>::is_empty) && found.len() == before {
            found.extend(action.target_group_arn().map(TargetGroupArn::from));
        }
    }
    found
}

/// How much of a name a host pattern takes. A name may be a wildcard itself (`*.example.com`): then
/// a pattern may take some of the hosts that it stands for.
fn pattern(pattern: &str, host: &Host) -> Takes {
    let pattern = pattern.to_ascii_lowercase();
    let (pattern, host) = (pattern.as_bytes(), host.as_str().as_bytes());
    if covers(pattern, host) {
        Takes::All
    } else if host.contains(&b'*') && overlap(pattern, host) {
        Takes::Some
    } else {
        Takes::Nothing
    }
}

/// Whether a pattern matches a text. A `*` in the text stands for any text, so only a `*` of the
/// pattern matches it.
fn covers(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for byte in pattern {
        if *byte == b'*' {
            let first = reached.iter().position(|here| *here).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        for at in (0..text.len()).rev() {
            let same = text[at] == *byte || (*byte == b'?' && text[at] != b'*');
            reached[at + 1] = reached[at] && same;
        }
        reached[0] = false;
    }
    reached[text.len()]
}

/// Whether there is a text that both patterns match.
fn overlap(left: &[u8], right: &[u8]) -> bool {
    let width = right.len() + 1;
    let mut reached = vec![false; (left.len() + 1) * width];
    reached[0] = true;
    for (i, j) in (0..=left.len()).flat_map(|i| (0..=right.len()).map(move |j| (i, j))) {
        if !reached[i * width + j] {
            continue;
        }
        let (a, b) = (left.get(i), right.get(j));
        let down = a == Some(&b'*') || (b == Some(&b'*') && a.is_some());
        let across = b == Some(&b'*') || (a == Some(&b'*') && b.is_some());
        let either = |x: &u8, y: &u8| x == y || *x == b'?' || *y == b'?';
        let both = a.zip(b).is_some_and(|(x, y)| either(x, y));
        for (moves, to) in [(down, (i + 1, j)), (across, (i, j + 1)), (both, (i + 1, j + 1))] {
            if moves {
                reached[to.0 * width + to.1] = true;
            }
        }
    }
    reached[left.len() * width + right.len()]
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
