//! Downloads from an HTTP server on loopback that misbehaves in the usual ways.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use narrows_data::catalog::{Dataset, Opens, Remote, fetch};
use narrows_data::{Error, Result};

use super::sha256;

/// What the server does with one request, given where the client wants to start.
type Answer = fn(&mut TcpStream, &[u8], Option<usize>) -> std::io::Result<()>;

fn contents() -> Vec<u8> {
    (0..300_000_u32).map(|value| (value.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn head(stream: &mut TcpStream, status: &str, length: usize, more: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
}

fn whole(stream: &mut TcpStream, body: &[u8], from: Option<usize>) -> std::io::Result<()> {
    let start = from.unwrap_or(0);
    let rest = &body[start..];
    if start > 0 {
        let range = format!("Content-Range: bytes {start}-{}/{}\r\n", body.len() - 1, body.len());
        head(stream, "206 Partial Content", rest.len(), &range)?;
    } else {
        head(stream, "200 OK", rest.len(), "")?;
    }
    stream.write_all(rest)
}

/// Announces everything and stops after a third of it.
fn interrupted(stream: &mut TcpStream, body: &[u8], from: Option<usize>) -> std::io::Result<()> {
    assert_eq!(from, None);
    head(stream, "200 OK", body.len(), "")?;
    stream.write_all(&body[..body.len() / 3])
}

fn ignores_range(stream: &mut TcpStream, body: &[u8], _: Option<usize>) -> std::io::Result<()> {
    head(stream, "200 OK", body.len(), "")?;
    stream.write_all(body)
}

fn wrong_range(stream: &mut TcpStream, body: &[u8], _: Option<usize>) -> std::io::Result<()> {
    head(stream, "206 Partial Content", body.len(), &format!("Content-Range: bytes 0-1/{}\r\n", body.len()))?;
    stream.write_all(body)
}

fn refuses(stream: &mut TcpStream, _: &[u8], _: Option<usize>) -> std::io::Result<()> {
    head(stream, "404 Not Found", 0, "")
}

fn busy(stream: &mut TcpStream, _: &[u8], _: Option<usize>) -> std::io::Result<()> {
    head(stream, "503 Service Unavailable", 0, "")
}

fn falsified(stream: &mut TcpStream, body: &[u8], _: Option<usize>) -> std::io::Result<()> {
    let mut body = body.to_vec();
    body[1234] ^= 1;
    head(stream, "200 OK", body.len(), "")?;
    stream.write_all(&body)
}

fn endless(stream: &mut TcpStream, _: &[u8], _: Option<usize>) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    loop {
        stream.write_all(&[7; 1 << 12])?;
    }
}

/// Answers requests in turn and returns its address and where each request wanted to start.
fn serve(answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<Option<usize>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/data.bin", listener.local_addr().unwrap());
    let log = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&log);
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap() == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap().to_lowercase();
            assert!(request.contains("accept-encoding: identity"), "{request}");
            let from = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
            let from = from.map(|range| range.trim_end_matches('-').parse().unwrap());
            requests.lock().unwrap().push(from);
            // The client may hang up first.
            let _ = answer(&mut stream, &contents(), from);
        }
    });
    (address, log)
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn dataset(url: String, header: Option<&'static str>) -> Dataset {
    let sha256 = leak(sha256(&contents()));
    let remote = Remote { url: leak(url), path: "set/data.bin", size: 300_000, sha256, header };
    Dataset {
        name: "set",
        about: "",
        licence: "",
        citation: "",
        homepage: "",
        opens: Opens::File(&["set/data.bin"]),
        files: Box::leak(Box::new([remote])),
    }
}

fn get(dataset: &Dataset, directory: &Path) -> Result<usize> {
    fetch(dataset, directory, &mut |progress| assert!(progress.done <= progress.total))
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory.join("set")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_whole_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let (url, log) = serve(vec![whole]);
    let dataset = dataset(url, None);
    let mut last = 0;
    assert_eq!(fetch(&dataset, directory.path(), &mut |progress| last = progress.done).unwrap(), 1);
    assert_eq!(last, 300_000);
    assert_eq!(std::fs::read(directory.path().join("set/data.bin")).unwrap(), contents());
    assert_eq!(get(&dataset, directory.path()).unwrap(), 0);
    assert_eq!((names(directory.path()), log.lock().unwrap().len()), (vec!["data.bin".to_owned()], 1));
}

#[test]
fn an_interrupted_transfer_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let (url, log) = serve(vec![interrupted, whole]);
    get(&dataset(url, None), directory.path()).unwrap();
    assert_eq!(*log.lock().unwrap(), [None, Some(100_000)]);
    assert_eq!(std::fs::read(directory.path().join("set/data.bin")).unwrap(), contents());
}

#[test]
fn a_later_run_resumes_what_an_earlier_one_left() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("set")).unwrap();
    std::fs::write(directory.path().join("set/data.bin.part"), &contents()[..7]).unwrap();
    let (url, log) = serve(vec![busy, whole]);
    get(&dataset(url, None), directory.path()).unwrap();
    assert_eq!(*log.lock().unwrap(), [Some(7), Some(7)]);
    assert_eq!(names(directory.path()), ["data.bin"]);
}

#[test]
fn servers_without_ranges_start_over() {
    for (answers, requests) in [
        (vec![interrupted as Answer, ignores_range], vec![None, Some(100_000)]),
        (vec![interrupted, wrong_range, whole], vec![None, Some(100_000), None]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (url, log) = serve(answers);
        get(&dataset(url, None), directory.path()).unwrap();
        assert_eq!(*log.lock().unwrap(), requests);
        assert_eq!(std::fs::read(directory.path().join("set/data.bin")).unwrap(), contents());
    }
}

#[test]
fn wrong_contents_never_get_the_name() {
    let directory = tempfile::tempdir().unwrap();
    let (url, _) = serve(vec![falsified, endless, whole]);
    let dataset = dataset(url, None);
    let error = get(&dataset, directory.path()).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let message = get(&dataset, directory.path()).unwrap_err().to_string();
    assert!(message.contains("more than the catalogued 300000 bytes"), "{message}");
    assert!(names(directory.path()).is_empty());
    get(&dataset, directory.path()).unwrap();
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("set")).unwrap();
    std::fs::write(directory.path().join("set/data.bin"), "damaged").unwrap();
    let (url, _) = serve(vec![whole]);
    assert_eq!(get(&dataset(url, None), directory.path()).unwrap(), 1);
    assert_eq!(std::fs::read(directory.path().join("set/data.bin")).unwrap(), contents());
}

#[test]
fn what_is_missing_or_unreachable_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (url, _) = serve(vec![refuses]);
    let message = get(&dataset(url, None), directory.path()).unwrap_err().to_string();
    assert!(message.contains("HTTP status 404") && message.contains("data.bin"), "{message}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = get(&dataset(format!("http://{closed}/x"), None), directory.path()).unwrap_err().to_string();
    assert!(message.contains("check the connection"), "{message}");
}

#[test]
fn a_header_is_put_before_tables_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let (url, log) = serve(vec![whole]);
    let dataset = dataset(url, Some("a,b\n"));
    get(&dataset, directory.path()).unwrap();
    let file = std::fs::read(directory.path().join("set/data.bin")).unwrap();
    assert_eq!(file, [b"a,b\n", contents().as_slice()].concat());
    assert_eq!((get(&dataset, directory.path()).unwrap(), log.lock().unwrap().len()), (0, 1));
    assert_eq!(names(directory.path()), ["data.bin"]);
}
