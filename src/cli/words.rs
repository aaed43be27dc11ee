//! How times and shares are written for people.

use bowline_core::model::Span;

/// How long something took: `850 ms`, `12.4 s`, `6m05s`, `2h03m`.
#[must_use]
pub fn lasts(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{}h{:02}m", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// When something was, counted from the start: `0:06:05`.
#[must_use]
pub fn stamp(since: Span) -> String {
    let secs = since.as_secs();
    format!("{}:{:02}:{:02}", secs / 3_600, secs / 60 % 60, secs % 60)
}

/// Thousandths as percent: `37 %`. Neither a few nor almost all are rounded to none or all.
#[must_use]
pub fn percent(permille: u32) -> String {
    match permille {
        0 => "0 %".into(),
        1..10 => "<1 %".into(),
        991..1_000 => ">99 %".into(),
        _ => format!("{} %", permille / 10),
    }
}

/// A count with its noun: `1 step`, `2 steps`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_written_as_exactly_as_it_matters() {
        let texts = [850, 12_499, 365_000, 7_380_000].map(lasts);
        assert_eq!(texts, ["850 ms", "12.4 s", "6m05s", "2h03m"]);
    }

    #[test]
    fn a_stamp_counts_from_the_start() {
        assert_eq!(stamp(Span::secs(9_065)), "2:31:05");
    }

    #[test]
    fn a_few_are_not_none_and_almost_all_are_not_all() {
        let texts = [0, 4, 370, 998, 1_000].map(percent);
        assert_eq!(texts, ["0 %", "<1 %", "37 %", ">99 %", "100 %"]);
    }
}
