//! Dates in headers and token responses.

use super::time::UnixMillis;

/// An HTTP-date in any of its three formats (RFC 9110 §5.6.7).
pub fn http_date(text: &[u8]) -> Option<UnixMillis> {
    let mut words = Words(text);
    words.word()?;
    let (day, month, year, seconds);
    if let Some(named) = words.month() {
        // asctime: `Sun Nov  6 08:49:37 1994`
        month = named;
        day = words.number()?;
        seconds = words.clock()?;
        year = words.year()?;
    } else {
        // `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`
        day = words.number()?;
        month = words.month()?;
        year = words.year()?;
        seconds = words.clock()?;
        words.word().filter(|zone| *zone == b"GMT")?;
    }
    words.end()?;
    civil(year, month, day, seconds, 0)
}

/// `2026-11-21T06:25:09.123Z`, with `Z` or an offset; without either UTC is meant.
pub fn iso_date(text: &[u8]) -> Option<UnixMillis> {
    let mut words = Words(text);
    let (year, month, day) = (words.number()?, words.number()?, words.number()?);
    words.take(b'T');
    let seconds = words.clock()?;
    let mut millis = 0;
    if words.take(b'.') {
        let digits = words.digits();
        for at in 0..3 {
            millis = millis * 10 + i64::from(digits.get(at).map_or(0, |digit| digit - b'0'));
        }
    }
    let east = words.0.first() != Some(&b'-');
    let mut offset = 0;
    if !words.take(b'Z') && !words.0.is_empty() {
        words.take(b'+');
        let mut digits = 0;
        for part in 0..2 {
            let found = words.number_of(2).unwrap_or(0);
            digits += found * if part == 0 { 60 } else { 1 };
        }
        offset = if east { digits } else { -digits };
    }
    words.end()?;
    let valid = offset.abs() < 24 * 60;
    civil(year, month, day, seconds - offset * 60, millis).filter(|_| valid)
}

/// Takes a text apart; spaces, commas, colons and hyphens between its words do not matter.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn skip(&mut self) {
        while let [b' ' | b',' | b'-' | b':', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn span(&mut self, is_in: fn(&u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().take_while(|byte| is_in(byte)).count();
        let (span, rest) = self.0.split_at(length);
        self.0 = rest;
        span
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        self.0 = &self.0[usize::from(found)..];
        found
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        self.skip();
        Some(self.span(u8::is_ascii_alphabetic)).filter(|word| !word.is_empty())
    }

    fn digits(&mut self) -> &'a [u8] {
        self.span(u8::is_ascii_digit)
    }

    fn number(&mut self) -> Option<i64> {
        self.number_of(4)
    }

    /// A number of at most `most` digits.
    fn number_of(&mut self, most: usize) -> Option<i64> {
        self.skip();
        let length = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        (length > 0).then(|| digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
    }

    /// Of two digits, a year of the century that a running server can mean (RFC 9110 §5.6.7).
    fn year(&mut self) -> Option<i64> {
        let before = self.0.len();
        let year = self.number()?;
        let short = before - self.0.len() < 4;
        Some(match year {
            0..=69 if short => 2000 + year,
            _ if short => 1900 + year,
            _ => year,
        })
    }

    /// A month by its English name; nothing is taken when there is none.
    fn month(&mut self) -> Option<i64> {
        self.skip();
        let at = MONTHS.iter().position(|name| self.0.starts_with(name))?;
        self.0 = &self.0[3..];
        Some(at as i64 + 1)
    }

    /// `hh:mm:ss` as seconds; a second of 60 is a leap second.
    fn clock(&mut self) -> Option<i64> {
        let (hours, minutes, seconds) = (self.number_of(2)?, self.number_of(2)?, self.number_of(2)?);
        (hours < 24 && minutes < 60 && seconds <= 60).then_some(hours * 3_600 + minutes * 60 + seconds)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Days are counted from 1 March, so that the leap day ends a year.
fn civil(year: i64, month: i64, day: i64, seconds: i64, millis: i64) -> Option<UnixMillis> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month > 2 { year } else { year - 1 };
    let (century, year_of_century) = (shifted / 400, shifted % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_century * 365 + year_of_century / 4 - year_of_century / 100 + day_of_year;
    let days = century * 146_097 + day_of_era - 719_468;
    Some(UnixMillis((days * 86_400 + seconds) * 1_000 + millis))
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    fn http(text: &str) -> Option<i64> {
        http_date(text.as_bytes()).map(|time| time.0)
    }

    fn iso(text: &str) -> Option<i64> {
        iso_date(text.as_bytes()).map(|time| time.0)
    }

    #[test]
    fn reads_the_three_http_formats() {
        let expected = Some(784_111_777_000);
        assert_eq!(http("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(http("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
        assert_eq!(http("Sun Nov  6 08:49:37 1994"), expected);
        assert_eq!(http("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800_000));
        assert_eq!(http("Sun, 06Nov1994 08:49:37 GMT"), expected);
    }

    #[test]
    fn a_year_of_two_digits_is_one_between_1970_and_2069() {
        assert_eq!(http("Friday, 06-Nov-26 08:49:37 GMT"), Some(1_793_954_977_000));
        assert_eq!(http("Tuesday, 31-Dec-69 00:00:00 GMT"), Some(3_155_673_600_000));
        assert_eq!(http("Thursday, 01-Jan-70 00:00:00 GMT"), Some(0));
        assert_eq!(http("Tue, 01 Jan 0069 00:00:00 GMT"), Some(-59_989_680_000_000));
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            "abc",
            "0",
            "-5",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 anF 1994 08:49:37 GMT",
            "é",
        ] {
            assert_eq!(http(text), None, "{text}");
        }
    }

    #[test]
    fn reads_iso_dates_with_and_without_offset() {
        let expected = Some(1_700_000_000_000);
        assert_eq!(iso("2023-11-14T22:13:20Z"), expected);
        assert_eq!(iso("2023-11-14T22:13:20.000Z"), expected);
        assert_eq!(iso("2023-11-14 22:13:20"), expected);
        assert_eq!(iso("2023-11-15T00:13:20+02:00"), expected);
        assert_eq!(iso("2023-11-15T03:43:20+05:30"), expected);
        assert_eq!(iso("2023-11-14T17:13:20-0500"), expected);
        assert_eq!(iso("2023-11-14T22:13:20.1234567Z"), Some(1_700_000_000_123));
    }

    #[test]
    fn refuses_other_iso_texts() {
        for text in [
            "",
            "2023",
            "2023-11-14",
            "2023-13-14T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20+99:00",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20Z+02:00",
            "2023-11-14T22:13:20.xZ",
            "T",
            "--T::",
            "2023-11-14T22:13:20+é",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }
}
