//! What tabs tell each other: that the store holds something newer. Never a token.

use alloc::string::String;

use super::encode;
use super::ids::{Epoch, Generation};
use super::json;
use super::record;

/// A hint: generation `generation` of epoch `epoch` is in the store. Whoever hears it looks there; the store decides, so
/// a forged one costs a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub epoch: Epoch,
    pub generation: Generation,
}

impl Notice {
    pub fn encode(&self) -> String {
        let mut out = String::from("{");
        encode::json_number(&mut out, "v", VERSION);
        encode::json_number(&mut out, "epoch", self.epoch.0 as i64);
        encode::json_number(&mut out, "generation", self.generation.0 as i64);
        out.push('}');
        out
    }

    /// Reads a message; `None` for one of another version, of another program, or too long to be one.
    pub fn decode(message: &str) -> Option<Self> {
        if message.len() > LONGEST {
            return None;
        }
        let root = json::parse_object(message)?;
        if record::integer(root, "v")? != VERSION {
            return None;
        }
        Some(Self {
            epoch: Epoch(record::counter(root, "epoch")?),
            generation: Generation(record::counter(root, "generation")?),
        })
    }
}

const VERSION: i64 = 1;
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_the_channel() {
        let notice = Notice { epoch: Epoch(1_795_200_000_000), generation: Generation(7) };
        assert_eq!(Notice::decode(&notice.encode()), Some(notice));
    }

    #[test]
    fn what_is_no_notice_of_this_version_is_nothing() {
        for message in [
            "",
            "null",
            "{}",
            r#"{"v":2,"epoch":1,"generation":1}"#,
            r#"{"v":1,"epoch":-1,"generation":1}"#,
            r#"{"v":1,"epoch":1,"generation":"1"}"#,
            r#"{"v":1,"epoch":1,"generation":4503599627370496}"#,
        ] {
            assert_eq!(Notice::decode(message), None, "{message}");
        }
        let of_length = |length: usize| {
            let more = "x".repeat(length - r#"{"v":1,"epoch":1,"generation":1,"more":""}"#.len());
            alloc::format!(r#"{{"v":1,"epoch":1,"generation":1,"more":"{more}"}}"#)
        };
        assert!(Notice::decode(&of_length(128)).is_some());
        assert_eq!(Notice::decode(&of_length(129)), None);
    }
}
