//! A browser page around the engine, without a browser: clocks that the test drives, a store and a token endpoint that
//! behave like real ones, and a list of all that the engine did.
//!
//! [`World`] obeys the engine's law: one input, drain the outputs, re-arm. It checks on every step what must always hold:
//! a call is settled once, one token request is under way, generations never fall, nothing shows a token.

mod clock;
mod elsewhere;
mod look;
mod perform;
mod replay;
mod server;
mod store;
mod world;

pub use clock::{START, hours, minutes, ms, secs};
pub use elsewhere::record;
pub use evertoken::engine::answer::{Answer, Outcome};
pub use evertoken::engine::claim::{Claim, Hold, Insist};
pub use evertoken::engine::config::Options;
pub use evertoken::engine::error::{Cause, ErrorCode};
pub use evertoken::engine::ids::{AttemptId, CallId, Generation, StoreOp};
pub use evertoken::engine::input::{Input, Reception, Revocation, SessionMode, Stored, Urgency, Wake};
pub use evertoken::engine::notice::Notice;
pub use evertoken::engine::output::{Event, Output, Reason, Settled, State, TokenRequest};
pub use evertoken::engine::record::Record;
pub use evertoken::engine::secret::Secret;
pub use evertoken::engine::session::EndReason;
pub use evertoken::engine::time::{Millis, Mono, Now, UnixMillis};
pub use replay::{replay, steps_of};
pub use server::{CANARY, Reply, Reuse, answer, jwt, jwt_of};
pub use store::Mode;
pub use world::{LockMode, World, cookie, endpoint};
