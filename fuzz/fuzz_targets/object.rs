//! Any JSON as an API server's FailoverGroup.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::object(bytes);
});
