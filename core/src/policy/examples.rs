//! Ready-made checked policies for tests, the demo and the simulator: those of `policies/`.

use super::load::load;
use super::types::Policy;

/// The text of `policies/shop.yaml`.
pub const SHOP: &str = include_str!("../../../policies/shop.yaml");
/// The text of `policies/minimal.yaml`.
pub const MINIMAL: &str = include_str!("../../../policies/minimal.yaml");

/// `policies/shop.yaml`: a web shop with a database, failing over on a human's word.
#[must_use]
pub fn shop() -> Policy {
    only(SHOP)
}

/// `policies/minimal.yaml`: a site without a database, with as little said as possible.
#[must_use]
pub fn minimal() -> Policy {
    only(MINIMAL)
}

fn only(text: &str) -> Policy {
    let loaded = load("example", text).expect("compiled in, and a test loads every example");
    loaded.policies.into_iter().next().expect("an example holds one policy")
}

#[cfg(test)]
mod tests;
