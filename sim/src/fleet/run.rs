//! A run: the fleet on all cores, and the one server that they share.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::browser::Browser;
use super::calendar::{SLICE, slice};
use super::plan::{At, HOUR, Plan};
use super::server::Limit;
use super::shard::{Arrival, Shard};
use super::tally::Tally;

/// What a shard is told to do.
struct Turn {
    /// How many of the requests of its last turn the server takes.
    taken: usize,
    slice: usize,
    /// The list of its last arrivals, to be used again.
    arrivals: Vec<Arrival>,
}

/// What came of a turn.
struct Played {
    arrivals: Vec<Arrival>,
    next: Option<usize>,
}

/// A shard as the server sees it.
struct Line {
    turns: Sender<Turn>,
    played: Receiver<Played>,
    last: Played,
    taken: usize,
}

/// Runs a fleet of `B` on `threads` threads.
///
/// The clients see each other only through the server's limit. So time is cut into slices that are no longer than the
/// quickest answer: within one, every thread plays its clients by itself; between two, the requests of all are put in
/// order and the limit is applied. What happens does not depend on how many threads there are or how they are run.
pub(crate) fn play<B: Browser>(plan: &Plan, threads: usize) -> Tally {
    let threads = (threads.max(1) as u32).min(plan.clients.max(1));
    thread::scope(|scope| {
        let mut lines = Vec::new();
        let mut workers = Vec::new();
        for number in 0..threads {
            let (turns, my_turns) = mpsc::channel();
            let (my_played, played) = mpsc::channel();
            let share =
                |number: u32| (u64::from(plan.clients) * u64::from(number) / u64::from(threads)) as u32;
            let clients = share(number)..share(number + 1);
            workers.push(scope.spawn(move || work::<B>(plan, clients, &my_turns, &my_played)));
            lines.push(Line {
                turns,
                played,
                last: Played { arrivals: Vec::new(), next: Some(0) },
                taken: 0,
            });
        }
        direct::<B>(plan, &mut lines);
        drop(lines);
        let mut total = Tally::new(plan);
        for worker in workers {
            match worker.join() {
                Ok(tally) => total.add(&tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        total
    })
}

/// Lets the shards play slice by slice, and the server decide between two. A shard that is gone has panicked: then the
/// run is over.
fn direct<B: Browser>(plan: &Plan, lines: &mut [Line]) {
    let mut limit = Limit::new(plan);
    let end = slice(plan.end());
    let mut hours = 0;
    while let Some(slice) = lines.iter().filter_map(|line| line.last.next).min().filter(|slice| *slice < end)
    {
        let begun = slice as At * SLICE / HOUR;
        if begun > hours && plan.clients >= LARGE {
            eprintln!("{}: {begun} of {} hours", B::NAME, plan.end() / HOUR);
        }
        hours = begun;
        for line in &mut *lines {
            let arrivals = std::mem::take(&mut line.last.arrivals);
            if line.turns.send(Turn { taken: line.taken, slice, arrivals }).is_err() {
                return;
            }
        }
        for line in &mut *lines {
            let Ok(played) = line.played.recv() else {
                return;
            };
            line.last = played;
        }
        let wanted = lines.iter().map(|line| line.last.arrivals.len()).sum();
        let taken = limit.take(wanted, (slice as At + 1) * SLICE);
        share_out(taken, wanted, lines);
    }
}

/// First come, first served.
fn share_out(taken: usize, wanted: usize, lines: &mut [Line]) {
    if taken == wanted {
        for line in lines {
            line.taken = line.last.arrivals.len();
        }
        return;
    }
    for line in &mut *lines {
        line.taken = 0;
    }
    for _ in 0..taken {
        let first = lines.iter_mut().min_by_key(|line| {
            let arrival = line.last.arrivals.get(line.taken);
            (arrival.is_none(), arrival.copied())
        });
        if let Some(line) = first {
            line.taken += 1;
        }
    }
}

fn work<B: Browser>(
    plan: &Plan,
    clients: std::ops::Range<u32>,
    turns: &Receiver<Turn>,
    played: &Sender<Played>,
) -> Tally {
    let mut shard = Shard::<B>::new(plan, clients);
    let mut entries = Vec::new();
    while let Ok(Turn { taken, slice, mut arrivals }) = turns.recv() {
        shard.serve(taken);
        shard.play(slice, &mut entries, &mut arrivals);
        if played.send(Played { arrivals, next: shard.next() }).is_err() {
            break;
        }
    }
    shard.finish()
}

/// A fleet of so many takes long enough for somebody to wonder.
const LARGE: u32 = 100_000;
