//! What may be done without a human, who is told, and how success is seen, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;
use crate::model::Span;

/// What may be done without a human.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomationSpec {
    /// Failover: `automatic`, `approve`, `manual` or `observe`. Required: it is your decision.
    pub failover: ModeSpec,
    /// Failback: `automatic`, `approve`, `manual` or `observe`. Required: it is your decision.
    pub failback: ModeSpec,
    /// Starting nodes while the confirm time runs: `automatic`, `manual` or `observe`. Required: it
    /// is your decision.
    pub prewarm: PrewarmSpec,
    /// After an automatic failover, another one within this time needs a human. Default: 1h.
    #[serde(default = "default_block")]
    pub block_after_failover: Span,
    /// Recurring times during which automatic action is held. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_windows: Vec<BlockedWindowSpec>,
}

/// How an action may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ModeSpec {
    /// Prepared and asked for; a human says yes.
    Approve,
    /// Without a human.
    Automatic,
    /// Only on a human's command.
    Manual,
    /// Decided and reported, never done.
    Observe,
}

/// How a prewarm may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PrewarmSpec {
    /// Without a human.
    Automatic,
    /// Never before the failover itself.
    Manual,
    /// Decided and reported, never done.
    Observe,
}

/// A recurring time during which automatic action is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockedWindowSpec {
    /// When it begins, in the five fields of cron. Required.
    #[schemars(length(min = 1))]
    pub cron: String,
    /// How long it lasts. Required.
    #[serde(rename = "for")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub length: Span,
    /// The time zone of `cron`, by its IANA name. Default: UTC.
    #[serde(default = "default_time_zone")]
    #[schemars(length(min = 1))]
    pub time_zone: String,
    /// What is held. Default: all of failover, failback and prewarm.
    #[serde(default = "default_actions")]
    #[schemars(length(min = 1))]
    pub actions: Vec<ActionSpec>,
}

/// An action of Bowline's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ActionSpec {
    /// An unplanned move.
    Failover,
    /// Coming home.
    Failback,
    /// Starting nodes while the confirm time runs.
    Prewarm,
}

/// Somebody who is told and asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotifySpec {
    /// A webhook. Required.
    pub webhook: WebhookSpec,
    /// How often an ask that nobody answered is repeated. Default: 5m.
    #[serde(default = "default_repeat")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub repeat_until_answered: Span,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookSpec {
    /// Where its URL is kept. Required.
    pub url_from: SecretKeySpec,
}

/// A key of a Secret of the group's namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeySpec {
    /// The Secret. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub secret: String,
    /// The key in it. Required.
    #[schemars(extend("pattern" = forms::WORD))]
    pub key: String,
}

/// How success is seen from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifySpec {
    /// What is fetched; its host must be one of the names that move. Required.
    #[schemars(extend("pattern" = forms::URL))]
    pub url: String,
    /// The header of the answer that says `home` or `standby`. Default: none; the answer's
    /// addresses must then be the load balancer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::HEADER))]
    pub site_header: Option<String>,
    /// For how long it must hold. Default: 60s.
    #[serde(rename = "for", default = "default_hold")]
    pub hold: Span,
    /// A write through the public name. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_probe: Option<WriteProbeSpec>,
}

/// A write through the public name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteProbeSpec {
    /// Where to write: the scheme, host and port of `verify.url`, any path. Required.
    #[schemars(extend("pattern" = forms::URL))]
    pub url: String,
    /// `POST`. Default: POST.
    #[serde(default)]
    pub method: MethodSpec,
}

/// The method of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MethodSpec {
    /// `POST`.
    #[default]
    #[serde(rename = "POST")]
    Post,
}

fn default_block() -> Span {
    Span::mins(60)
}

fn default_time_zone() -> String {
    "UTC".to_owned()
}

fn default_actions() -> Vec<ActionSpec> {
    vec![ActionSpec::Failover, ActionSpec::Failback, ActionSpec::Prewarm]
}

fn default_repeat() -> Span {
    Span::mins(5)
}

fn default_hold() -> Span {
    Span::secs(60)
}
