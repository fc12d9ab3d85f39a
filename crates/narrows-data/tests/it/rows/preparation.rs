//! Fitted preparations: what values become, and what they become again.

use std::sync::Arc;

use narrows_data::prepare::{ArrayScaling, NumberScaling, Remark, Tails};
use narrows_data::{
    Block, Column, ColumnData, ColumnKind, Encoder, Error, Family, Memory, Preparation, PrepareConfig, Sample, Schema,
    Source, SplitBy, SplitConfig, Splits, TableError,
};
use proptest::prelude::*;

use super::{counting, number, shared, table, texts};

/// Fits on the first 80 % of the rows.
fn fit(source: &Arc<dyn Source>, config: &PrepareConfig) -> Result<Arc<Preparation>, Error> {
    let splits = Splits::new(source, &SplitConfig { by: SplitBy::Time, ..Default::default() })?;
    Preparation::fit(&splits.train, config).map(Arc::new)
}

fn everything(source: &dyn Source) -> Block {
    let mut blocks: Vec<Block> = (0..source.blocks().len()).map(|index| source.read(index).unwrap()).collect();
    assert_eq!(blocks.len(), 1, "one block");
    blocks.remove(0)
}

fn category(name: &str, values: &[Option<&str>]) -> (Column, ColumnData) {
    (Column::feature(name, ColumnKind::Category), texts(values))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn invert_undoes_apply(
        numbers in proptest::collection::vec(-1e4_f64..1e4, 40..200),
        scaling in prop_oneof![Just(NumberScaling::Standardise), Just(NumberScaling::MinMax), Just(NumberScaling::QuantileNormal)],
        outlier in -1e7_f64..1e7,
    ) {
        let rows = numbers.len();
        let mut numbers = numbers;
        numbers[3] = outlier;
        let names = ["red", "green", "blue"];
        let colours: Vec<_> = (0..rows).map(|row| Some(names[row * 7 % 3])).collect();
        let flags = (0..rows).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
        let source = shared(table(vec![
            number("x", numbers.clone()),
            category("colour", &colours),
            (Column::feature("flag", ColumnKind::Boolean), ColumnData::Numbers(flags)),
        ], 1000));
        let preparation = fit(&source, &PrepareConfig { numbers: scaling, ..Default::default() }).unwrap();
        let encoder = Encoder::new(preparation.clone(), source.as_ref()).unwrap();
        let block = everything(source.as_ref());
        let rows = encoder.apply(&block, 0).unwrap();
        prop_assert!(rows.observed.is_none());
        prop_assert!(rows.features.iter().all(|x| x.is_finite()));
        let back = preparation.invert(&rows.features).unwrap();
        let (ColumnData::Numbers(x), ColumnData::Texts(colour)) = (&back.columns[0], &back.columns[1]) else { panic!() };
        let range = numbers.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
        for row in 0..rows.rows {
            prop_assert!((x[row] - numbers[row]).abs() <= 3e-5 * range, "{} {}", x[row], numbers[row]);
            prop_assert_eq!(colour.get(row), colours[row]);
        }
        prop_assert_eq!(&back.columns[2], &block.columns[2]);
    }
}

#[test]
fn columns_have_unit_weight_in_the_metric() {
    let rows: Vec<f64> = (0..1000).map(|row| f64::from(row * 7919 % 1000)).collect();
    let levels = ["a", "b", "b", "c", "b"];
    let source = shared(table(
        vec![
            number("x", rows.clone()),
            number("skewed", rows.iter().map(|x| (x / 60.0).exp()).collect()),
            category("c", &(0..1000).map(|row| Some(levels[row % 5])).collect::<Vec<_>>()),
            (
                Column::feature("b", ColumnKind::Boolean),
                ColumnData::Numbers(rows.iter().map(|x| f64::from(u8::from(*x < 50.0))).collect()),
            ),
        ],
        100,
    ));
    for numbers in [NumberScaling::Standardise, NumberScaling::MinMax, NumberScaling::QuantileNormal] {
        let splits = Splits::new(&source, &SplitConfig::default()).unwrap();
        let preparation = Preparation::fit(&splits.train, &PrepareConfig { numbers, ..Default::default() }).unwrap();
        let layout = preparation.layout().clone();
        let portions = narrows_data::in_order(&splits.train, &Arc::new(preparation), 4096).unwrap();
        let (mut sums, mut squares, mut count) = (vec![0.0; layout.width()], vec![0.0; layout.width()], 0.0);
        for portion in portions {
            for row in portion.unwrap().rows.features.chunks_exact(layout.width()) {
                count += 1.0;
                row.iter().zip(sums.iter_mut().zip(&mut squares)).for_each(|(x, (sum, square))| {
                    *sum += f64::from(*x);
                    *square += f64::from(*x) * f64::from(*x);
                });
            }
        }
        for field in &layout.fields {
            let variance: f64 = field
                .range
                .clone()
                .map(|at| {
                    f64::from(layout.weights[at]) * (squares[at] / count - (sums[at] / count) * (sums[at] / count))
                })
                .sum();
            assert!((variance - 1.0).abs() < 1e-3, "{}: {variance}", field.name);
        }
        assert_eq!(
            layout.runs().iter().map(|run| run.1).collect::<Vec<_>>(),
            [Family::Gaussian, Family::Categorical, Family::Bernoulli]
        );
    }
}

#[test]
fn missing_and_unseen_values_follow_the_rules() {
    let mut x: Vec<f64> = (0..20).map(f64::from).collect();
    x[2] = f64::NAN;
    let mut colours = [Some("red"), Some("blue"), None, Some("red")].repeat(5);
    colours[19] = Some("mauve");
    let mut shapes = [Some("disc"), Some("ring")].repeat(10);
    shapes[18] = None;
    shapes[19] = Some("star");
    let source = shared(table(vec![number("x", x), category("colour", &colours), category("shape", &shapes)], 100));
    let preparation = fit(&source, &PrepareConfig::default()).unwrap();
    let names: Vec<_> =
        preparation.layout().fields.iter().map(|field| (field.name.as_str(), field.range.clone())).collect();
    assert_eq!(names, [("x", 0..1), ("x (missing)", 1..2), ("colour", 2..5), ("shape", 5..7)]);
    let rows = Encoder::new(preparation, source.as_ref()).unwrap().apply(&everything(source.as_ref()), 0).unwrap();
    let row =
        |row: usize| (&rows.features[row * 7..row * 7 + 7], &rows.observed.as_ref().unwrap()[row * 7..row * 7 + 7]);
    let (features, observed) = row(2);
    assert!(features[0].abs() < 1e-6, "the training mean");
    assert_eq!(features[1..], [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(observed, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let (features, observed) = row(18);
    assert_eq!(features[5..], [0.0, 0.0]);
    assert_eq!(observed[5..], [0.0, 0.0]);
    let (features, observed) = row(19);
    assert_eq!(features[1..], [0.0; 6]);
    assert_eq!(observed[2..], [0.0; 5]);
}

#[test]
fn rare_levels_share_a_feature_and_identifiers_none() {
    let common: Vec<String> = (0..400).map(|row| format!("level {}", row % 100)).collect();
    let ids: Vec<String> = (0..400).map(|row| format!("id {row}")).collect();
    let some = |values: &'static str| move |_: usize| Some(values);
    let text = |values: &[String]| texts(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>());
    let kind = ColumnKind::Category;
    let source = shared(table(
        vec![
            (Column::feature("many", kind), text(&common)),
            (Column::feature("id", kind), text(&ids)),
            (Column::feature("same", kind), texts(&(0..400).map(some("x")).collect::<Vec<_>>())),
            (Column::feature("note", ColumnKind::Text), text(&ids)),
            number("constant", vec![3.0; 400]),
            number("gone", vec![f64::NAN; 400]),
        ],
        50,
    ));
    let preparation = fit(&source, &PrepareConfig::default()).unwrap();
    assert_eq!(preparation.layout().row_width(), 64);
    let remarks: Vec<_> = preparation.notes().iter().map(|note| note.remark.clone()).collect();
    assert_eq!(
        remarks,
        [
            Remark::Pooled { kept: 63 },
            Remark::Identifier,
            Remark::Constant,
            Remark::FreeText,
            Remark::Constant,
            Remark::AllMissing
        ]
    );
    let json = serde_json::to_string(&*preparation).unwrap();
    assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), *preparation);
}

#[test]
fn nothing_to_train_on_says_why() {
    let source = shared(table(vec![number("constant", vec![3.0; 40]), number("gone", vec![f64::NAN; 40])], 50));
    let error = fit(&source, &PrepareConfig::default()).unwrap_err().to_string();
    assert!(error.contains("`constant` left out: it holds one value only"), "{error}");
    assert!(error.contains("`gone` left out: all values are missing"), "{error}");
}

#[test]
fn infinity_is_named() {
    let mut x: Vec<f64> = (0..40).map(f64::from).collect();
    x[37] = f64::INFINITY;
    let source = shared(table(vec![number("x", x)], 5));
    let preparation = fit(&source, &PrepareConfig::default()).unwrap();
    let subset = narrows_data::Subset::all(source);
    let error = narrows_data::in_order(&subset, &preparation, 8).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(&error, Error::Infinite { row: 37, column, .. } if column == "`x`"), "{error}");

    let schema = Schema { sample: Sample::Array { dims: vec![2, 2] }, columns: Vec::new() };
    let mut dense = vec![1.0; 40];
    dense[22] = f32::NEG_INFINITY;
    let source = shared(Memory::new("array", schema, Block { rows: 10, dense, columns: Vec::new() }).unwrap());
    let error = fit(&source, &PrepareConfig::default()).unwrap_err();
    assert!(matches!(&error, Error::Infinite { row: 5, column, .. } if column == "2"), "{error}");
}

#[test]
fn one_extreme_value_does_not_flatten_the_rest() {
    let mut x: Vec<f64> = (0..400).map(|row| f64::from(row % 10)).collect();
    x[7] = 1e12;
    let source = shared(table(vec![number("x", x)], 500));
    let preparation = fit(&source, &PrepareConfig::default()).unwrap();
    assert_eq!(preparation.notes()[0].remark, Remark::HeavyTails);
    let rows = Encoder::new(preparation, source.as_ref()).unwrap().apply(&everything(source.as_ref()), 0).unwrap();
    assert!((rows.features[9] - rows.features[0]).abs() > 2.0);
    assert!(rows.features[7] > 20.0 && rows.features[7] < 40.0, "{}", rows.features[7]);
}

#[test]
fn linear_tails_keep_how_far_a_value_is() {
    let config = PrepareConfig { tails: Tails::Linear, ..PrepareConfig::default() };
    let mut x: Vec<f64> = (0..400).map(|row| f64::from(row % 10)).collect();
    let source = shared(table(vec![number("x", x.clone())], 500));
    let usual = fit(&source, &config).unwrap();
    x[..3].copy_from_slice(&[104.5, 1004.5, 1e30]);
    let strange = shared(table(vec![number("x", x)], 500));
    let rows = Encoder::new(usual.clone(), strange.as_ref()).unwrap().apply(&everything(strange.as_ref()), 0).unwrap();
    let unit = (33.0_f32 / 4.0).sqrt();
    assert!((rows.features[0] - 100.0 / unit).abs() < 1e-3 && (rows.features[1] - 1000.0 / unit).abs() < 1e-2);
    assert!(rows.features[2] > 1_000.0 && rows.features[2] < 1_100.0, "{}", rows.features[2]);
    let back = usual.invert(&rows.features).unwrap();
    let ColumnData::Numbers(back) = &back.columns[0] else { panic!("a number") };
    assert!((back[1] - 1004.5).abs() < 0.01, "{}", back[1]);
    // As it is stored in a model file.
    let text = serde_json::to_string(usual.as_ref()).unwrap();
    assert_eq!(&serde_json::from_str::<Preparation>(&text).unwrap(), usual.as_ref());

    let dense = (0..40).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let schema = Schema { sample: Sample::Array { dims: vec![1] }, columns: Vec::new() };
    let array = |dense| Memory::new("a", schema.clone(), Block { rows: 40, dense, columns: Vec::new() }).unwrap();
    let scaled = fit(&shared(array(dense)), &config).unwrap();
    let far = array(vec![100.0; 40]);
    let rows = Encoder::new(scaled, &far).unwrap().apply(&everything(&far), 0).unwrap();
    assert!((rows.features[0] - 100.0).abs() < 1e-3, "{}", rows.features[0]);
}

#[test]
fn arrays_keep_their_metric_and_vectors_of_a_table_do_not() {
    let wide: Vec<f32> = (0..300 * 40).map(|i| (i % 300 + 1) as f32 * ((i / 300 * 7 % 40) as f32 - 20.0)).collect();
    let schema = Schema { sample: Sample::Array { dims: vec![300] }, columns: Vec::new() };
    let block = Block { rows: 40, dense: wide.clone(), columns: Vec::new() };
    let source = shared(Memory::new("wide", schema, block).unwrap());
    let centred = fit(&source, &PrepareConfig::default()).unwrap();
    let rows = Encoder::new(centred.clone(), source.as_ref()).unwrap().apply(&everything(source.as_ref()), 0).unwrap();
    let distance =
        |a: usize, b: usize, of: &[f32]| (0..300).map(|i| (of[a * 300 + i] - of[b * 300 + i]).powi(2)).sum::<f32>();
    let ratio = distance(0, 1, &rows.features) / distance(0, 1, &wide);
    assert!((distance(5, 9, &rows.features) / distance(5, 9, &wide) / ratio - 1.0).abs() < 1e-4);
    assert!(centred.layout().fields.len() == 1 && centred.layout().fields[0].name == "values");
    let by_feature = fit(&source, &PrepareConfig { arrays: ArrayScaling::Standardise, ..Default::default() }).unwrap();
    let rows =
        Encoder::new(by_feature.clone(), source.as_ref()).unwrap().apply(&everything(source.as_ref()), 0).unwrap();
    assert!((rows.features[0] - rows.features[299]).abs() < 1e-4);
    let back = by_feature.invert(&rows.features).unwrap().dense;
    assert!(back.iter().zip(&wide).all(|(a, b)| (a - b).abs() < 0.01));

    let narrow = shared(counting(50, 3, 10));
    assert_eq!(fit(&narrow, &PrepareConfig::default()).unwrap().layout().fields[2].name, "c2");
}

#[test]
fn columns_are_matched_by_name_and_kind() {
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let source =
        shared(table(vec![number("age", x.clone()), number("hours-per-week", x.iter().map(|x| x * x).collect())], 10));
    let preparation = fit(&source, &PrepareConfig::default()).unwrap();
    let swapped =
        table(vec![number("extra", x.clone()), number("hours-per-week", x.clone()), number("age", vec![7.0; 40])], 100);
    let rows = Encoder::new(preparation.clone(), &swapped).unwrap().apply(&everything(&swapped), 0).unwrap();
    assert!(rows.features.iter().step_by(2).all(|age| *age == rows.features[0]));
    let renamed = table(vec![number("age", x.clone()), number("hours_per_week", x)], 10);
    let error = Encoder::new(preparation.clone(), &renamed).unwrap_err();
    assert!(
        matches!(&error, Error::Table(TableError::MissingColumn { nearest: Some(name), .. }) if name == "hours_per_week"),
        "{error}"
    );
    let error = Encoder::new(preparation, &counting(4, 2, 2)).unwrap_err();
    assert!(matches!(error, Error::SampleMismatch { .. }));
}
