//! evertoken
extern crate alloc;
pub mod engine;
