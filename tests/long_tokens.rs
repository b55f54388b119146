//! A token as long as it likes costs no memory to read, and work in proportion.
//!
//! A binary of its own: it counts what is allocated, and measures while nothing else runs.
#[path = "corpora/jwt/mod.rs"]
mod corpus;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use corpus::Case;
use evertoken::engine::jwt;

#[test]
fn reading_allocates_nothing_and_its_work_grows_no_faster_than_the_token() {
    // In this order: work that grows faster shall be seen on short tokens, not waited for on long ones.
    work_is_proportional();
    nothing_is_allocated();
}

fn nothing_is_allocated() {
    let before = allocations();
    drop(black_box(vec![0_u8; 16]));
    assert_eq!(allocations() - before, 1, "allocations are counted");
    for Case { name, token, expected } in corpus::lines().into_iter().chain(corpus::big::cases()) {
        let before = allocations();
        let read = corpus::dates(jwt::claims(black_box(&token)).as_ref());
        let count = allocations() - before;
        assert_eq!(count, 0, "{name}");
        assert_eq!(read, expected, "{name}");
    }
}

/// Sixteen times the length may take sixteen times as long; were the work to grow with the square, it would be 256
/// times. A machine that is disturbed is measured until it has had a quiet moment.
fn work_is_proportional() {
    for (short, long) in corpus::big::long(2_000).into_iter().zip(corpus::big::long(16 * 2_000)) {
        let mut least = [Duration::MAX; 2];
        let mut rounds = 0;
        while rounds < 9 || least[1] > least[0] * 64 {
            least = [least[0].min(time(&short.token)), least[1].min(time(&long.token))];
            rounds += 1;
            assert!(rounds < 100, "{}: {least:?}", long.name);
        }
    }
}

fn time(token: &str) -> Duration {
    let began = Instant::now();
    let texts = jwt::claims(token).map(|claims| (claims.issuer(), claims.subject()));
    drop(black_box((texts, jwt::decode(token))));
    began.elapsed()
}

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "nothing else sees every allocation")]
// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
