//! The fuzz targets: functions of bytes that must never panic, whatever the bytes are.

mod edges;
mod parsers;

pub use edges::{answers, commands};
pub use parsers::{chain, entry, import, object, policy, replies, texts};

/// A DNS message is read or refused; what is read is written and read back.
#[must_use]
pub fn dns(bytes: &[u8]) -> bool {
    use hickory_proto::op::Message;
    let Ok(message) = Message::from_vec(bytes) else { return false };
    if let Ok(written) = message.to_vec() {
        assert!(Message::from_vec(&written).is_ok(), "what was written is read");
    }
    true
}
