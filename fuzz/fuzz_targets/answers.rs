//! Any bytes as a service's answer to a call over HTTP.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::answers(bytes);
});
