//! Where tools are kept: a folder outside every checkout, so that a fresh clone finds them again.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The cache folder: `$BOWLINE_CACHE`, else `$XDG_CACHE_HOME/bowline`, else `~/.cache/bowline`.
/// Fails if none of the three variables is set.
pub fn folder() -> Result<PathBuf> {
    choose(|name| std::env::var_os(name))
        .context("no cache folder: set BOWLINE_CACHE, XDG_CACHE_HOME or HOME")
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    path("BOWLINE_CACHE")
        .or_else(|| Some(path("XDG_CACHE_HOME")?.join("bowline")))
        .or_else(|| Some(path("HOME")?.join(".cache/bowline")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(set: &[(&str, &str)]) -> Option<PathBuf> {
        choose(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)))
    }

    #[test]
    fn the_most_particular_variable_wins() {
        let all = [("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("BOWLINE_CACHE", "/b")];
        assert_eq!(chosen(&all), Some("/b".into()));
        assert_eq!(chosen(&all[..2]), Some("/x/bowline".into()));
        assert_eq!(chosen(&all[..1]), Some("/h/.cache/bowline".into()));
        assert_eq!(
            chosen(&[("HOME", "/h"), ("BOWLINE_CACHE", "")]),
            Some("/h/.cache/bowline".into())
        );
        assert_eq!(chosen(&[]), None);
    }
}
