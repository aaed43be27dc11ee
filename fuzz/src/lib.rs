//! The fuzz targets: functions of bytes that must never panic, whatever the bytes are.

mod edges;
mod parsers;

pub use edges::{answers, commands, dns};
pub use parsers::{chain, entry, import, object, policy, replies, texts};
