//! The words that stand for what the world says: each is read from a text, and anything else is an
//! error that names the words there are.

use std::fmt;
use std::str::FromStr;

use bowline_core::model::Span;
use serde::de::{Deserialize, Deserializer, Error};

/// Reads a type from a scalar by its [`FromStr`].
macro_rules! from_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
from_text!(Offset, Front, Share, Served, Api, Member, Behind, Pods, There, Claimed, Zero);

/// An instant of a row: so long after (or with `-` before) its 0s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(pub(super) i64);

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let span: Span = rest.parse().map_err(|e| format!("{e}; before 0s it has a minus"))?;
        i64::try_from(span.as_millis()).map(|ms| Self(sign * ms)).map_err(|e| e.to_string())
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = if self.0 < 0 { "-" } else { "" };
        write!(f, "{minus}{}", Span::millis(self.0.unsigned_abs()))
    }
}

/// The wall time of a row's 0s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zero(pub(super) i64);

impl FromStr for Zero {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at: jiff::Timestamp = text.parse().map_err(|e| format!("{text:?}: {e}"))?;
        Ok(Self(at.as_millisecond()))
    }
}

/// What an HTTP probe through a load balancer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// This status.
    Status(u16),
    /// No answer.
    TimesOut,
    /// No connection.
    Refused,
    /// The load balancer's name has no address.
    NoName,
}

impl FromStr for Front {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "timesOut" => Self::TimesOut,
            "refused" => Self::Refused,
            "noName" => Self::NoName,
            _ => Self::Status(text.parse().map_err(|_| {
                format!("{text:?} is not a status (200, 503, …), timesOut, refused or noName")
            })?),
        })
    }
}

/// So many healthy of so many: targets, or Route 53's checkers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) healthy: u32,
    pub(super) of: u32,
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (healthy, of) = two(text)?;
        if healthy > of {
            return Err(format!("{text:?}: {healthy} of {of} is more than there are"));
        }
        Ok(Self { healthy, of })
    }
}

fn two(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.ok_or_else(|| format!("{text:?} is not two numbers such as 11/12"))
}

/// Requests served a minute, as the load balancer counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// So many.
    Count(u32),
    /// CloudWatch has no points.
    NoPoints,
}

impl FromStr for Served {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "noPoints" => Ok(Self::NoPoints),
            _ => text
                .parse()
                .map(Self::Count)
                .map_err(|_| format!("{text:?} is neither a number nor noPoints")),
        }
    }
}

/// Declares an enum of plain words.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($(#[$of])* $word,)* }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$word),)*
                    _ => Err(format!("{text:?} is none of {}", [$($text),*].join(", "))),
                }
            }
        }
    )*};
}

words! {
    /// How an API answers.
    Api {
        /// As it should.
        Answers = "answers",
        /// Not at all.
        Silent = "silent",
        /// With a 5xx, or no connection.
        Fails = "fails",
        /// That it is not allowed.
        Denies = "denies",
        /// That it is asked too often.
        Throttles = "throttles",
    }
    /// What RDS says of a site's instance.
    Member {
        /// It is no replica.
        Writer = "writer",
        /// A replica that streams.
        Streams = "streams",
        /// A replica that does not stream.
        Stopped = "stopped",
        /// There is no such instance.
        Absent = "absent",
    }
    /// Whether an object exists.
    There {
        /// It does.
        There = "there",
        /// It does not.
        Absent = "absent",
    }
    /// Whose claim is found in a cluster or at the lever.
    Claimed {
        /// Nobody's.
        Nobody = "nobody",
        /// The one that the journal knows.
        Ours = "ours",
        /// One that the journal does not know.
        Foreign = "foreign",
    }
}

/// How far behind a replica says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// So far.
    By(Span),
    /// What MySQL says when its source is gone: −1.
    Nonsense,
    /// CloudWatch has no points.
    NoPoints,
}

impl FromStr for Behind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "nonsense" => Ok(Self::Nonsense),
            "noPoints" => Ok(Self::NoPoints),
            _ => text.parse().map(Self::By).map_err(|e| format!("{e}, or nonsense, or noPoints")),
        }
    }
}

/// A workload's pods: wanted and ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pods {
    /// So many wanted, so many ready.
    Wanted(u32, u32),
    /// There is no such workload.
    Absent,
}

impl FromStr for Pods {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "absent" {
            return Ok(Self::Absent);
        }
        let (wanted, ready) = two(text).map_err(|e| format!("{e} (wanted/ready), nor absent"))?;
        Ok(Self::Wanted(wanted, ready))
    }
}
