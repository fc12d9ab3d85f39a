//! TensorBoard event files: scalars as `tensorflow.Event` messages in TFRecord frames.
//!
//! A frame is the length (u64, little endian), its masked CRC-32C, the message and the message's masked CRC-32C.
//! Field numbers are those of TensorFlow's `event.proto` and `summary.proto`. A resumed run starts a file of its own
//! with a session event, which makes TensorBoard drop the points from the resumed step on that an earlier file holds.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Flow, Observer, StepReport};
use crate::error::io;
use crate::{Best, BoxError, Evaluation, Plan, Result};

/// Writes one event file in a directory.
#[derive(Debug)]
pub struct TensorBoard {
    directory: PathBuf,
    path: PathBuf,
    file: Option<File>,
}

impl TensorBoard {
    /// Event files in `directory`; one is opened when the run starts.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self { path: directory.clone(), directory, file: None }
    }

    fn event(&mut self, step: u64, what: &Message) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let event = Message::default().double(1, time).integer(2, step).extended(what);
        file.write_all(&frame(&event.0)).map_err(io(&self.path, "cannot append"))
    }

    fn scalars<'a>(&mut self, step: u64, values: impl Iterator<Item = (String, &'a f64)>) -> Result<()> {
        let summary = values.fold(Message::default(), |summary, (tag, value)| {
            summary.nested(1, &Message::default().text(1, &tag).float(2, *value as f32))
        });
        self.event(step, &Message::default().nested(5, &summary))
    }
}

impl Observer for TensorBoard {
    fn started(&mut self, step: u64, _: &Plan) -> Result<(), BoxError> {
        std::fs::create_dir_all(&self.directory).map_err(io(&self.directory, "cannot create"))?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let name = |count: u32| self.directory.join(format!("events.out.tfevents.{seconds}.{count}.narrows"));
        self.path = (0..=u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0));
        let file = OpenOptions::new().create_new(true).append(true).open(&self.path);
        self.file = Some(file.map_err(io(&self.path, "cannot create"))?);
        self.event(0, &Message::default().text(3, "brain.Event:2"))?;
        if step > 0 {
            const START: u64 = 1;
            self.event(step + 1, &Message::default().nested(7, &Message::default().integer(1, START)))?;
        }
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Result<Flow, BoxError> {
        if report.logged {
            let groups = report.groups.iter().flat_map(|group| {
                let name = group.group;
                let own =
                    [(format!("{name}/loss"), &group.loss), (format!("{name}/gradient_norm"), &group.gradient_norm)];
                own.into_iter().chain(group.terms.iter().map(move |(term, value)| (format!("{name}/{term}"), value)))
            });
            let values: Vec<_> = std::iter::once(("rate".to_owned(), &report.rate)).chain(groups).collect();
            self.scalars(report.step, values.into_iter())?;
        }
        Ok(Flow::Continue)
    }

    fn evaluated(&mut self, step: u64, evaluation: &Evaluation, _: Option<Best>) -> Result<(), BoxError> {
        let figures = evaluation.figures.iter().map(|(name, value)| (format!("validation/{name}"), value));
        let loss = std::iter::once(("validation/loss".to_owned(), &evaluation.loss));
        // A figure called `loss` would be a second point under the same tag.
        let figures = figures.filter(|(tag, _)| tag != "validation/loss");
        self.scalars(step, loss.chain(figures))?;
        Ok(())
    }

    fn checkpoint(&mut self, _: u64) -> Result<(), BoxError> {
        let Some(file) = &self.file else { return Ok(()) };
        Ok(file.sync_data().map_err(io(&self.path, "cannot sync"))?)
    }
}

/// A protocol buffer message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    const VARINT: u64 = 0;
    const FIXED64: u64 = 1;
    const BYTES: u64 = 2;
    const FIXED32: u64 = 5;

    fn integer(self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | Self::VARINT).varint(value)
    }

    fn double(self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | Self::FIXED64).bytes(&value.to_le_bytes())
    }

    fn float(self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | Self::FIXED32).bytes(&value.to_le_bytes())
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.varint(field << 3 | Self::BYTES).varint(value.len() as u64).bytes(value.as_bytes())
    }

    fn nested(self, field: u64, value: &Self) -> Self {
        self.varint(field << 3 | Self::BYTES).varint(value.0.len() as u64).bytes(&value.0)
    }

    fn extended(self, fields: &Self) -> Self {
        self.bytes(&fields.0)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }
}

/// One TFRecord.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), message, &masked(message)].concat()
}

fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
