//! Requests to the token and revocation endpoints, as plain data.

use alloc::borrow::ToOwned;
use alloc::string::String;
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
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Secret>,
    pub credentials: Credentials,
    pub csrf_header: Option<String>,
    /// May outlive the page.
    pub keepalive: bool,
}

impl core::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The refresh request (RFC 6749 §6 with [`Format::Form`]).
    pub fn refresh_request(&self, refresh: Option<&Secret>, access: Option<&Secret>) -> HttpRequest {
        let grant = (self.format == Format::Form).then_some(("grant_type", "refresh_token"));
        self.request(grant, refresh, access.filter(|_| self.send_access_token))
    }

    /// The revocation request (RFC 7009 §2.1 with [`Format::Form`]).
    pub fn revoke_request(&self, refresh: Option<&Secret>, access: Option<&Secret>) -> HttpRequest {
        let hint = (self.format == Format::Form).then_some(("token_type_hint", "refresh_token"));
        let mut request = self.request(hint, refresh, access.filter(|_| self.send_access_token));
        // Sign-out is often followed by leaving the page.
        request.keepalive = true;
        request
    }

    fn request(
        &self,
        first: Option<(&str, &str)>,
        refresh: Option<&Secret>,
        access: Option<&Secret>,
    ) -> HttpRequest {
        let mut headers = self.headers.clone();
        let bearer = match self.token_in {
            TokenIn::Bearer => refresh,
            TokenIn::Body | TokenIn::Cookie => access,
        };
        if let Some(token) = bearer {
            headers.push(("Authorization".to_owned(), "Bearer ".to_owned() + token.expose()));
        }
        if self.token_in == TokenIn::Cookie && self.credentials == Credentials::SameOrigin {
            // Safe without a preflight on the page's own origin only; it keeps plain forms of other sites out.
            headers.push(("X-Requested-With".to_owned(), "evertoken".to_owned()));
        }
        let in_body = refresh.filter(|_| self.token_in == TokenIn::Body);
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        pairs.extend(first);
        pairs.extend(in_body.map(|token| (self.body_field.as_str(), token.expose())));
        pairs.extend(self.client_id.as_deref().map(|client_id| ("client_id", client_id)));
        pairs.extend(self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let body = match self.format {
            Format::None => None,
            Format::Json => {
                headers.push(content_type("application/json"));
                Some(json_body(&pairs))
            }
            Format::Form => {
                headers.push(content_type("application/x-www-form-urlencoded"));
                Some(form_body(&pairs))
            }
        };
        HttpRequest {
            url: self.url.clone(),
            method: self.method.clone(),
            headers,
            body: body.map(Secret::new),
            credentials: self.credentials,
            csrf_header: self.csrf_header.clone(),
            keepalive: self.token_in == TokenIn::Cookie,
        }
    }
}

fn content_type(value: &str) -> (String, String) {
    ("Content-Type".to_owned(), value.to_owned())
}

fn json_body(pairs: &[(&str, &str)]) -> String {
    let mut body = "{".to_owned();
    for (name, value) in pairs {
        encode::json_name(&mut body, name);
        encode::json_string(&mut body, value);
    }
    body.push('}');
    body
}

fn form_body(pairs: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in pairs {
        encode::form_pair(&mut body, name, value);
    }
    body
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

    fn send(endpoint: &Endpoint) -> HttpRequest {
        endpoint.refresh_request(Some(&Secret::new("R&1".into())), Some(&Secret::new("A".into())))
    }

    fn body(request: &HttpRequest) -> &str {
        request.body.as_ref().map_or("", Secret::expose)
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_bare_url_posts_json() {
        let request = send(&endpoint());
        assert_eq!(body(&request), r#"{"refresh_token":"R&1"}"#);
        assert_eq!(header(&request, "Content-Type"), Some("application/json"));
        assert_eq!(header(&request, "Authorization"), None);
        assert_eq!((request.credentials, request.keepalive), (Credentials::Omit, false));
    }

    #[test]
    fn a_form_with_a_client_is_the_oauth_request() {
        let request = send(&Endpoint { format: Format::Form, client_id: Some("spa".into()), ..endpoint() });
        assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=R%261&client_id=spa");
    }

    #[test]
    fn a_bearer_refresh_token_is_in_the_header_alone() {
        let request = send(&Endpoint { token_in: TokenIn::Bearer, format: Format::None, ..endpoint() });
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
        let request = send(&cookie);
        assert_eq!(body(&request), "{}");
        assert_eq!(header(&request, "X-Requested-With"), Some("evertoken"));
        assert_eq!(header(&request, "Authorization"), Some("Bearer A"));
        assert!(request.keepalive);
        let across = send(&Endpoint { credentials: Credentials::Include, ..cookie });
        assert_eq!(header(&across, "X-Requested-With"), None);
    }

    #[test]
    fn debug_shows_no_token() {
        let shown = alloc::format!("{:?}", send(&Endpoint { token_in: TokenIn::Bearer, ..endpoint() }));
        assert!(!shown.contains("R&1"), "{shown}");
    }
}
