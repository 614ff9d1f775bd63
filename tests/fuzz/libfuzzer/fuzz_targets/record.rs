#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| amm_fuzz::run("record", data));
