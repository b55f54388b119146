//! What the fuzz targets share: sequences of events, and the driver that checks the engine's promises along them.

mod act;
mod driver;
mod sequence;

use evertoken::engine::response::Fields;

pub use sequence::Sequence;

/// Names of an app whose token response is unlike any usual one.
pub fn mapped_fields() -> Fields {
    Fields {
        access: Some("meta.jwt".to_owned()),
        refresh: Some("meta.renew".to_owned()),
        expires_in: Some("ttl".to_owned()),
        expires_at: None,
        in_millis: true,
    }
}
