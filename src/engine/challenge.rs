//! `WWW-Authenticate` as a list of challenges (RFC 9110 §11.6.1).

/// Whether the challenges of a 401 say that a new token would not help: some challenge has
/// `error="insufficient_scope"` and none has `error="invalid_token"` (RFC 6750 §3.1). Text that is no list of
/// challenges says nothing.
pub fn forbids_refresh(header: &str) -> bool {
    let mut insufficient = false;
    for (name, value) in Params(header) {
        if name.eq_ignore_ascii_case("error") {
            match value {
                "insufficient_scope" => insufficient = true,
                "invalid_token" => return false,
                _ => {}
            }
        }
    }
    insufficient
}

/// The auth-params of all challenges, in order. Schemes and token68 values are passed over.
struct Params<'a>(&'a str);

impl<'a> Iterator for Params<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.0.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
            if rest.is_empty() {
                return None;
            }
            let (name, rest) = rest.split_at(end);
            let rest = rest.trim_start_matches([' ', '\t']);
            let Some(value) = rest.strip_prefix('=') else {
                // A scheme, or a stray quote: step over it.
                self.0 = if end == 0 { rest.get(1..)? } else { rest };
                continue;
            };
            let value = value.trim_start_matches([' ', '\t']);
            if let Some(quoted) = value.strip_prefix('"') {
                let end = closing_quote(quoted)?;
                self.0 = &quoted[end + 1..];
                return Some((name, &quoted[..end]));
            }
            let end = value.find([' ', '\t', ',']).unwrap_or(value.len());
            self.0 = &value[end..];
            return Some((name, &value[..end]));
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insufficient_scope_forbids_a_refresh_wherever_it_stands() {
        for header in [
            r#"Bearer error="insufficient_scope""#,
            r#"Bearer realm="a, b=\"c\"", error="insufficient_scope", scope="x y""#,
            r#"Basic realm="x", Bearer error = insufficient_scope"#,
            r#"Negotiate dG9rZW42OA==, DPoP algs="ES256", ERROR="insufficient_scope""#,
        ] {
            assert!(forbids_refresh(header), "{header}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for header in [
            "",
            "Bearer",
            r#"Bearer error="invalid_token""#,
            r#"Bearer error="invalid_token", DPoP error="insufficient_scope""#,
            r#"Bearer realm="error=insufficient_scope""#,
            r#"Bearer error="insufficient_scope"#,
            r#"Bearer x_error="insufficient_scope""#,
            r#"""""",="#,
            "=====",
            "Bearer error=\u{e9}",
        ] {
            assert!(!forbids_refresh(header), "{header}");
        }
    }
}
