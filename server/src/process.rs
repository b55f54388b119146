//! What the binary has to do with its operating system: signals, its parent, and the number of open files.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getppid, getrlimit, setrlimit, test_kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// A future that ends at SIGTERM, at SIGINT, or when the process `parent` is gone.
///
/// The signals are caught from this call on, not from the first poll.
///
/// # Errors
/// When a signal cannot be caught, or `parent` is no process id.
pub fn stop_signal(parent: Option<u32>) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let parent = parent.map(pid).transpose()?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = end_of(parent) => {}
        }
    })
}

/// Lets the process open as many files as it may: a socket is one, and the usual soft limit is 1,024.
pub fn raise_open_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is not allowed, the limit stays; connections beyond it then wait.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn pid(number: u32) -> io::Result<Pid> {
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "--parent-pid: expected the id of a process")
    })
}

async fn end_of(parent: Option<Pid>) {
    let Some(parent) = parent else { return std::future::pending().await };
    // A dead parent that nobody has waited for still has its id, but no children any more.
    let was_ours = getppid() == Some(parent);
    while test_kill_process(parent).is_ok() && (!was_ours || getppid() == Some(parent)) {
        tokio::time::sleep(PARENT_CHECK).await;
    }
}

const PARENT_CHECK: Duration = Duration::from_millis(250);
