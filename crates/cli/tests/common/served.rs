//! An AWS of the test's own behind real HTTP: `landing sandbox serve`'s server, with a wire in front of it that counts every request and can do something to it.
//!
//! The test holds the account itself, so that it need not ask over the wire what stands there.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landing_sandbox::{Sandbox, World, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request, as it went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Counted from 0 since the last [`Served::watch`].
    pub(crate) index: usize,
    /// The operation, or method and path where the protocol is REST.
    pub(crate) operation: String,
    pub(crate) mutating: bool,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// The strike falls when the request is there; AWS never sees it.
    StrikeUnseen,
    /// The strike falls when AWS has acted; nobody hears the answer.
    StrikeUnanswered,
    /// The strike falls when the answer is out.
    StrikeAnswered,
    /// AWS acts, and the answer comes so much later.
    Late(Duration),
    /// AWS acts, and the answer never comes.
    Never,
}

type Judge = Box<dyn Fn(&Call) -> Fate + Send>;
type Strike = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Wire {
    count: AtomicUsize,
    calls: Mutex<Vec<Call>>,
    judge: Mutex<Option<Judge>>,
    strike: Mutex<Option<Strike>>,
}

pub(crate) struct Served {
    pub(crate) sandbox: Sandbox,
    pub(crate) url: String,
    pub(crate) scale: f64,
    wire: Arc<Wire>,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    /// An empty account in which `scale` seconds pass in one.
    pub(crate) fn new(scale: f64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads for the server");
        let wire = Arc::new(Wire::default());
        let (sandbox, address) = runtime.block_on(async {
            let sandbox = Sandbox::new(World::new("us-west-2"), scale);
            let behind = TcpListener::bind("127.0.0.1:0").await.expect("a port for the sandbox");
            let front = TcpListener::bind("127.0.0.1:0").await.expect("a port for the wire");
            let (aws, address) = (behind.local_addr().expect("it is bound"), front.local_addr().expect("it is bound"));
            tokio::spawn(serve(sandbox.clone(), behind));
            tokio::spawn(accept(front, aws, wire.clone()));
            (sandbox, address)
        });
        Self { sandbox, url: format!("http://{address}"), scale, wire, _runtime: runtime }
    }

    /// Counts from 0 again, and lets `judge` decide about every request from now on.
    pub(crate) fn watch(&self, judge: impl Fn(&Call) -> Fate + Send + 'static) {
        *lock(&self.wire.strike) = None;
        *lock(&self.wire.judge) = Some(Box::new(judge));
        lock(&self.wire.calls).clear();
        self.wire.count.store(0, Ordering::SeqCst);
    }

    /// What a strike does. Requests that are to be struck before this is known wait for it.
    pub(crate) fn strike_with(&self, strike: impl Fn() + Send + 'static) {
        *lock(&self.wire.strike) = Some(Box::new(strike));
    }

    /// Requests since the last [`Served::watch`].
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.wire.calls).clone()
    }

    pub(crate) fn mutations(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect()
    }

    /// Every object in the account.
    pub(crate) fn objects(&self) -> BTreeSet<String> {
        self.sandbox.with_world(|world| world.objects())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    fn judge(&self, request: &Message) -> (Call, Fate) {
        let (operation, mutating) = request.operation();
        let call = Call { index: self.count.fetch_add(1, Ordering::SeqCst), operation, mutating };
        lock(&self.calls).push(call.clone());
        let fate = lock(&self.judge).as_ref().map_or(Fate::Answered, |judge| judge(&call));
        (call, fate)
    }

    async fn strike(&self) {
        loop {
            if let Some(strike) = lock(&self.strike).as_ref() {
                strike();
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn accept(front: TcpListener, aws: SocketAddr, wire: Arc<Wire>) {
    while let Ok((client, _)) = front.accept().await {
        let wire = wire.clone();
        // A process that was killed leaves its connections broken; that is the end of them and of nothing else.
        tokio::spawn(async move { connection(client, aws, &wire).await });
    }
}

async fn connection(mut client: TcpStream, aws: SocketAddr, wire: &Wire) -> io::Result<()> {
    let mut server = TcpStream::connect(aws).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    while let Some(request) = read(&mut client, &mut from_client, true).await? {
        let (_, fate) = wire.judge(&request);
        if fate == Fate::StrikeUnseen {
            wire.strike().await;
            return Ok(());
        }
        server.write_all(&request.bytes).await?;
        let has_body = !request.bytes.starts_with(b"HEAD ");
        let Some(reply) = read(&mut server, &mut from_server, has_body).await? else { return Ok(()) };
        match fate {
            Fate::StrikeUnanswered => {
                wire.strike().await;
                return Ok(());
            }
            Fate::Late(by) => tokio::time::sleep(by).await,
            Fate::Never => std::future::pending().await,
            _ => {}
        }
        client.write_all(&reply.bytes).await?;
        if fate == Fate::StrikeAnswered {
            wire.strike().await;
        }
    }
    Ok(())
}

/// Head and body of a request or a reply, as they are on the wire.
struct Message {
    bytes: Vec<u8>,
    head: usize,
}

/// The next message; `None` when the connection ends. `rest` keeps what was read too far.
async fn read(from: &mut TcpStream, rest: &mut Vec<u8>, has_body: bool) -> io::Result<Option<Message>> {
    loop {
        if let Some(head) = rest.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) {
            let length = if has_body {
                header(&rest[..head], "content-length").and_then(|text| text.parse().ok()).unwrap_or(0)
            } else {
                0
            };
            if rest.len() >= head + length {
                let bytes = rest.drain(..head + length).collect();
                return Ok(Some(Message { bytes, head }));
            }
        }
        if from.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    }
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

impl Message {
    /// What is asked for, and whether it changes anything; told from the request alone.
    fn operation(&self) -> (String, bool) {
        let (head, body) = self.bytes.split_at(self.head);
        let read =
            |name: &str| ["Describe", "Get", "List", "BatchGet", "Head", "Filter"].iter().any(|prefix| name.starts_with(prefix));
        if let Some(target) = header(head, "x-amz-target") {
            let name = target.rsplit('.').next().unwrap_or_default().to_owned();
            let mutating = !read(&name);
            return (name, mutating);
        }
        let body = String::from_utf8_lossy(body);
        if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
            return (action.to_owned(), !read(action));
        }
        let line = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_owned();
        let mutating = !(line.starts_with("GET ") || line.starts_with("HEAD "));
        (line.trim_end_matches(" HTTP/1.1").to_owned(), mutating)
    }
}
