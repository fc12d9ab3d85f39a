//! Downloads: resumed where they stopped, compared with the catalogued checksum, and named only when they are right.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;

use super::{Dataset, Remote};
use crate::atomic::{AtomicFile, directory as parent, sync_directory, write_error};
use crate::{Error, Result};

/// Transfers that stop early are continued at most this often without any progress between.
const ATTEMPTS: usize = 3;

const RESUME: &str = "check the connection and run the command again; what has arrived is kept";
const REPORT: &str = "the server may have moved the file; fetch it by hand, or report the address";

/// How far a fetch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file being fetched.
    pub file: &'static Remote,
    /// Bytes of the whole dataset that are here.
    pub done: u64,
    /// Bytes of the whole dataset.
    pub total: u64,
}

/// Downloads what is missing of a dataset into `directory` and verifies every file; returns the number of files that
/// were downloaded.
///
/// # Errors
/// No connection, a server without the file, a checksum that differs, a full disk, or another fetch at work.
pub fn fetch(dataset: &Dataset, directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<usize> {
    let total = dataset.bytes();
    let (mut before, mut fetched) = (0, 0);
    for file in dataset.files {
        let mut report = |done| progress(Progress { file, done: before + done, total });
        fetched += usize::from(fetch_file(file, directory, &mut report)?);
        report(file.size);
        before += file.size;
    }
    Ok(fetched)
}

fn fetch_file(remote: &'static Remote, directory: &Path, report: &mut dyn FnMut(u64)) -> Result<bool> {
    let target = directory.join(remote.path);
    if target.is_file() && matches!(checksum(&target, remote), Ok(sum) if sum == remote.sha256) {
        return Ok(false);
    }
    std::fs::create_dir_all(parent(&target)).map_err(|source| write_error(parent(&target), source))?;
    let mut part = Part::open(&target, remote)?;
    part.complete(report)?;
    part.verify()?;
    part.publish(&target)?;
    Ok(true)
}

/// The sum of a file, without the header that was put before it.
fn checksum(path: &Path, remote: &Remote) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(remote.header.map_or(0, |header| header.len() as u64)))?;
    sum(&mut file)
}

fn sum(file: &mut File) -> io::Result<String> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// A file as far as it has arrived, locked against other fetches.
struct Part {
    path: PathBuf,
    file: File,
    remote: &'static Remote,
}

/// How one request ended.
enum Outcome {
    Complete,
    /// The connection broke; what has arrived is kept.
    Stopped(String),
    /// What is here does not fit what the server has; it was discarded.
    Restart,
}

impl Part {
    fn open(target: &Path, remote: &'static Remote) -> Result<Self> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = target.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| write_error(&path, source))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::Download {
                url: remote.url.into(),
                problem: "another download of this file is running".into(),
                advice: "wait for it",
            }),
            _ => Ok(Self { path, file, remote }),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        write_error(&self.path, source)
    }

    fn held(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|source| self.failed(source))?.len())
    }

    /// Requests what is missing until everything is here.
    fn complete(&mut self, report: &mut dyn FnMut(u64)) -> Result<()> {
        if self.held()? > self.remote.size {
            self.file.set_len(0).map_err(|source| self.failed(source))?;
        }
        let agent = agent();
        let mut fruitless = 0;
        loop {
            let before = self.held()?;
            if before == self.remote.size {
                return Ok(());
            }
            let problem = match self.request(&agent, before, report)? {
                Outcome::Complete => return Ok(()),
                Outcome::Stopped(problem) => problem,
                Outcome::Restart => "the server does not continue where the download stopped".into(),
            };
            fruitless = if self.held()? > before { 0 } else { fruitless + 1 };
            if fruitless == ATTEMPTS {
                return Err(Error::Download { url: self.remote.url.into(), problem, advice: RESUME });
            }
        }
    }

    fn request(&mut self, agent: &Agent, held: u64, report: &mut dyn FnMut(u64)) -> Result<Outcome> {
        let mut request = agent.get(self.remote.url);
        if held > 0 {
            request = request.header("Range", format!("bytes={held}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Stopped(error.to_string())),
        };
        let range = response.headers().get("Content-Range").and_then(|value| value.to_str().ok());
        let start = match response.status().as_u16() {
            200 => 0,
            206 if range.is_some_and(|range| range.starts_with(&format!("bytes {held}-"))) => held,
            206 | 416 => {
                self.file.set_len(0).map_err(|source| self.failed(source))?;
                return Ok(Outcome::Restart);
            }
            status @ (408 | 429 | 500..=599) => return Ok(Outcome::Stopped(format!("HTTP status {status}"))),
            status => {
                let problem = format!("HTTP status {status}");
                return Err(Error::Download { url: self.remote.url.into(), problem, advice: REPORT });
            }
        };
        self.file.set_len(start).map_err(|source| self.failed(source))?;
        self.file.seek(SeekFrom::Start(start)).map_err(|source| self.failed(source))?;
        self.receive(&mut response.body_mut().as_reader(), start, report)
    }

    /// Appends the body, never more than the catalogued size.
    fn receive(&mut self, body: &mut dyn Read, start: u64, report: &mut dyn FnMut(u64)) -> Result<Outcome> {
        let (mut held, mut buffer) = (start, vec![0; 1 << 16]);
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) if held == self.remote.size => return Ok(Outcome::Complete),
                Ok(0) => {
                    return Ok(Outcome::Stopped(format!("ended after {held} of {} bytes", self.remote.size)));
                }
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Ok(Outcome::Stopped(format!("{error} after {held} of {} bytes", self.remote.size)));
                }
            };
            held += read as u64;
            if held > self.remote.size {
                self.discard();
                let problem = format!("the server sends more than the catalogued {} bytes", self.remote.size);
                return Err(Error::Download { url: self.remote.url.into(), problem, advice: REPORT });
            }
            if let Err(source) = self.file.write_all(&buffer[..read]) {
                self.discard();
                return Err(self.failed(source));
            }
            report(held);
        }
    }

    fn verify(&mut self) -> Result<()> {
        self.file.rewind().map_err(|source| self.failed(source))?;
        let found = sum(&mut self.file).map_err(|source| self.failed(source))?;
        if found == self.remote.sha256 {
            return Ok(());
        }
        self.discard();
        Err(Error::Checksum { path: self.path.with_extension(""), expected: self.remote.sha256, found })
    }

    fn discard(&self) {
        // The next fetch starts over anyway where a part cannot be removed.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Gives the file its name.
    fn publish(mut self, target: &Path) -> Result<()> {
        let Some(header) = self.remote.header else {
            self.file.sync_all().map_err(|source| self.failed(source))?;
            std::fs::rename(&self.path, target).map_err(|source| write_error(target, source))?;
            return sync_directory(target);
        };
        let mut file = AtomicFile::create(target, true)?;
        self.file.rewind().map_err(|source| self.failed(source))?;
        file.write_all(header.as_bytes()).map_err(|source| write_error(target, source))?;
        io::copy(&mut BufReader::new(&mut self.file), &mut file).map_err(|source| write_error(target, source))?;
        file.commit()?;
        self.discard();
        Ok(())
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .accept_encoding("identity")
        .user_agent(concat!("narrows/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .timeout_per_read(Some(Duration::from_mins(1)))
        .build()
        .new_agent()
}
