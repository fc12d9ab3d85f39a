//! Distinct texts of one column and block, by open addressing.

use std::sync::Arc;

use crate::Texts;

/// Collects texts as codes; a fixed hash and linear probing, so the result depends on the texts alone.
#[derive(Debug)]
pub(super) struct Interner {
    texts: Texts,
    slots: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl Interner {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { texts: Texts { codes: Vec::with_capacity(rows), levels: Vec::new() }, slots: vec![EMPTY; 64] }
    }

    pub(super) fn push_missing(&mut self) {
        self.texts.codes.push(Texts::MISSING);
    }

    pub(super) fn push(&mut self, text: &str) {
        let code = self.code(text);
        self.texts.codes.push(code);
    }

    /// Forgets all but the first `rows`.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.texts.codes.truncate(rows);
    }

    fn code(&mut self, text: &str) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text.as_bytes()) as usize & mask;
        loop {
            match self.slots[slot] {
                EMPTY => break,
                code if *self.texts.levels[code as usize] == *text => return code,
                _ => slot = (slot + 1) & mask,
            }
        }
        let code = self.texts.levels.len() as u32;
        self.texts.levels.push(Arc::from(text));
        self.slots[slot] = code;
        if self.texts.levels.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots = vec![EMPTY; mask + 1];
        for (code, level) in self.texts.levels.iter().enumerate() {
            let mut slot = hash(level.as_bytes()) as usize & mask;
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = code as u32;
        }
    }

    pub(super) fn finish(self) -> Texts {
        self.texts
    }
}

/// Eight bytes at a time through a multiplication and a fold.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        (product as u64) ^ (product >> 64) as u64
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64 ^ FACTOR, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..tail.len()].copy_from_slice(tail);
    step(hash, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_their_texts() {
        let mut interner = Interner::with_capacity(0);
        let texts: Vec<String> = (0..1000).map(|i| format!("level {}", i * 7919 % 300)).collect();
        for text in &texts {
            interner.push(text);
        }
        interner.push_missing();
        let found = interner.finish();
        assert_eq!(found.levels.len(), 300);
        assert!(texts.iter().enumerate().all(|(row, text)| found.get(row) == Some(text)));
        assert_eq!(found.get(1000), None);
    }
}
