//! Any bytes as a DNS server's answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::dns(bytes);
});
