//! Lines of answers and faults as what a node's calls get, whatever it asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::replies(bytes);
});
