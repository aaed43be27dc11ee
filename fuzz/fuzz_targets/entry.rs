//! Any bytes as a journal's entry.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::entry(bytes);
});
