//! Listening, accepting, and stopping.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::config::{Config, Port};
use crate::error::ServerFault;
use crate::faults::HangUp;
use crate::routes;
use crate::state::AppState;

/// A server that has its port and its database.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use clap::Parser;
/// use evertoken_server::{Args, Config, Server};
///
/// let args = Args::parse_from(["evertoken-server", "--access-ttl", "30s"]);
/// let server = Server::bind(Config::try_from(args)?).await?;
/// println!("listening {}", server.url());
/// server.run(std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

/// Why a server cannot start.
#[derive(Debug)]
pub struct ServerError(Cause);

#[derive(Debug)]
enum Cause {
    Listen(io::Error),
    State(ServerFault),
}

impl Server {
    /// Opens the database and the port. From here on connections are taken in, and answered once
    /// [`Server::run`] is polled.
    ///
    /// # Errors
    /// When the port is taken or not allowed, or the database cannot be opened.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let listener = listen(&config).map_err(|error| ServerError(Cause::Listen(error)))?;
        let address = listener.local_addr().map_err(|error| ServerError(Cause::Listen(error)))?;
        let state = AppState::new(config).await.map_err(|fault| ServerError(Cause::State(fault)))?;
        Ok(Self { listener, address, router: routes::router(state) })
    }

    /// Where the server is reached, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests until `stop` ends. Requests under way then have 1.5 s to finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        tokio::spawn(serve(stream, self.router.clone(), connections.watcher()));
                    }
                    // Usually too many open files: some have to close before it goes on.
                    Err(error) => {
                        eprintln!("evertoken-server: accept: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = &mut stop => break,
            }
        }
        drop(self.listener);
        // Those that take longer end with the runtime; there is nobody left to tell.
        let _ = tokio::time::timeout(LAST_ANSWERS, connections.shutdown()).await;
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Cause::Listen(error) => write!(f, "listen: {error}"),
            Cause::State(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Listen(error) => Some(error),
            Cause::State(fault) => Some(fault),
        }
    }
}

fn listen(config: &Config) -> io::Result<TcpListener> {
    match config.port {
        Port::Exactly(port) => listen_on(config.host, port),
        Port::Preferably(port) => match listen_on(config.host, port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => listen_on(config.host, 0),
            outcome => outcome,
        },
    }
}

fn listen_on(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = if host.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the connections of the last run to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind((host, port).into())?;
    // With the usual queue of 128 a burst of connections overflows it, and each that does waits a second.
    socket.listen(BACKLOG)
}

async fn serve(stream: TcpStream, router: Router, watcher: Watcher) {
    // Answers are small; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request));
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // An error is a client that went away, or a connection closed on purpose.
    let _ = watcher.watch(connection).await;
}

/// The answer of the routes, or an error that makes hyper close the connection without one.
async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, ClosedOnPurpose> {
    let outcome: Result<Response, Infallible> = TowerToHyperService::new(router).call(request).await;
    let Ok(response) = outcome;
    if response.extensions().get::<HangUp>().is_some() { Err(ClosedOnPurpose) } else { Ok(response) }
}

#[derive(Debug)]
struct ClosedOnPurpose;

impl std::fmt::Display for ClosedOnPurpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose by a fault")
    }
}

impl std::error::Error for ClosedOnPurpose {}

const BACKLOG: u32 = 4096;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const LAST_ANSWERS: Duration = Duration::from_millis(1_500);
