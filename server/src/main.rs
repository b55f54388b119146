//! The `evertoken-server` binary: reads the command line, serves, and stops on SIGTERM or SIGINT.

use std::process::ExitCode;

use clap::Parser;
use evertoken_server::{Args, Config, Server, process};

fn main() -> ExitCode {
    let config = match Config::try_from(Args::parse()) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    process::raise_open_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = runtime.block_on(run(config));
    // A password being hashed must not hold the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let parent = config.parent_pid;
    // Installed before the line is printed: whoever reads it may signal at once.
    let stop = process::stop_signal(parent)?;
    let server = Server::bind(config).await?;
    println!("listening {}", server.url());
    server.run(stop).await;
    Ok(())
}

fn fail(message: &str) -> ExitCode {
    eprintln!("evertoken-server: {message}");
    ExitCode::FAILURE
}
