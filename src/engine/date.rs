//! Dates in headers and token responses.

use super::time::UnixMillis;

/// An HTTP-date in any of its three formats (RFC 9110 §5.6.7).
pub fn http_date(text: &str) -> Option<UnixMillis> {
    let mut parts = text.split([' ', ',', '-']).filter(|part| !part.is_empty());
    parts.next().filter(|weekday| weekday.bytes().all(|byte| byte.is_ascii_alphabetic()))?;
    let second = parts.next()?;
    let third = parts.next()?;
    let fourth = parts.next()?;
    let fifth = parts.next()?;
    let (day, month, year, time) = match month(second) {
        // asctime: `Sun Nov  6 08:49:37 1994`
        Some(month) => (third, month, fifth, fourth),
        // `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`
        None => {
            parts.next().filter(|zone| *zone == "GMT")?;
            (second, month(third)?, fourth, fifth)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let year = match number(year)? {
        // RFC 850 years: the nearest century that a running server can mean.
        short @ 0..=69 if year.len() == 2 => 2000 + short,
        short if year.len() == 2 => 1900 + short,
        long => long,
    };
    let mut clock = time.split(':').map(number);
    let seconds = seconds_of_day(clock.next()??, clock.next()??, clock.next()??)?;
    if clock.next().is_some() {
        return None;
    }
    civil(year, month, number(day)?, seconds, 0)
}

/// `2026-11-21T06:25:09.123Z`, with `Z` or an offset; without either UTC is meant.
pub fn iso_date(text: &str) -> Option<UnixMillis> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let mut days = date.splitn(3, '-').map(number);
    let (year, month, day) = (days.next()??, days.next()??, days.next()??);
    let (clock, offset) = match rest.rfind(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], zone(&rest[at..])?),
        None => (rest, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.split(':').map(number);
    let seconds = seconds_of_day(clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?)?;
    let mut millis = 0;
    for index in 0..3 {
        let digit = fraction.as_bytes().get(index).map_or(Some(0), |byte| char::from(*byte).to_digit(10))?;
        millis = millis * 10 + i64::from(digit);
    }
    civil(year, month, day, seconds - offset * 60, millis)
}

/// Minutes east of UTC.
fn zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = &text[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => (digits.get(..2)?, digits.get(2..).filter(|rest| !rest.is_empty()).unwrap_or("0")),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn number(text: &str) -> Option<i64> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

fn month(name: &str) -> Option<i64> {
    let names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = names.find(name).filter(|at| name.len() == 3 && at % 3 == 0)?;
    Some(at as i64 / 3 + 1)
}

fn seconds_of_day(hours: i64, minutes: i64, seconds: i64) -> Option<i64> {
    // 60 is a leap second.
    (hours < 24 && minutes < 60 && seconds <= 60).then_some(hours * 3_600 + minutes * 60 + seconds)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_http_formats() {
        let expected = Some(UnixMillis(784_111_777_000));
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
        assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), expected);
        assert_eq!(http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(UnixMillis(1_709_164_800_000)));
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
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 anF 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn reads_iso_dates_with_and_without_offset() {
        let expected = Some(UnixMillis(1_700_000_000_000));
        assert_eq!(iso_date("2023-11-14T22:13:20Z"), expected);
        assert_eq!(iso_date("2023-11-14T22:13:20.000Z"), expected);
        assert_eq!(iso_date("2023-11-14 22:13:20"), expected);
        assert_eq!(iso_date("2023-11-15T00:13:20+02:00"), expected);
        assert_eq!(iso_date("2023-11-14T17:13:20-0500"), expected);
        assert_eq!(iso_date("2023-11-14T22:13:20.1234567Z"), Some(UnixMillis(1_700_000_000_123)));
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
            "2023-11-14T22:13:20.xZ",
            "T",
            "--T::",
            "2023-11-14T22:13:20+é",
        ] {
            assert_eq!(iso_date(text), None, "{text}");
        }
    }
}
