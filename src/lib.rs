//! evertoken keeps a signed-in web app signed in.
//!
//! Three rings, each knowing only the one inside it:
//!
//! - [`engine`]: decides everything; pure Rust without clock, entropy, JavaScript or I/O.
//! - `web` (wasm32 only): translates between the engine and the browser; decides nothing.
//! - `bind` (wasm32 only): the exports that the npm package is built on; converts, decides nothing.
//!
//! The run loop is the engine's law: one input, drain the outputs, arm one timer. See [`engine::Engine`].

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod bind;
pub mod engine;
#[cfg(target_arch = "wasm32")]
mod web;
/// A tenth of the standard one's code, for a heap that holds a few hundred small things.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
