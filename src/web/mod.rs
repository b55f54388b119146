//! The browser shell: it gives the engine its inputs and carries out its outputs.

mod clock;
mod data;
mod host;
mod job;
mod lane;
mod lifecycle;
mod request;
mod shell;

pub(crate) use data::thrown;
pub(crate) use host::Host;
pub(crate) use lane::fetch;
pub(crate) use shell::Shell;
