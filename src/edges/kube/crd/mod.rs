//! What the management cluster must have before Bowline runs in it: resources, the admission policy
//! that keeps `spec.by` true, and roles. Printed by `bowline crd`; applying it is the operator's.

mod admission;
mod resources;
mod roles;

use std::io::{self, Write};

use serde_json::Value;

/// Everything, in the order in which it should be applied.
#[must_use]
pub fn documents() -> Vec<Value> {
    [resources::all(), admission::all(), roles::all()].concat()
}

/// Prints everything as a YAML stream.
///
/// # Errors
/// What `out` says.
pub fn print(out: &mut impl Write) -> io::Result<()> {
    for document in documents() {
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
        let mut printed = Vec::new();
        print(&mut printed).unwrap();
        let text = String::from_utf8(printed).unwrap();
        let read: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(read, documents());
    }

    #[test]
    fn every_kind_is_there_with_a_schema() {
        let all = documents();
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
