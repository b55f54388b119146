//! Requests to the token and revocation endpoints, as plain data.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::encode;
use super::secret::Secret;

/// One endpoint, described by the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    pub url: String,
    pub method: String,
    pub format: Format,
    pub token_in: TokenIn,
    /// Member of the body that carries the refresh token.
    pub body_field: String,
    pub client_id: Option<String>,
    pub params: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub credentials: Credentials,
    /// The header that carries the CSRF value, which is read anew at each send.
    pub csrf_header: Option<String>,
    /// Whether the old access token goes along as Bearer.
    pub send_access_token: bool,
}

/// How parameters are written into the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    Form,
    #[default]
    Json,
    /// No body.
    None,
}

/// Where the refresh token goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenIn {
    /// `Authorization: Bearer`.
    Bearer,
    #[default]
    Body,
    /// An HttpOnly cookie that the browser adds.
    Cookie,
}

/// `credentials` of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    Include,
    #[default]
    Omit,
    SameOrigin,
}

/// A request to send. It holds tokens.
#[derive(Clone)]
pub struct HttpRequest {
    pub endpoint: Arc<Endpoint>,
    /// The value of `Authorization`.
    pub authorization: Option<Secret>,
    pub body: Option<Secret>,
    /// May outlive the page.
    pub keepalive: bool,
}

impl core::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HttpRequest").field("url", &self.endpoint.url).finish_non_exhaustive()
    }
}

impl HttpRequest {
    /// The refresh request (RFC 6749 §6 with [`Format::Form`]).
    ///
    /// The `first` attempt with a cookie outlives the page, so that a rotation is not cut off by a reload. Browsers
    /// refuse that when too much of it is under way, so later attempts do without.
    pub fn refresh(
        endpoint: &Arc<Endpoint>,
        refresh: Option<&Secret>,
        access: Option<&Secret>,
        first: bool,
    ) -> Self {
        let mut request = Self::new(endpoint, ("grant_type", "refresh_token"), refresh, access);
        request.keepalive = first && endpoint.token_in == TokenIn::Cookie;
        request
    }

    /// The revocation request (RFC 7009 §2.1 with [`Format::Form`]). Sign-out is often followed by leaving the page.
    pub fn revocation(endpoint: &Arc<Endpoint>, refresh: Option<&Secret>, access: Option<&Secret>) -> Self {
        let mut request = Self::new(endpoint, ("token_type_hint", "refresh_token"), refresh, access);
        request.keepalive = true;
        request
    }

    fn new(
        endpoint: &Arc<Endpoint>,
        first: (&str, &str),
        refresh: Option<&Secret>,
        access: Option<&Secret>,
    ) -> Self {
        let bearer = match endpoint.token_in {
            TokenIn::Bearer => refresh,
            TokenIn::Body | TokenIn::Cookie => access.filter(|_| endpoint.send_access_token),
        };
        Self {
            endpoint: Arc::clone(endpoint),
            authorization: bearer.map(|token| Secret::new("Bearer ".to_owned() + token.expose())),
            body: endpoint.body(first, refresh).map(Secret::new),
            keepalive: false,
        }
    }

    /// Every header, in order; a later one of the same name counts.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let endpoint = &*self.endpoint;
        let content_type = match endpoint.format {
            Format::Form => Some("application/x-www-form-urlencoded"),
            Format::Json => Some("application/json"),
            Format::None => None,
        };
        // Safe without a preflight on the page's own origin only; it keeps plain forms of other sites out.
        let own = endpoint.token_in == TokenIn::Cookie && endpoint.credentials == Credentials::SameOrigin;
        let ours = [
            ("Content-Type", content_type),
            ("X-Requested-With", own.then_some("evertoken")),
            ("Authorization", self.authorization.as_ref().map(Secret::expose)),
        ];
        let given = endpoint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        ours.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).chain(given)
    }
}

impl Endpoint {
    /// The body: in a form `first`, then the refresh token where it belongs there, then the app's own parameters.
    fn body(&self, first: (&str, &str), refresh: Option<&Secret>) -> Option<String> {
        let mut body = String::new();
        let put = match self.format {
            Format::None => return None,
            Format::Form => {
                encode::form_pair(&mut body, first.0, first.1);
                encode::form_pair
            }
            Format::Json => {
                body.push('{');
                encode::json_pair
            }
        };
        if let (Some(token), TokenIn::Body) = (refresh, self.token_in) {
            put(&mut body, &self.body_field, token.expose());
        }
        if let Some(client_id) = &self.client_id {
            put(&mut body, "client_id", client_id);
        }
        for (name, value) in &self.params {
            put(&mut body, name, value);
        }
        if self.format == Format::Json {
            body.push('}');
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            url: "https://id.example/refresh".into(),
            method: "POST".into(),
            body_field: "refresh_token".into(),
            ..Endpoint::default()
        }
    }

    fn send(endpoint: Endpoint) -> HttpRequest {
        let (refresh, access) = (Secret::new("R&1".into()), Secret::new("A".into()));
        HttpRequest::refresh(&endpoint.into(), Some(&refresh), Some(&access), true)
    }

    fn body(request: &HttpRequest) -> &str {
        request.body.as_ref().map_or("", Secret::expose)
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        request.headers().filter(|(key, _)| *key == name).last().map(|(_, value)| value)
    }

    #[test]
    fn a_bare_url_posts_json() {
        let request = send(endpoint());
        assert_eq!(body(&request), r#"{"refresh_token":"R&1"}"#);
        assert_eq!(header(&request, "Content-Type"), Some("application/json"));
        assert_eq!(header(&request, "Authorization"), None);
        assert!(!request.keepalive);
    }

    #[test]
    fn a_form_with_a_client_is_the_oauth_request() {
        let request = send(Endpoint { format: Format::Form, client_id: Some("spa".into()), ..endpoint() });
        assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=R%261&client_id=spa");
    }

    #[test]
    fn a_bearer_refresh_token_is_in_the_header_alone() {
        let request = send(Endpoint { token_in: TokenIn::Bearer, format: Format::None, ..endpoint() });
        assert_eq!(header(&request, "Authorization"), Some("Bearer R&1"));
        assert!(request.body.is_none());
    }

    #[test]
    fn a_cookie_refresh_names_no_token_and_may_outlive_the_page() {
        let cookie = Endpoint {
            token_in: TokenIn::Cookie,
            credentials: Credentials::SameOrigin,
            send_access_token: true,
            ..endpoint()
        };
        let request = send(cookie.clone());
        assert_eq!(body(&request), "{}");
        assert_eq!(header(&request, "X-Requested-With"), Some("evertoken"));
        assert_eq!(header(&request, "Authorization"), Some("Bearer A"));
        assert!(request.keepalive);
        let across = send(Endpoint { credentials: Credentials::Include, ..cookie });
        assert_eq!(header(&across, "X-Requested-With"), None);
    }

    #[test]
    fn the_apps_own_headers_and_parameters_go_along() {
        let own = Endpoint {
            headers: [("apikey".into(), "k".into())].into(),
            params: [("mode".into(), "json".into())].into(),
            ..endpoint()
        };
        let request = send(own);
        assert_eq!(header(&request, "apikey"), Some("k"));
        assert_eq!(body(&request), r#"{"refresh_token":"R&1","mode":"json"}"#);
    }

    #[test]
    fn debug_shows_no_token() {
        let shown = alloc::format!("{:?}", send(Endpoint { token_in: TokenIn::Bearer, ..endpoint() }));
        assert!(shown.contains("https://id.example/refresh") && !shown.contains("R&1"), "{shown}");
    }
}
