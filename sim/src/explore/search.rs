//! The search: breadth first, on every core.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use super::bounds::{Bounds, Setting};
use super::outputs::Broken;
use super::step::{Step, Successor};
use super::world::World;
use crate::invariant::Violation;

/// What an exploration has come to.
#[derive(Debug)]
pub struct Outcome {
    /// States that differ.
    pub states: usize,
    pub transitions: usize,
    /// The length of the longest of the shortest paths to a state.
    pub depth: usize,
    /// States that nothing follows, within the bounds.
    pub leaves: usize,
    /// States from which a calm was run.
    pub calms: usize,
    /// Whether no state within the bounds was left out.
    pub complete: bool,
    pub finding: Option<Finding>,
    /// Real time.
    pub took: Duration,
}

/// A promise that was broken, with a shortest path there.
#[derive(Debug)]
pub struct Finding {
    pub violation: Violation,
    /// What happened, one line for each step.
    pub path: Vec<String>,
    /// What went in and out of the engines meanwhile.
    pub trace: Vec<String>,
}

/// Visits every state that can be reached within `bounds`, until a promise is broken. `progress` is told the depth and
/// the number of states after each layer.
pub fn explore(bounds: &Bounds, setting: Setting, progress: impl Fn(usize, usize)) -> Outcome {
    let mut search = Search::new(bounds, setting);
    search.run(&progress);
    search.outcome
}

struct Search<'a> {
    bounds: &'a Bounds,
    setting: Setting,
    began: Instant,
    visited: Visited,
    /// For each state, whence it was reached and how.
    nodes: Vec<(u32, Step)>,
    outcome: Outcome,
}

/// A state whose successors are still to be found.
struct Open {
    node: u32,
    world: World,
}

/// What comes of one state.
#[derive(Default)]
struct Expansion {
    children: Vec<Child>,
    transitions: usize,
    leaves: usize,
    calms: usize,
    broken: Option<(u32, Option<Step>, Broken)>,
}

struct Child {
    parent: u32,
    step: Step,
    print: u64,
    world: World,
}

impl<'a> Search<'a> {
    fn new(bounds: &'a Bounds, setting: Setting) -> Self {
        let outcome = Outcome {
            states: 0,
            transitions: 0,
            depth: 0,
            leaves: 0,
            calms: 0,
            complete: true,
            finding: None,
            took: Duration::ZERO,
        };
        let visited = Visited::default();
        Self { bounds, setting, began: Instant::now(), visited, nodes: Vec::new(), outcome }
    }

    fn run(&mut self, progress: &impl Fn(usize, usize)) {
        match World::new(self.bounds, self.setting) {
            Err(violation) => {
                self.outcome.finding =
                    Some(Finding { violation: *violation, path: Vec::new(), trace: Vec::new() });
            }
            Ok(mut world) => {
                self.visited.insert(world.fingerprint());
                self.nodes.push((0, Step::Tick(0)));
                let mut layer = vec![Open { node: 0, world }];
                while !layer.is_empty() && self.outcome.finding.is_none() {
                    if self.outcome.depth == self.bounds.depth || self.nodes.len() >= self.bounds.states {
                        self.outcome.complete = false;
                        break;
                    }
                    layer = self.expand(layer);
                    self.outcome.depth += usize::from(!layer.is_empty());
                    progress(self.outcome.depth, self.nodes.len());
                }
            }
        }
        self.outcome.complete &= self.outcome.finding.is_none();
        self.outcome.states = self.nodes.len();
        self.outcome.took = self.began.elapsed();
    }

    /// Finds the states that follow those of a layer and are new.
    fn expand(&mut self, layer: Vec<Open>) -> Vec<Open> {
        let mut next = Vec::new();
        let mut layer = layer.into_iter();
        loop {
            let batch: Vec<Open> = layer.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return next;
            }
            for expansion in self.expand_batch(&batch) {
                self.outcome.transitions += expansion.transitions;
                self.outcome.leaves += expansion.leaves;
                self.outcome.calms += expansion.calms;
                for child in expansion.children {
                    if self.visited.insert(child.print) {
                        next.push(Open { node: self.nodes.len() as u32, world: child.world });
                        self.nodes.push((child.parent, child.step));
                    }
                }
                if let Some((node, step, violation)) = expansion.broken {
                    self.outcome.finding = Some(self.retrace(node, step, *violation));
                    return Vec::new();
                }
            }
            if self.nodes.len() >= self.bounds.states {
                self.outcome.complete = false;
                return next;
            }
        }
    }

    fn expand_batch(&self, batch: &[Open]) -> Vec<Expansion> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let share = batch.len().div_ceil(cores).max(1);
        thread::scope(|scope| {
            let work = |open: &[Open]| self.expand_all(open);
            let workers: Vec<_> = batch.chunks(share).map(|open| scope.spawn(move || work(open))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    fn expand_all(&self, open: &[Open]) -> Expansion {
        let mut all = Expansion::default();
        let mut seen = Visited::default();
        for Open { node, world } in open {
            let successors = self.successors(world);
            all.leaves += usize::from(successors.is_empty());
            if successors.is_empty() || world.clone().fingerprint() % CALM_OF == 0 {
                all.calms += 1;
                if let Err(violation) = world.clone().calm() {
                    all.broken = Some((*node, None, violation));
                    return all;
                }
            }
            for (step, mut world, result) in successors {
                all.transitions += 1;
                if let Err(violation) = result {
                    all.broken = Some((*node, Some(step), violation));
                    return all;
                }
                let print = world.fingerprint();
                if !self.visited.contains(&print) && seen.insert(print) {
                    all.children.push(Child { parent: *node, step, print, world });
                }
            }
        }
        all
    }

    fn successors(&self, world: &World) -> Vec<Successor> {
        let full = world.server.live.0 > self.bounds.generations;
        if full { Vec::new() } else { world.successors() }
    }

    /// Goes the path to a node and one step beyond once more, or into the calm, and tells all that happens.
    fn retrace(&self, node: u32, last: Option<Step>, violation: Violation) -> Finding {
        let mut steps: Vec<Step> = last.into_iter().collect();
        let mut at = node;
        while at != 0 {
            let (parent, step) = self.nodes[at as usize];
            steps.push(step);
            at = parent;
        }
        steps.reverse();
        let mut finding = Finding { violation, path: Vec::new(), trace: Vec::new() };
        let Ok(mut world) = World::new(self.bounds, self.setting) else {
            return finding;
        };
        world.trace = Some(Vec::new());
        for step in &steps {
            if let Some((_, next, _)) = world.successors().into_iter().find(|(other, ..)| other == step) {
                world = next;
            }
            let (seconds, ms) = (world.elapsed / 1_000, world.elapsed % 1_000);
            finding.path.push(format!("{:3}  {seconds:4}.{ms:03} s  {step}", finding.path.len() + 1));
        }
        if last.is_none() {
            world.note(|| "-- calm".into());
            // How it ends is known.
            let _ = world.calm();
        }
        finding.trace = world.trace.unwrap_or_default();
        finding
    }
}

type Visited = HashSet<u64, BuildHasherDefault<Printed>>;

/// Fingerprints are hashes already.
#[derive(Default)]
struct Printed(u64);

impl Hasher for Printed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

/// How many states are expanded before what was found is put together.
const BATCH: usize = 16_384;
/// Of the states that are no leaves, one in so many is followed by a calm.
const CALM_OF: u64 = 64;
