//! The codes of everything that can be wrong with a policy, `BL1001` and up. Each has a page under
//! `docs/errors/`. A code keeps its meaning for ever; numbers are not reused.

use std::fmt;

use serde::{Serialize, Serializer};

/// Declares the codes with their numbers.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// The text is not YAML.
    Syntax = 1001;
    /// A field that there is not.
    UnknownField = 1002;
    /// A value of another type.
    WrongType = 1003;
    /// A text that is not what it should be: a duration, a Region, an ARN, one of a few words.
    BadText = 1004;
    /// A number or a list outside its limits.
    OutOfRange = 1005;
    /// A field that must be there.
    Missing = 1006;
    /// None, or several, of fields of which exactly one is wanted.
    OneOf = 1007;
    /// The same key or name twice.
    Duplicate = 1008;
    /// The document is something else than a `FailoverGroup`.
    NotAGroup = 1009;
    /// A decision about data, money or people that nobody took.
    Undecided = 1010;
    /// Standby is the same thing as home, or lies in another place than its site.
    SameSite = 1011;
    /// A load balancer that a site does not have.
    NoLoadBalancer = 1012;
    /// A quorum that cannot be reached while the Region's APIs are silent.
    Quorum = 1013;
    /// Automatic failover without a vantage outside Bowline's network.
    NoOutsideVantage = 1014;
    /// `lagFresh` is shorter than replication evidence can be fresh.
    LagFresh = 1015;
    /// `need` of `of` samples that cannot be, or `up` and `down` that can both hold.
    Window = 1016;
    /// Someone must be told, and nobody is named.
    NobodyTold = 1017;
    /// The database and its members do not fit together.
    Database = 1018;
    /// A workload that says what its kind cannot have.
    Workload = 1019;
    /// `verify` looks at something else than what moves.
    Verify = 1020;
    /// A blocked window that is no recurring time.
    BlockedWindow = 1021;
    /// A confirm time that short stalls would trip (a warning).
    ShortConfirm = 1022;
    /// Times that do not fit together.
    Times = 1023;
    /// A StatefulSet's volumes stay in their Region (a warning).
    StatefulSet = 1024;
    /// Two groups list the same workload, CronJob or database instance.
    Shared = 1025;
    /// Signals say *down* for longer than `confirm` when the site serves again.
    OldNews = 1026;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BL{}", *self as u16)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn pages() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        std::fs::read_dir(folder)
            .expect("docs/errors is part of the repository")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with("BL1"))
            .collect()
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let codes = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
        assert_eq!(pages(), codes);
    }

    #[test]
    fn every_page_opens_with_its_code_and_says_why_and_what_to_do() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        for page in pages() {
            let text = std::fs::read_to_string(folder.join(&page)).expect("readable");
            let code = page.trim_end_matches(".md");
            assert!(text.starts_with(&format!("# {code}: ")), "{page} has another title");
            for part in ["## Why", "## What to do"] {
                assert!(text.contains(part), "{page} lacks {part:?}");
            }
        }
    }

    #[test]
    fn numbers_rise_without_a_gap() {
        let numbers: Vec<u16> = Code::ALL.iter().map(|code| *code as u16).collect();
        let expected: Vec<u16> = (1001..).take(numbers.len()).collect();
        assert_eq!(numbers, expected);
    }
}
