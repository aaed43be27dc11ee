//! What clusters must have before Bowline uses them. Printed by `bowline crd`; applying it is the
//! operator's. The management cluster: resources, the admission policy that keeps `spec.by` true,
//! and roles. A site's cluster: a namespace for the fence, and what Bowline may do there.

mod admission;
mod resources;
mod roles;

use std::io::{self, Write};

use serde_json::Value;

/// For which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// The one that keeps groups, records and intents.
    Management,
    /// A site's.
    Site,
}

/// Everything for a cluster, in the order in which it should be applied.
#[must_use]
pub fn documents(cluster: For) -> Vec<Value> {
    match cluster {
        For::Management => [resources::all(), admission::all(), roles::management()].concat(),
        For::Site => roles::site(),
    }
}

/// Prints everything for a cluster as a YAML stream.
///
/// # Errors
/// What `out` says.
pub fn print(cluster: For, out: &mut impl Write) -> io::Result<()> {
    for document in documents(cluster) {
        let text = serde_saphyr::to_string(&document).map_err(io::Error::other)?;
        writeln!(out, "---\n{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for cluster in [For::Management, For::Site] {
            let mut printed = Vec::new();
            print(cluster, &mut printed).unwrap();
            let text = String::from_utf8(printed).unwrap();
            let read: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            assert_eq!(read, documents(cluster));
        }
    }

    #[test]
    fn every_kind_is_there_with_a_schema() {
        let all = documents(For::Management);
        let crds: Vec<_> = all.iter().filter(|d| d["kind"] == "CustomResourceDefinition").collect();
        let kinds: Vec<_> =
            crds.iter().map(|d| d["spec"]["names"]["kind"].as_str().unwrap()).collect();
        let expected = [
            "FailoverGroup",
            "FailoverRun",
            "FailoverApproval",
            "FailoverControl",
            "FailoverRecord",
        ];
        assert_eq!(kinds, expected);
        for crd in crds {
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            assert_eq!(schema["properties"]["spec"]["type"], "object", "{}", crd["metadata"]);
        }
    }
}
