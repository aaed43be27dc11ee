//! Any text as an intent, a claim, a duration, a note or stored facts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bowline_fuzz::texts(bytes);
});
