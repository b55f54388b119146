//! What the shell waits for, each in a task of its own.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortSignal;

use super::request;
use super::shell::Shell;
use crate::engine::answer::Outcome;
use crate::engine::endpoint::HttpRequest;
use crate::engine::ids::{AttemptId, StoreOp};
use crate::engine::input::{Input, Stored};
use crate::engine::output::TokenRequest;
use crate::engine::secret::Secret;

/// One kind of task for everything: each kind that is spawned costs its own code.
pub(super) enum Job {
    Read(StoreOp, Promise),
    Revoke(HttpRequest),
    Send(AttemptId, TokenRequest, AbortSignal),
    Write(StoreOp, Promise),
}

/// Begins `job`; what comes of it is given to the engine.
pub(super) fn begin(shell: &Rc<Shell>, job: Job) {
    spawn_local(run(Rc::clone(shell), job));
}

async fn run(shell: Rc<Shell>, job: Job) {
    let (promise, job) = match job {
        Job::Read(_, ref promise) | Job::Write(_, ref promise) => (Ok(promise.clone()), job),
        Job::Send(attempt, TokenRequest::Call(request), signal) => {
            let promise = request::call(&shell, &request, &signal);
            (promise, Job::Send(attempt, TokenRequest::Call(request), signal))
        }
        Job::Send(attempt, TokenRequest::Http(request), signal) => {
            let outcome = match request::send(&shell, &request, Some(&signal)).await {
                Ok(answer) => Outcome::Answered(answer),
                Err(_) => Outcome::Unreachable,
            };
            return shell.answered(attempt, outcome);
        }
        Job::Revoke(request) => {
            // Signing out never depends on this.
            let _ = request::send(&shell, &request, None).await;
            return;
        }
    };
    let outcome = match promise {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match job {
        Job::Read(op, _) => shell.handle(read(op, outcome)),
        Job::Write(op, _) => shell.handle(written(op, &outcome)),
        Job::Send(attempt, ..) => shell.answered(attempt, request::called(outcome)),
        Job::Revoke(_) => {}
    }
}

/// What a store gave when it was read. What is no text is none; one that failed may hold a session all the same.
pub(super) fn read(op: StoreOp, outcome: Result<JsValue, JsValue>) -> Input {
    match outcome {
        Ok(text) => Input::StoreRead { op, text: text.as_string().map(Secret::new), fence: None },
        Err(_) => Input::StoreFailed(op),
    }
}

/// Whether a store took what was written.
pub(super) fn written(op: StoreOp, outcome: &Result<JsValue, JsValue>) -> Input {
    let stored = match outcome {
        Ok(written) if written.is_falsy() && !written.is_undefined() => Stored::Conflict,
        Ok(_) => Stored::Durably,
        Err(_) => Stored::Failed,
    };
    Input::StoreWritten { op, stored }
}
