//! Event files read back, frame by frame and field by field.

use std::path::Path;

use narrows_train::{Evaluation, Flow, GroupReport, Observer, Plan, StepReport, TensorBoard};

const PLAN: Plan = Plan { steps: 4, evaluate_every: 1, checkpoint_every: 1, log_every: 1 };

fn write(directory: &Path) {
    let mut board = TensorBoard::new(directory);
    board.started(0, &PLAN).unwrap();
    for step in 1..=3 {
        let terms = vec![("kl".to_owned(), 0.25)];
        let groups = vec![GroupReport { group: "model", loss: 1.0 / step as f64, terms, gradient_norm: 2.0 }];
        let report = StepReport { step, plan: PLAN, logged: step != 2, samples: 8, rate: 0.5, groups };
        assert_eq!(board.step(&report).unwrap(), Flow::Continue);
    }
    board.evaluated(300, &Evaluation { loss: 0.75, figures: vec![("psnr".to_owned(), 30.0)] }, None).unwrap();
    let mut resumed = TensorBoard::new(directory);
    resumed.started(1, &PLAN).unwrap();
}

/// (field, wire type, value as bits, payload) of every field of a message.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, u64, &[u8])> {
    let varint = |bytes: &mut &[u8]| {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (value, length) = match key & 7 {
            0 => (varint(&mut bytes), 0),
            1 => (u64::from_le_bytes(bytes[..8].try_into().unwrap()), 8),
            2 => (0, varint(&mut bytes) as usize),
            5 => (u64::from(u32::from_le_bytes(bytes[..4].try_into().unwrap())), 4),
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, key & 7, value, &bytes[..length]));
        bytes = &bytes[length..];
    }
    found
}

/// CRC-32C bit by bit, masked as in TFRecord.
fn masked(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut at, mut found) = (0, Vec::new());
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        assert_eq!(number(at + 8), masked(&bytes[at..at + 8]));
        let message = &bytes[at + 12..at + 12 + length];
        assert_eq!(number(at + 12 + length), masked(message));
        found.push(message.to_vec());
        at += length + 16;
    }
    found
}

#[test]
fn events_hold_version_scalars_and_session() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let mut paths: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 2);
    let mut scalars = Vec::new();
    let (mut versions, mut sessions) = (0, Vec::new());
    for path in paths {
        for message in messages(&std::fs::read(path).unwrap()) {
            let event = fields(&message);
            assert_eq!((event[0].0, event[0].1), (1, 1), "wall time first");
            assert!(f64::from_bits(event[0].2) > 1.7e9);
            let step = event[1].2;
            match event[2] {
                (3, 2, _, text) => {
                    assert_eq!(text, b"brain.Event:2");
                    versions += 1;
                }
                (7, 2, _, session) => sessions.push((step, fields(session)[0].2)),
                (5, 2, _, summary) => {
                    for (field, _, _, value) in fields(summary) {
                        assert_eq!(field, 1);
                        let value = fields(value);
                        let (tag, scalar) = (String::from_utf8_lossy(value[0].3), f32::from_bits(value[1].2 as u32));
                        scalars.push(format!("{step} {tag} {scalar:.4}"));
                    }
                }
                other => panic!("field {other:?}"),
            }
        }
    }
    assert_eq!((versions, sessions), (2, vec![(2, 1)]));
    let expected = [
        "1 rate 0.5000",
        "1 model/loss 1.0000",
        "1 model/gradient_norm 2.0000",
        "1 model/kl 0.2500",
        "3 rate 0.5000",
        "3 model/loss 0.3333",
        "3 model/gradient_norm 2.0000",
        "3 model/kl 0.2500",
        "300 validation/loss 0.7500",
        "300 validation/psnr 30.0000",
    ];
    assert_eq!(scalars, expected);
}

/// Writes the files that `xtask/golden/event_files.py` reads with TensorBoard's own reader.
#[test]
#[ignore = "needs a directory in NARROWS_EVENTS; run by xtask/golden/event_files.py"]
fn write_for_tensorboard() {
    if let Some(directory) = std::env::var_os("NARROWS_EVENTS") {
        write(Path::new(&directory));
    }
}
