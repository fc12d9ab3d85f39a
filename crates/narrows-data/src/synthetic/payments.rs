//! Card payments: a log-normal amount that depends on the merchant, the hour, the country and channel of the card's
//! holder, a distance and account age with missing cells, and one payment in a hundred whose parts do not go together.

use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Block, Column, ColumnData, ColumnKind, Sample, Schema, Texts};

/// Merchants with the logarithm of their usual amount, and the hours of their trade.
const MERCHANTS: [(&str, f64, f64); 8] = [
    ("groceries", 3.4, 17.0),
    ("fuel", 3.9, 8.0),
    ("restaurant", 3.2, 20.0),
    ("travel", 5.8, 14.0),
    ("electronics", 5.2, 15.0),
    ("clothing", 4.1, 16.0),
    ("pharmacy", 2.8, 11.0),
    ("gambling", 4.4, 23.0),
];
const COUNTRIES: [&str; 12] = ["DE", "FR", "PL", "IT", "ES", "NL", "AT", "CZ", "SE", "GB", "US", "BR"];
const CHANNELS: [&str; 3] = ["chip", "contactless", "online"];
const FRAUD: f64 = 0.01;

pub(super) fn generate(rows: usize, random: &mut ChaCha8Rng) -> (Schema, Block) {
    let mut codes: [Vec<u32>; 3] = Default::default();
    let mut numbers: [Vec<f64>; 6] = Default::default();
    for _ in 0..rows {
        let fraud = random.random_bool(FRAUD);
        let merchant = skewed(random, MERCHANTS.len());
        let country = skewed(random, COUNTRIES.len());
        let mut normal = || -> f64 { StandardNormal.sample(random) };
        let (_, usual, busy) = MERCHANTS[merchant];
        let mut amount = usual + 0.5 * normal();
        let mut hour = busy + 2.5 * normal();
        let mut distance = (1.5 + 0.3 * country as f64 + 0.8 * normal()).exp();
        let age = (2.5 + 1.2 * normal()).exp();
        let mut channel = match merchant {
            3 | 4 | 7 => 2,
            _ => usize::from(amount < 4.0),
        };
        if fraud {
            amount += 1.8;
            hour += 11.0;
            distance *= 30.0;
            channel = (channel + 1) % CHANNELS.len();
        }
        let gap = |random: &mut ChaCha8Rng, share, value| if random.random_bool(share) { f64::NAN } else { value };
        let first = random.random_bool(if age < 3.0 { 0.5 } else { 0.05 });
        let row = [
            (amount.exp() * 100.0).round() / 100.0,
            hour.rem_euclid(24.0).floor(),
            gap(random, 0.08, (distance * 10.0).round() / 10.0),
            gap(random, 0.02, age.round()),
            f64::from(u8::from(first)),
            f64::from(u8::from(fraud)),
        ];
        numbers.iter_mut().zip(row).for_each(|(values, value)| values.push(value));
        let channel = if random.random_bool(0.03) { Texts::MISSING } else { channel as u32 };
        let row = [merchant as u32, country as u32, channel];
        codes.iter_mut().zip(row).for_each(|(values, code)| values.push(code));
    }
    let [amount, hour, distance, age, first, fraud] = numbers.map(ColumnData::Numbers);
    let [merchant, country, channel] = codes;
    let texts = |codes, levels: &[&str]| {
        ColumnData::Texts(Texts { codes, levels: levels.iter().map(|level| Arc::from(*level)).collect() })
    };
    let data = vec![
        amount,
        hour,
        texts(merchant, &MERCHANTS.map(|merchant| merchant.0)),
        texts(country, &COUNTRIES),
        texts(channel, &CHANNELS),
        distance,
        age,
        first,
        fraud,
    ];
    let columns = vec![
        Column::feature("amount", ColumnKind::Number),
        Column::feature("hour", ColumnKind::Number),
        Column::feature("merchant", ColumnKind::Category),
        Column::feature("country", ColumnKind::Category),
        Column::feature("channel", ColumnKind::Category),
        Column::feature("distance_km", ColumnKind::Number),
        Column::feature("account_months", ColumnKind::Number),
        Column::feature("first_use", ColumnKind::Boolean),
        Column::label("fraud", ColumnKind::Boolean),
    ];
    (Schema { sample: Sample::Table, columns }, Block { rows, dense: Vec::new(), columns: data })
}

/// A number below `count`, small ones more often.
fn skewed(random: &mut ChaCha8Rng, count: usize) -> usize {
    let uniform: f64 = random.random();
    ((uniform * uniform) * count as f64) as usize
}
