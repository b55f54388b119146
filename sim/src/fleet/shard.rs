//! A part of the fleet, on a thread of its own.

use super::browser::{Browser, Moment, Sent};
use super::calendar::{Answer, Calendar, Due, Entry, SLICE, slice};
use super::memory;
use super::person::Person;
use super::plan::{At, MINUTE, Plan};
use super::server::Reply;
use super::tally::{Count, Sample, Tally};
use crate::dice::Dice;
use evertoken::engine::jitter::Jitter;

/// Some of the clients with their calendar.
#[derive(Debug)]
pub(crate) struct Shard<'a, B> {
    plan: &'a Plan,
    seats: Vec<Seat<B>>,
    calendar: Calendar,
    /// What has reached the server in the slice at hand.
    outbox: Vec<Sent>,
    tally: Tally,
    /// Bytes that the thread held before.
    held_before: isize,
    /// When memory is measured next.
    measures: At,
}

/// A person, and their browser while they are signed in.
#[derive(Debug)]
struct Seat<B> {
    person: Person,
    browser: Option<B>,
}

/// When a request reached the server, and from which client: what comes first is served first.
pub(crate) type Arrival = (At, u32);

impl<'a, B: Browser> Shard<'a, B> {
    /// The clients of `numbers`. What becomes of a client follows from its number, not from its shard.
    pub(crate) fn new(plan: &'a Plan, numbers: std::ops::Range<u32>) -> Self {
        let held_before = memory::held();
        let mut calendar = Calendar::new(plan.end());
        let seats = numbers.map(|number| {
            let seed = Jitter::new(plan.seed.wrapping_add(u64::from(number))).draw();
            Seat { person: Person::new(number, Dice::new(seed), plan.scenario), browser: None }
        });
        let mut seats: Vec<Seat<B>> = seats.collect();
        for (seat, Seat { person, .. }) in seats.iter_mut().enumerate() {
            person.planned = person.back;
            calendar.note(Entry { seat: seat as u32, at: person.back, due: Due::Wake });
        }
        Self { plan, seats, calendar, outbox: Vec::new(), tally: Tally::new(plan), held_before, measures: 0 }
    }

    /// The next slice in which something happens here.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let answered = self.outbox.iter().map(|sent| slice(sent.back)).min();
        self.calendar.next().into_iter().chain(answered).min()
    }

    /// Plays `slice`, and says in `arrivals` what has reached the server, in order.
    pub(crate) fn play(&mut self, slice: usize, entries: &mut Vec<Entry>, arrivals: &mut Vec<Arrival>) {
        let ends = (slice as At + 1) * SLICE;
        if ends > self.measures {
            self.measures = ends.next_multiple_of(5 * MINUTE);
            self.measure(ends);
        }
        self.calendar.take(slice, entries);
        while let Some(entry) = entries.pop() {
            self.happen(entry);
            // What a client does at once comes before what others do.
            self.calendar.take_soon(slice, entries);
        }
        self.outbox.sort_unstable_by_key(|sent| (sent.at, sent.client, sent.answer.tab, sent.answer.attempt));
        arrivals.clear();
        arrivals.extend(self.outbox.iter().map(|sent| (sent.at, sent.client)));
    }

    /// The server takes the first `taken` of the requests that have reached it, and turns the rest away.
    pub(crate) fn serve(&mut self, taken: usize) {
        for (number, sent) in std::mem::take(&mut self.outbox).into_iter().enumerate() {
            let account = &mut self.seats[sent.seat as usize].person.account;
            let reply = if number < taken { account.refresh(sent.ticket) } else { Reply::Limited };
            self.tally.count(reply);
            let due = Due::Answer(Answer { reply, ..sent.answer });
            self.calendar.note(Entry { seat: sent.seat, at: sent.back, due });
        }
    }

    /// The run is over.
    pub(crate) fn finish(mut self) -> Tally {
        let end = self.plan.end();
        for seat in 0..self.seats.len() {
            self.close(seat, end);
        }
        let pending = self.calendar.entries().filter(|entry| matches!(entry.due, Due::Answer(_))).count();
        self.tally.counts[Count::Pending] += pending as u64;
        self.tally.counts[Count::Unserved] += self.outbox.len() as u64;
        self.tally
    }

    fn happen(&mut self, Entry { seat, at, due }: Entry) {
        let index = seat as usize;
        let Seat { person, browser } = &mut self.seats[index];
        let mut moment = Moment {
            at,
            seat,
            person,
            plan: self.plan,
            calendar: &mut self.calendar,
            outbox: &mut self.outbox,
            tally: &mut self.tally,
        };
        match (due, &mut *browser) {
            (Due::Answer(answer), Some(open)) if answer.visit == moment.person.visit => {
                open.answer(answer, &mut moment);
            }
            (Due::Answer(_), _) => moment.tally.counts[Count::Dropped] += 1,
            (Due::Wake, _) if at != moment.person.planned => return,
            (Due::Wake, _) if at >= moment.person.leaves => self.go_home(index, at),
            (Due::Wake, None) => sign_in(browser, &mut moment),
            (Due::Wake, Some(open)) => {
                if moment.person.ask <= at {
                    open.ask(&mut moment);
                }
                if open.next() <= at {
                    open.wake(&mut moment);
                }
            }
        }
        self.plan_next(index, at);
    }

    fn go_home(&mut self, seat: usize, at: At) {
        self.close(seat, at);
        self.seats[seat].person.leave();
    }

    /// Ends the visit that `seat` is in, if any.
    fn close(&mut self, seat: usize, at: At) {
        let Seat { person, browser } = &mut self.seats[seat];
        if browser.take().is_some() {
            self.tally.visited(at - person.since);
            self.tally.counts[Count::Left] += 1;
        }
        let at_work = at >= person.arrives && person.visit > 0 && person.ends > 0;
        if at_work {
            self.tally.lacked(person.ends, at.min(person.leaves));
            self.tally.worked(at.min(person.leaves) - person.arrives);
            if person.was_hit && !person.has_recovered && person.was_there(self.plan) {
                self.tally.counts[Count::Lost] += 1;
            }
        }
    }

    fn plan_next(&mut self, index: usize, at: At) {
        let Seat { person, browser } = &mut self.seats[index];
        if std::mem::take(&mut person.is_signed_out) {
            *browser = None;
            person.back = at + BY_HAND;
        }
        let next = match browser {
            Some(open) => open.next().min(person.ask).min(person.leaves),
            None => person.back,
        };
        // An entry that comes earlier than need be finds out by itself.
        if next < person.planned || person.planned <= at {
            person.planned = next;
            self.calendar.note(Entry { seat: index as u32, at: next, due: Due::Wake });
        }
    }

    /// Measures what the clients take, when most of them are there.
    fn measure(&mut self, at: At) {
        let open = self.seats.iter().filter_map(|seat| seat.browser.as_ref());
        let (clients, on_disk) =
            open.fold((0, 0), |(count, bytes), browser| (count + 1, bytes + browser.on_disk()));
        if clients * 2 < self.seats.len() {
            return;
        }
        let others = self.calendar.bytes()
            + self.outbox.capacity() * size_of::<Sent>()
            + self.tally.bytes()
            + self.seats.capacity() * size_of::<Seat<B>>();
        let held = (memory::held() - self.held_before).max(0) as usize;
        let bytes = (held + clients * size_of::<B>()).saturating_sub(others + on_disk);
        self.tally.weigh(at, Sample { clients, bytes, on_disk });
    }
}

/// A person signs in, if the server is there.
fn sign_in<B: Browser>(browser: &mut Option<B>, moment: &mut Moment<'_>) {
    if moment.plan.is_out(moment.at) {
        moment.person.was_hit = true;
        moment.person.back = moment.at + BY_HAND;
        return;
    }
    let ticket = moment.person.account.sign_in();
    moment.tally.counts[Count::SignedIn] += 1;
    moment.person.visit += 1;
    moment.person.since = moment.at;
    if moment.person.ends == 0 {
        moment.person.ends = moment.at;
    }
    moment.holds_token();
    *browser = Some(B::open(ticket, moment));
}

/// How long it takes a person to notice that they are signed out, and to sign in.
const BY_HAND: At = MINUTE;
