//! A watcher, and the server's closed connections.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, timeout};

use super::{Client, client, code, text};
use crate::{Faults, Moment, Sandbox, Sight, Then, Watcher, World, serve};

/// Notes how many objects there are at each moment, and does something at one of them.
struct Spy {
    at: (Moment, &'static str),
    then: Then,
    notes: Mutex<Vec<(Moment, String, bool, usize)>>,
    essences: Mutex<Vec<String>>,
}

impl Watcher for Spy {
    fn see(&self, moment: Moment, call: Sight<'_>, world: &World) -> Then {
        let note = (moment, format!("{}:{}", call.service, call.operation), call.read, world.objects().len());
        self.notes.lock().unwrap().push(note);
        self.essences.lock().unwrap().push(world.fork().essence());
        if (moment, call.operation) == self.at { self.then } else { Then::Go }
    }
}

fn spied(at: (Moment, &'static str), then: Then) -> (Client, Arc<Spy>) {
    let aws = client("");
    let spy = Arc::new(Spy { at, then, notes: Mutex::default(), essences: Mutex::default() });
    aws.sandbox.watch(spy.clone());
    (aws, spy)
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_each_call_before_and_after_its_effect() {
    let (aws, spy) = spied((Moment::Acted, "nothing"), Then::Go);
    let before = aws.objects("");
    aws.vpc().await;
    aws.ec2("DescribeVpcs", &[]).await.ok();
    let notes = spy.notes.lock().unwrap().clone();
    let (made, read) = ("ec2:CreateVpc".to_owned(), "ec2:DescribeVpcs".to_owned());
    assert_eq!(
        notes,
        [
            (Moment::Received, made.clone(), false, before),
            (Moment::Acted, made, false, before + 1),
            (Moment::Received, read.clone(), true, before + 1),
            (Moment::Acted, read, true, before + 1),
        ]
    );
    let essences = spy.essences.lock().unwrap().clone();
    assert_ne!(essences[0], essences[1]);
    assert_eq!(essences[1..], [essences[1].clone(), essences[1].clone(), essences[1].clone()], "reads and time change nothing");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_holds_a_call_back_for_ever() {
    for (moment, made) in [(Moment::Received, 0), (Moment::Acted, 1)] {
        let (aws, _) = spied((moment, "CreateVpc"), Then::Hold);
        let call = aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]);
        assert!(timeout(Duration::from_secs(86_400), call).await.is_err());
        assert_eq!(aws.vpcs(), made);
        assert_eq!(code(&aws.ec2("DescribeVpcs", &[]).await), "200", "others go on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_cuts_a_call_off() {
    for (moment, made) in [(Moment::Received, 0), (Moment::Acted, 1)] {
        let (aws, _) = spied((moment, "CreateVpc"), Then::Cut);
        assert_eq!(text(&aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await), "closed");
        assert_eq!(aws.vpcs(), made);
    }
}

/// On a real socket, so on the real clock; a call takes a third of a millisecond at this pace.
#[tokio::test]
async fn over_tcp_a_closed_connection_is_closed_without_a_byte() {
    let faults = Faults::from_toml("calls = [{ on = 'ec2:CreateVpc', nth = [1], what = 'lost' }]").unwrap();
    let sandbox = Sandbox::with_faults(World::new("us-west-2"), 1000.0, faults);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(sandbox.clone(), listener));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = "Action=CreateVpc&CidrBlock=10.0.0.0/16";
        let request = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=A/20260101/us-west-2/ec2/aws4_request\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answers.push(answer);
    }
    server.abort();
    assert_eq!(answers[0], "");
    assert!(answers[1].starts_with("HTTP/1.1 200 OK"), "{}", answers[1]);
    assert_eq!(sandbox.with_world(|world| world.objects().iter().filter(|line| line.starts_with("ec2:vpc ")).count()), 3);
}
