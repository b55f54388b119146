//! `WWW-Authenticate` as a list of challenges (RFC 9110 §11.6.1).

/// Whether the challenges of a 401 say that a new token would not help: some challenge has
/// `error="insufficient_scope"` and none has `error="invalid_token"` (RFC 6750 §3.1). Text that is no list of
/// challenges says nothing.
pub fn forbids_refresh(header: &str) -> bool {
    let mut insufficient = false;
    for (name, value) in Params(header.as_bytes()) {
        if name.eq_ignore_ascii_case(b"error") {
            insufficient |= value == b"insufficient_scope";
            if value == b"invalid_token" {
                return false;
            }
        }
    }
    insufficient
}

/// The auth-params of all challenges, in order. Schemes and token68 values are passed over.
struct Params<'a>(&'a [u8]);

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (_, rest) = span(self.0, |byte| is_gap(byte) || byte == b',');
            let (name, rest) = span(rest, |byte| !is_gap(byte) && !matches!(byte, b',' | b'=' | b'"'));
            let (_, rest) = span(rest, is_gap);
            match rest {
                [] => return None,
                [b'=', value @ ..] => {
                    let (_, value) = span(value, is_gap);
                    let (value, rest) = match value {
                        [b'"', quoted @ ..] => closing_quote(quoted)?,
                        plain => span(plain, |byte| !is_gap(byte) && byte != b','),
                    };
                    self.0 = rest;
                    return Some((name, value));
                }
                // A stray quote, or a scheme.
                [b'"', rest @ ..] | rest => self.0 = rest,
            }
        }
    }
}

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn span(text: &[u8], is_in: fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_in(**byte)).count())
}

/// Parts a quoted text, begun already, from what follows its end.
fn closing_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return Some((&text[..at], &text[at + 1..])),
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
            r#"Bearer realm="", scope="x=", error="insufficient_scope""#,
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
            r#"Bearer realm="\", error=insufficient_scope, ""#,
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
