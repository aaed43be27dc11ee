//! Lines of records as another process' journal that is imported.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::import(bytes);
});
