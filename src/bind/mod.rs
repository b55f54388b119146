//! The exports of the wasm module.

mod decode;
mod manager;
