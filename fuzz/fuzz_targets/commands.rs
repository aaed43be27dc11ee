//! Any bytes as a command line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::commands(bytes);
});
