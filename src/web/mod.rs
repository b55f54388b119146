//! The browser shell: it gives the engine its inputs and has its outputs carried out.

mod clock;
mod data;
mod host;
mod lane;
mod shell;

pub(crate) use data::thrown;
pub(crate) use host::Host;
pub(crate) use lane::fetch;
pub(crate) use shell::Shell;
