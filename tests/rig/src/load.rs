//! Open-loop load: requests start at a fixed rate whatever became of those
//! before, and each one's latency counts from the moment it was due. A stall
//! then shows in every request that would have come during it, not in the few
//! that a waiting client would have sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Method, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::clock::Moment;

/// What load to make.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The web server.
    pub target: SocketAddr,
    /// Path and query before the token: `/order?token=`.
    pub path: String,
    /// Requests per second.
    pub rate: f64,
    /// After this a request counts as failed.
    pub patience: Duration,
}

impl LoadOptions {
    /// Orders, at `rate` per second.
    pub fn orders(target: SocketAddr, rate: f64) -> Self {
        Self {
            target,
            path: "/order?token=".into(),
            rate,
            patience: Duration::from_secs(60),
        }
    }
}

/// What the application said; all of it optional, since a failure says less.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Answer {
    /// The node the request was served by, or failed on.
    pub node: Option<String>,
    /// The connection's number on that node.
    pub connection: Option<u64>,
    /// The database's error number.
    pub errno: Option<u32>,
    /// The error's text.
    pub error: Option<String>,
    /// The exception's class.
    pub class: Option<String>,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name, in the URL, in the database, and in the application's logs.
    pub token: String,
    /// When it was due.
    pub due: Moment,
    /// When it was sent.
    pub sent: Moment,
    /// When its answer was complete, or it failed.
    pub ended: Moment,
    /// The HTTP status; 0 if none came.
    pub status: u16,
    /// What the application said.
    pub answer: Answer,
}

impl Request {
    /// Whether the application acknowledged it.
    pub fn succeeded(&self) -> bool {
        self.status == 200
    }

    /// From when it was due until it ended.
    pub fn latency(&self) -> Duration {
        self.ended.since(self.due)
    }
}

/// Load being made, until it is stopped or dropped.
#[derive(Debug)]
pub struct Load {
    done: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Load {
    /// Starts making load.
    pub fn start(options: LoadOptions) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let done = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicUsize::new(0));
        let (sink, count, stopped) = (done.clone(), sent.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || runtime.block_on(generate(options, sink, count, stopped)))?;
        Ok(Self {
            done,
            sent,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Reads the requests that have ended so far, in the order they ended.
    pub fn so_far<T>(&self, read: impl FnOnce(&[Request]) -> T) -> T {
        read(&lock(&self.done))
    }

    /// Requests sent and not ended.
    pub fn under_way(&self) -> usize {
        let ended = self.so_far(<[Request]>::len);
        self.sent.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// Sends no more, waits for what is under way and returns all requests in
    /// the order they were due.
    pub fn finish(&self) -> Result<Vec<Request>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            thread
                .join()
                .map_err(|_| anyhow!("the load generator failed"))?;
        }
        let mut requests = std::mem::take(&mut *lock(&self.done));
        requests.sort_by_key(|request| request.due);
        Ok(requests)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

type Http = Client<HttpConnector, Empty<Bytes>>;

async fn generate(
    options: LoadOptions,
    done: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    // A request that may have been sent is never sent again.
    let http: Http = Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .build(connector);
    let step = Duration::from_secs_f64(1.0 / options.rate);
    let (epoch, began) = (tokio::time::Instant::now(), Moment::now());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let after = step * number;
        tokio::time::sleep_until(epoch + after).await;
        let (http, options, done) = (http.clone(), options.clone(), done.clone());
        let (token, due) = (format!("{:014x}{number:08}", began.0), began + after);
        sent.fetch_add(1, Ordering::Relaxed);
        tasks.spawn(async move {
            let request = send(http, &options, token, due).await;
            lock(&done).push(request);
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

async fn send(http: Http, options: &LoadOptions, token: String, due: Moment) -> Request {
    let sent = Moment::now();
    let (status, answer) =
        match tokio::time::timeout(options.patience, exchange(http, options, &token)).await {
            Ok(Ok((status, body))) => (status, understand(&body)),
            Ok(Err(error)) => (0, failure(&format!("{error:#}"))),
            Err(_) => (0, failure("no answer in time")),
        };
    Request {
        token,
        due,
        sent,
        ended: Moment::now(),
        status,
        answer,
    }
}

async fn exchange(http: Http, options: &LoadOptions, token: &str) -> Result<(u16, Bytes)> {
    let uri: Uri = format!("http://{}{}{token}", options.target, options.path).parse()?;
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header("Accept", "application/json")
        .body(Empty::new())?;
    let response = http.request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

fn understand(body: &[u8]) -> Answer {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let start: String = String::from_utf8_lossy(body).chars().take(300).collect();
        failure(&start)
    })
}

fn failure(text: &str) -> Answer {
    Answer {
        error: Some(text.into()),
        ..Answer::default()
    }
}

fn lock(done: &Mutex<Vec<Request>>) -> MutexGuard<'_, Vec<Request>> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}
