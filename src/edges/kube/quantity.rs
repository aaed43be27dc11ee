//! Kubernetes resource quantities, read and written exactly.

/// Reads a quantity in thousandths (`200m` is 200, `2` is 2000, `1Ki` is 1 024 000); `None` when it
/// is no quantity, is negative or does not fit. What is finer than a thousandth is rounded up, as
/// Kubernetes does.
pub(crate) fn milli(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (mut top, mut bottom) = factor(unit)?;
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    bottom = bottom.checked_mul(10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    top = top.checked_mul(1_000)?;
    u64::try_from(digits.checked_mul(top)?.div_ceil(bottom)).ok()
}

/// What a unit multiplies by, as a fraction.
fn factor(unit: &str) -> Option<(u128, u128)> {
    const KIBI: u128 = 1_024;
    Some(match unit {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (KIBI, 1),
        "Mi" => (KIBI.pow(2), 1),
        "Gi" => (KIBI.pow(3), 1),
        "Ti" => (KIBI.pow(4), 1),
        "Pi" => (KIBI.pow(5), 1),
        "Ei" => (KIBI.pow(6), 1),
        _ => return exponent(unit),
    })
}

fn exponent(unit: &str) -> Option<(u128, u128)> {
    let power: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
    let size = 10u128.checked_pow(power.unsigned_abs())?;
    Some(if power < 0 { (1, size) } else { (size, 1) })
}

/// A limit as `Quantities` hold it: `cpu` in thousandths, everything else in whole units (rounded
/// up).
pub(crate) fn read(resource: &str, text: &str) -> Option<u64> {
    let milli = milli(text)?;
    Some(if resource == "cpu" { milli } else { milli.div_ceil(1_000) })
}

/// The other way round.
pub(crate) fn write(resource: &str, value: u64) -> String {
    match resource {
        "cpu" if !value.is_multiple_of(1_000) => format!("{value}m"),
        "cpu" => (value / 1_000).to_string(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly() {
        let cases = [
            ("0", 0),
            ("200", 200_000),
            ("250m", 250),
            ("0.5", 500),
            (".5", 500),
            ("1.", 1_000),
            ("1k", 1_000_000),
            ("1.5Gi", 1_610_612_736_000),
            ("2e3", 2_000_000),
            ("5E-1", 500),
            ("1n", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(milli(text), Some(expected), "{text}");
        }
        for text in ["", ".", "-1", "1.2.3", "1x", "Gi", "99999999E", "1e99", "1 Gi"] {
            assert_eq!(milli(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (resource, value) in [("cpu", 200_000), ("cpu", 1_500), ("memory", 858_993_459_200)] {
            assert_eq!(read(resource, &write(resource, value)), Some(value));
        }
        assert_eq!(write("cpu", 1_500), "1500m");
        assert_eq!(read("memory", "800Gi"), Some(858_993_459_200));
    }
}
