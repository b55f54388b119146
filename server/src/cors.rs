//! Cross-origin access for the origins of `--allow-origin`, with credentials; for others there is none.

use axum::http::{HeaderValue, header};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

/// Answers preflights and adds the CORS headers; with an empty list there are none, which is a no to every origin.
pub(crate) fn layer(allowed: &[HeaderValue]) -> CorsLayer {
    if allowed.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed.iter().cloned()))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(true)
        // Without these a page of another origin could neither see why it got a 401, nor how long to wait, nor
        // what time the server has.
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::DATE])
}
