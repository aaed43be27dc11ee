//! Lines of records as a journal that is replayed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::chain(bytes);
});
