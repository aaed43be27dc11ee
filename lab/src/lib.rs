//! The lab: real parts on loopback.
