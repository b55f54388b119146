//! The website of `--static`, and the answer for everything that is nowhere.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;

use crate::config::Website;
use crate::error::ApiError;
use crate::state::AppState;

/// The file that a path names, or 404.
pub(crate) async fn page(State(state): State<AppState>, request: Request) -> Response {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match &state.config.website {
        Some(website) if reading && !is_hidden(request.uri().path()) => file(website, request).await,
        _ => not_found(),
    }
}

/// Whether a file or directory of the path begins with a dot, as `.env` and `.git` do: they lie about in a directory
/// without being meant for visitors.
fn is_hidden(path: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    decoded.split(|byte| *byte == b'/').any(|name| name.starts_with(b"."))
}

async fn file(website: &Website, request: Request) -> Response {
    let mut response = match ServeDir::new(&website.dir).try_call(request).await {
        Ok(response) if response.status() == StatusCode::NOT_FOUND => return not_found(),
        Ok(response) => response.map(Body::new),
        Err(error) => {
            eprintln!("evertoken-server: static file: {error}");
            return not_found();
        }
    };
    let headers = response.headers_mut();
    // A rebuilt page is seen at the next load; an unchanged one costs a 304.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if website.csp && is_html(headers) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    }
    response
}

fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/html"))
}

fn not_found() -> Response {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path").into_response()
}

/// As strict as a page with WebAssembly can have it.
const CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
