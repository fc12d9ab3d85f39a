//! Whole lines of a file that grows, or of standard input, as they arrive.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Bytes read at once.
const CHUNK: usize = 1 << 18;
/// The longest line that is read.
const LONGEST: usize = 1 << 20;

/// Bytes before the place where reading stopped by which it is known again.
const MARK: usize = 256;

/// Where reading or writing stopped, and what stood before it: a file that holds something else there is another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// The byte behind the last line that was handed out.
    pub(super) offset: u64,
    /// The bytes before it that are compared, and their digest.
    length: u64,
    digest: String,
}

impl Place {
    pub(super) fn behind(offset: u64, bytes: &[u8]) -> Self {
        Self { offset, length: bytes.len() as u64, digest: crate::digest::of(bytes) }
    }

    /// Whether `file` holds before this place what it held then.
    pub(super) fn is_in(&self, file: &mut File) -> std::io::Result<bool> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset.saturating_sub(self.length)))?;
        file.take(self.length).read_to_end(&mut bytes)?;
        Ok(self.offset == 0 || *self == Self::behind(self.offset, &bytes))
    }
}

/// What has come.
#[derive(Debug, PartialEq)]
pub(super) enum Arrived {
    /// A line without its ending; `None` for one too long to be a row.
    Line(Option<Vec<u8>>),
    /// Nothing within the time waited.
    Nothing,
    /// There will be no more.
    End,
    /// The file became shorter, or is another one: it begins anew.
    Anew,
}

/// Lines in the order of their arrival.
pub(super) struct Arriving {
    from: Origin,
    path: PathBuf,
    /// Whether the file is another one than that of the place where reading was to go on.
    replaced: bool,
    /// The byte behind the last line that was handed out, and the last bytes before it.
    offset: u64,
    before: Vec<u8>,
    /// Bytes read and not handed out.
    ahead: VecDeque<u8>,
    /// How many of `ahead` are known to hold no line ending.
    searched: usize,
    /// Whether the line that comes is too long and passes unread.
    passing: bool,
}

enum Origin {
    File(File),
    Pipe(Receiver<std::io::Result<Vec<u8>>>),
    Ended,
}

impl Arriving {
    /// Lines of `path` from `place` on, or from its start where it is another file by now; of standard input, if it is `-`,
    /// those that come.
    pub(super) fn open(path: &str, place: &Place) -> Result<Self> {
        let (mut replaced, mut offset) = (false, 0);
        let from = if path == "-" {
            Origin::Pipe(standard_input()?)
        } else {
            let failed = |source| Error::Io { path: path.into(), action: "cannot open", source };
            let mut file = File::open(path).map_err(failed)?;
            replaced = !place.is_in(&mut file).map_err(failed)?;
            offset = if replaced { 0 } else { place.offset };
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            Origin::File(file)
        };
        let (before, ahead, path) = (Vec::new(), VecDeque::new(), Path::new(path).to_owned());
        Ok(Self { from, path, replaced, offset, before, ahead, searched: 0, passing: false })
    }

    /// The place behind the last line that was handed out.
    pub(super) fn place(&self) -> Place {
        Place::behind(self.offset, &self.before)
    }

    /// Counts `bytes` as handed out.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.before.extend(&bytes[bytes.len().saturating_sub(MARK)..]);
        self.before.drain(..self.before.len().saturating_sub(MARK));
    }

    /// Whether a line can be had without reading.
    pub(super) fn has_line(&mut self) -> bool {
        let (fresh, found) = (self.searched, self.ahead.iter().skip(self.searched).position(|byte| *byte == b'\n'));
        self.searched = found.map_or(self.ahead.len(), |place| fresh + place);
        found.is_some()
    }

    /// The next line, waiting for it at most `wait`.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Arrived> {
        if std::mem::take(&mut self.replaced) {
            return Ok(Arrived::Anew);
        }
        loop {
            if self.has_line() {
                let mut line: Vec<u8> = self.ahead.drain(..=self.searched).collect();
                self.pass(&line);
                line.pop();
                self.searched = 0;
                let whole = !std::mem::take(&mut self.passing) && line.len() <= LONGEST;
                return Ok(Arrived::Line(whole.then_some(line)));
            }
            if self.ahead.len() > LONGEST {
                let passed = std::mem::take(&mut self.ahead);
                self.pass(&Vec::from(passed));
                (self.searched, self.passing) = (0, true);
            }
            if let Some(end) = self.read(wait)? {
                return Ok(end);
            }
        }
    }

    /// Reads what there is; what [`Self::next`] tells where that is nothing.
    fn read(&mut self, wait: Duration) -> Result<Option<Arrived>> {
        let failed = |source| Error::Io { path: self.path.clone(), action: "cannot read", source };
        match &mut self.from {
            Origin::Ended => return Ok(Some(Arrived::End)),
            Origin::Pipe(pipe) => match pipe.recv_timeout(wait) {
                Ok(bytes) => self.ahead.extend(bytes.map_err(failed)?),
                Err(RecvTimeoutError::Timeout) => return Ok(Some(Arrived::Nothing)),
                Err(RecvTimeoutError::Disconnected) => {
                    self.from = Origin::Ended;
                    // Nothing can complete the last line any more: it is whole.
                    if !self.ahead.is_empty() {
                        self.ahead.push_back(b'\n');
                    }
                }
            },
            Origin::File(file) => {
                // Asked before reading: what is read after that is the rest of the file that was.
                let another = self.path.exists() && narrows_data::atomic::is_another(file, &self.path);
                let (place, next) = (Place::behind(self.offset, &self.before), self.offset + self.ahead.len() as u64);
                if !place.is_in(file).map_err(failed)? {
                    *self = Self::open(&self.path.display().to_string(), &Place::default())?;
                    return Ok(Some(Arrived::Anew));
                }
                file.seek(SeekFrom::Start(next)).map_err(failed)?;
                let mut bytes = vec![0; CHUNK];
                let count = file.read(&mut bytes).map_err(failed)?;
                self.ahead.extend(&bytes[..count]);
                if count == 0 && another && !self.ahead.is_empty() {
                    // Nothing can complete the last line any more: it is whole.
                    self.ahead.push_back(b'\n');
                } else if count == 0 {
                    let length = std::fs::metadata(&self.path).map_or(u64::MAX, |found| found.len());
                    if another || length < next {
                        *self = Self::open(&self.path.display().to_string(), &Place::default())?;
                        return Ok(Some(Arrived::Anew));
                    }
                    std::thread::sleep(wait);
                    return Ok(Some(Arrived::Nothing));
                }
            }
        }
        Ok(None)
    }
}

/// What standard input gives, read by a thread, so that who waits for it can be interrupted.
fn standard_input() -> Result<Receiver<std::io::Result<Vec<u8>>>> {
    let (sender, receiver) = sync_channel(4);
    let run = move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut bytes = vec![0; CHUNK];
            let read = match stdin.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    bytes.truncate(count);
                    Ok(bytes)
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.send(read).is_err() || failed {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("narrows-stdin".into()).spawn(run);
    let failed = |source| Error::Io { path: "-".into(), action: "cannot start a thread that reads it", source };
    thread.map_err(failed).map(|_| receiver)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn a_line_arrives_whole_or_not_at_all_and_a_shorter_file_begins_anew() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let mut arriving = Arriving::open(&path, &Place::default()).unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Nothing);
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"one".to_vec())));
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Nothing);
        let place = arriving.place();
        assert_eq!(place.offset, 4);
        file.write_all(b"o\n").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"two".to_vec())));
        let mut later = Arriving::open(&path, &place).unwrap();
        assert_eq!(later.next(SOON).unwrap(), Arrived::Line(Some(b"two".to_vec())));
        file.as_file().set_len(0).unwrap();
        file.as_file_mut().seek(SeekFrom::Start(0)).unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Anew);
        file.write_all(b"three\n").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"three".to_vec())));
    }

    #[test]
    fn a_file_that_was_replaced_in_the_meantime_is_read_from_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let path = path.to_str().unwrap();
        std::fs::write(path, "header\none\ntwo\n").unwrap();
        let mut arriving = Arriving::open(path, &Place::default()).unwrap();
        while arriving.next(SOON).unwrap() != Arrived::Nothing {}
        let place = arriving.place();
        let next = |text: &str| {
            std::fs::write(path, text).unwrap();
            Arriving::open(path, &place).unwrap().next(SOON).unwrap()
        };
        assert_eq!(next("header\none\ntwo\nthree\n"), Arrived::Line(Some(b"three".to_vec())));
        assert_eq!(next("header\nten\ntwo\nthree\n"), Arrived::Anew);
        assert_eq!(next("header\n"), Arrived::Anew);
    }

    #[test]
    fn a_file_that_is_written_over_by_a_longer_one_begins_anew() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        std::fs::write(path, "header\none\n").unwrap();
        let mut arriving = Arriving::open(path, &Place::default()).unwrap();
        while arriving.next(SOON).unwrap() != Arrived::Nothing {}
        std::fs::write(path, "header\nten and more\n").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Anew);
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"header".to_vec())));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_renamed_is_read_to_its_end_and_the_new_one_from_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "one\n").unwrap();
        let mut arriving = Arriving::open(path.to_str().unwrap(), &Place::default()).unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"one".to_vec())));
        std::fs::write(&path, "one\ntwo\nlast").unwrap();
        std::fs::rename(&path, folder.path().join("log.1")).unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"two".to_vec())));
        std::fs::write(&path, "a new file that is longer\n").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"last".to_vec())));
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Anew);
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"a new file that is longer".to_vec())));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        file.write_all(&vec![b'x'; 3 * LONGEST]).unwrap();
        let mut arriving = Arriving::open(&path, &Place::default()).unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Nothing);
        assert!(arriving.ahead.len() <= LONGEST);
        file.write_all(b"x\nshort\n").unwrap();
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(None));
        assert_eq!(arriving.next(SOON).unwrap(), Arrived::Line(Some(b"short".to_vec())));
        let place = arriving.place();
        assert_eq!(place.offset, 3 * LONGEST as u64 + 8);
        assert_eq!(Arriving::open(&path, &place).unwrap().next(SOON).unwrap(), Arrived::Nothing);
    }
}
