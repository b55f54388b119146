//! What an engine takes of a machine.

use evertoken::engine::ids::CallId;
use evertoken::engine::input::{Input, SessionMode, Stored};
use evertoken::engine::output::Output;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::Session;
use evertoken::engine::time::{Mono, Now, UnixMillis};
use evertoken::engine::{Engine, Options};
use evertoken_sim::fleet::{Counting, Plan, Policy, Scenario, allocations, held, run_policy};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn an_engine_takes_768_bytes_at_most() {
    assert!(size_of::<Engine>() <= 768, "{}", size_of::<Engine>());
}

#[test]
fn a_session_takes_256_bytes_at_most() {
    assert!(size_of::<Session>() <= 256, "{}", size_of::<Session>());
}

/// A page that has been opened and has nothing to do costs nothing but its timer.
#[test]
fn an_idle_poll_allocates_nothing() {
    let mut page = Page::signed_in();
    for second in 1..400 {
        let before = (allocations(), held());
        page.now = at(second * 1_000);
        page.engine.handle(page.now, Input::Tick);
        let output = page.engine.poll_output();
        let deadline = page.engine.poll_timeout();
        assert_eq!((allocations(), held()), before, "second {second}");
        assert!(output.is_none() && deadline.is_some(), "second {second}: {output:?}");
    }
}

#[test]
fn what_an_engine_has_said_leaves_no_buffer_behind() {
    let mut page = Page::signed_in();
    let before = held();
    for second in 1..20 {
        page.feed(at(second), Input::Wake(evertoken::engine::input::Wake::Focus));
    }
    assert!(held() <= before, "{} bytes more", held() - before);
}

/// As `evertoken-sim fleet` measures it.
#[test]
fn a_client_of_a_fleet_takes_a_kilobyte_at_most() {
    let report = run_policy(Policy::Evertoken, &Plan::new(2_000, 2, Scenario::Calm, 1), 1);
    let bytes = report.client_bytes().expect("clients at rest");
    assert!((500.0..=1_024.0).contains(&bytes), "{bytes}");
}

/// An engine with a store that answers at once.
struct Page {
    engine: Engine,
    now: Now,
    store: Option<Secret>,
}

impl Page {
    fn signed_in() -> Self {
        let mut options = Options::default();
        for (option, text) in [("refresh.kind", "endpoint"), ("refresh.url", "https://id.example/refresh")] {
            options.text(option, text.into()).expect("a valid option");
        }
        let mut config = options.into_config().expect("options that go together");
        config.trail = 0;
        let mut page = Self { engine: Engine::new(config, 1), now: at(0), store: None };
        page.feed(at(0), Input::Restore);
        let response =
            r#"{"access_token":"an-access-token","refresh_token":"a-refresh-token","expires_in":900}"#;
        let response = Secret::new(response.into());
        page.feed(at(0), Input::SetTokens { call: CallId(1), response, session: SessionMode::New });
        page
    }

    fn feed(&mut self, now: Now, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.engine.handle(now, input);
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::ReadStore(op) => {
                        inputs.push(Input::StoreRead { op, text: self.store.clone(), fence: None })
                    }
                    Output::WriteStore(op, text) => {
                        self.store = text.text;
                        inputs.push(Input::StoreWritten { op, stored: Stored::Durably });
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Milliseconds since the page was opened.
fn at(elapsed: u64) -> Now {
    Now { mono: Mono::new(elapsed), wall: UnixMillis(1_767_225_600_000 + elapsed as i64) }
}
