//! The chart: refreshes per second, and the share of the clients at work that have no token.

use std::fmt::Write as _;

use super::plan::{At, DAY, FIRST_HOUR, HOUR, MINUTE, Plan, Scenario, clock};
use super::report::{Policy, Report};
use super::spread::STEP;

/// One of the two panels.
struct Panel {
    top: f64,
    title: &'static str,
    /// The decades of the scale, from ten to the power of the first to that of the second; a plain scale from 0 to 100
    /// where there are none.
    decades: Option<(i32, i32)>,
}

/// An SVG of the hours that matter.
pub(crate) fn draw(reports: &[Report]) -> String {
    let Some(plan) = reports.first().map(|report| &report.plan) else {
        return String::new();
    };
    let (from, to) = hours(plan);
    let rates: Vec<_> = reports.iter().map(|report| points(report, from, to, rate)).collect();
    let lacking: Vec<_> = reports.iter().map(|report| points(report, from, to, share_without)).collect();
    let highest = rates.iter().flatten().map(|(_, rate)| *rate).fold(10.0, f64::max);
    let decades = (0, highest.log10().ceil() as i32);
    let rate = Panel { top: 40.0, title: "refreshes sent per second", decades: Some(decades) };
    let share = Panel { top: 330.0, title: "% of the clients without a token", decades: None };
    let mut svg = String::new();
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 620" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="620" fill="white"/>
<text x="{LEFT}" y="20" font-size="14">{} clients, scenario {}, seed {}</text>
"#,
        plan.clients,
        plan.scenario.as_str(),
        plan.seed
    );
    for (panel, lines) in [(rate, rates), (share, lacking)] {
        panel.frame(&mut svg, plan, from, to);
        for (report, line) in reports.iter().zip(lines) {
            panel.line(&mut svg, report.policy, &line, (from, to));
        }
    }
    for (number, report) in reports.iter().enumerate() {
        let (x, colour) = (LEFT + 130.0 * number as f64, colour(report.policy));
        let name = report.policy.as_str();
        let _ = writeln!(
            svg,
            r#"<path d="M{x} 606h24" stroke="{colour}" stroke-width="2"/><text x="{}" y="610">{name}</text>"#,
            x + 30.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn frame(&self, svg: &mut String, plan: &Plan, from: At, to: At) {
        if let Some((begin, end)) = plan.outage().filter(|(begin, _)| *begin < to) {
            let (x, width) = (across(begin, from, to), across(end, from, to) - across(begin, from, to));
            let _ = writeln!(
                svg,
                r##"<rect x="{x:.1}" y="{}" width="{width:.1}" height="{HEIGHT}" fill="#eee"/>"##,
                self.top
            );
        }
        let _ = writeln!(svg, r#"<text x="{LEFT}" y="{}">{}</text>"#, self.top - 6.0, self.title);
        let marks: Vec<f64> = match self.decades {
            Some((low, high)) => (low..=high).map(|decade| 10_f64.powi(decade)).collect(),
            None => (0..=4).map(|quarter| f64::from(quarter) * 25.0).collect(),
        };
        for mark in marks {
            let y = self.height_of(mark);
            let _ = writeln!(
                svg,
                r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#ccc"/><text x="{}" y="{:.1}" text-anchor="end">{mark}</text>"##,
                LEFT - 6.0,
                y + 4.0
            );
        }
        let step = STEPS.into_iter().find(|step| (to - from) / step <= MOST_TIMES).unwrap_or(DAY);
        for at in (from.next_multiple_of(step)..=to).step_by(step as usize) {
            let (hour, minute) = (at / HOUR + FIRST_HOUR, at % HOUR / MINUTE);
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{hour}:{minute:02}</text>"#,
                across(at, from, to),
                self.top + HEIGHT + 16.0
            );
        }
    }

    fn line(&self, svg: &mut String, policy: Policy, points: &[(At, f64)], (from, to): (At, At)) {
        let mut path = String::new();
        for (at, value) in points {
            let verb = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{verb}{:.1} {:.1}", across(*at, from, to), self.height_of(*value));
        }
        let _ =
            writeln!(svg, r#"<path d="{path}" fill="none" stroke="{}" stroke-width="1.5"/>"#, colour(policy));
    }

    fn height_of(&self, value: f64) -> f64 {
        let share = match self.decades {
            Some((low, high)) => (value.max(1.0).log10() - f64::from(low)) / f64::from(high - low),
            None => value / 100.0,
        };
        self.top + HEIGHT * (1.0 - share.clamp(0.0, 1.0))
    }
}

/// The part of the day that is shown.
fn hours(plan: &Plan) -> (At, At) {
    let (from, to) = match plan.scenario {
        Scenario::Calm => (clock(8, 0), clock(18, 0)),
        Scenario::Deploy => (clock(9, 0), clock(13, 0)),
        Scenario::Outage => (clock(9, 40), clock(11, 10 + plan.outage_minutes)),
    };
    if to <= plan.end() { (from, to) } else { (0, plan.end()) }
}

/// What `value` says at moments that fill the width, each the mean or the level of the steps up to the next.
fn points(report: &Report, from: At, to: At, value: impl Fn(&Report, At, At) -> f64) -> Vec<(At, f64)> {
    let step = ((to - from) / MOST_POINTS).next_multiple_of(STEP).max(STEP);
    (from..to).step_by(step as usize).map(|at| (at, value(report, at, at + step))).collect()
}

fn rate(report: &Report, from: At, to: At) -> f64 {
    report.tally.rates.requests.mean(from, to).unwrap_or_default()
}

fn share_without(report: &Report, from: At, _: At) -> f64 {
    let without: i32 = report.tally.rates.lacking.between(0, from).iter().sum();
    100.0 * f64::from(without) / f64::from(report.plan.clients)
}

fn across(at: At, from: At, to: At) -> f64 {
    LEFT + (RIGHT - LEFT) * f64::from(at - from) / f64::from(to - from)
}

fn colour(policy: Policy) -> &'static str {
    match policy {
        Policy::Evertoken => "#0a7d38",
        Policy::FixedLead => "#c62828",
        Policy::Interval => "#1565c0",
        Policy::On401 => "#ef8e00",
    }
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 840.0;
const HEIGHT: f64 = 220.0;
const MOST_POINTS: At = 300;
/// Between two times that are written below a panel.
const STEPS: [At; 6] = [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR];
const MOST_TIMES: At = 12;
