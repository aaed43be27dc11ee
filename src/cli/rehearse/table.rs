//! A forecast as a table for people.

use std::io::{self, Write};

use super::forecast::{Forecast, Percentiles};
use crate::cli::words::{counted, lasts};

/// How many seeds are named.
const NAMED: usize = 10;

/// Writes a forecast.
pub(super) fn write(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
    let times = counted(forecast.runs, "time");
    writeln!(
        out,
        "{}: {} played {times}, moved {}\n",
        forecast.group, forecast.scenario, forecast.moved
    )?;
    writeln!(out, "{:<30} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p90", "p99", "max")?;
    let outage = &forecast.outage_ms;
    row(out, "RTO", "nothing moved", forecast.rto_ms)?;
    row(out, "RPO", "nothing could be lost", forecast.loss_ms)?;
    row(out, "outage of reads, weighted", "-", outage.reads)?;
    row(out, "outage of writes, weighted", "-", outage.writes)?;
    row(out, "nobody served, longest", "-", outage.longest_total)?;
    phases(forecast, out)?;
    judged(forecast, out)
}

fn row(out: &mut impl Write, name: &str, none: &str, of: Option<Percentiles>) -> io::Result<()> {
    let Some(Percentiles { p50, p90, p99, max }) = of else {
        return writeln!(out, "{name:<30} {none:>9}");
    };
    let [p50, p90, p99, max] = [p50, p90, p99, max].map(lasts);
    writeln!(out, "{name:<30} {p50:>9} {p90:>9} {p99:>9} {max:>9}")
}

fn phases(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
    let Some(dominates) = forecast.dominates else { return Ok(()) };
    let order = ["detect", "decide", "execute", "validate"];
    let known = order.iter().filter_map(|name| Some((name, forecast.phases_ms.get(name)?)));
    let medians: Vec<_> = known.map(|(name, ms)| format!("{name} {}", lasts(*ms))).collect();
    writeln!(out, "\nRTO by phase (medians): {}", medians.join(", "))?;
    writeln!(out, "The phase that dominates is {dominates}.")
}

fn judged(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
    if forecast.good() {
        return writeln!(out, "Every promise was held, and every story ended at home.");
    }
    for (promise, seeds) in &forecast.broken {
        writeln!(out, "Promise {promise} was broken by {}", named(seeds))?;
    }
    if !forecast.not_home.is_empty() {
        writeln!(out, "Not at home at the end: {}", named(&forecast.not_home))?;
    }
    Ok(())
}

fn named(seeds: &[u64]) -> String {
    let first: Vec<_> = seeds.iter().take(NAMED).map(u64::to_string).collect();
    let more = match seeds.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {}{more}", counted(seeds.len(), "seed"), first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_seeds_are_not_all_named() {
        assert_eq!(named(&[3]), "1 seed: 3");
        let many: Vec<u64> = (1..=12).collect();
        assert_eq!(named(&many), "12 seeds: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
    }
}
