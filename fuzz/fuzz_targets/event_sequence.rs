//! Whatever happens in whatever order on whatever clocks, the promises hold: see `Driver`.
#![no_main]

libfuzzer_sys::fuzz_target!(|sequence: evertoken_fuzz::Sequence| sequence.run());
