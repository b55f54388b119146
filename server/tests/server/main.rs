//! Drives real servers over real sockets.

mod api;
mod control_access;
mod cookie_mode;
mod cross_origin;
mod faults;
mod ledger;
mod process;
mod refresh;
mod sign_in;
mod sign_out;
mod website;
mod world;
