//! Logs: lines for people or JSON for machines, on standard error.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is no log format: text or json")),
        }
    }
}

/// What is logged unless `BOWLINE_LOG` says otherwise. kube tells every failed connection as an
/// error of its own; ours tell the same with its group and step.
const FILTER: &str = "info,kube_client=off";

/// Begins to log, once for the process. `BOWLINE_LOG` filters, as in `info,bowline=debug`.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_env("BOWLINE_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second call finds a subscriber there, which goes on.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
}
