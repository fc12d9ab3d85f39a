//! Rows to codes, codes to rows, and rows through the bottleneck, file to file in bounded memory.

use std::path::Path;
use std::sync::Arc;

use narrows_data::sink::{self, SinkFormat, SinkOptions};
use narrows_data::{Any, Block, Column, ColumnData, ColumnKind, Condition, Sample, Schema, Source, Subset, in_order};
use narrows_tensor::{Device, Tensor};

use crate::batches::batch;
use crate::overlap::Overlap;
use crate::{Error, Model, Result};

/// Rows in one batch: large products, few of them.
const ROWS: usize = 4_096;

/// Where rows go, and what goes with them.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// A path whose extension says the format; `-` is standard output.
    pub path: &'a Path,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// Columns of the input that are carried along.
    pub keep: &'a [String],
}

/// Writes the codes of `rows` as `z0`, `z1`, ...; of windows also the number of their first row. Calls `progress` with
/// the samples of each batch, and returns how many there were.
///
/// # Errors
/// The rows cannot be read or do not fit the model, or the file cannot be written.
pub fn encode(model: &Model, rows: &Subset<Any>, output: Output<'_>, mut progress: impl FnMut(usize)) -> Result<usize> {
    let keep = with_condition(model, output);
    let kept = kept(rows.source().as_ref(), &keep, model.preparation.window().is_some())?;
    let code = model.network.spec().code.elements();
    let schema = Schema { sample: Sample::Array { dims: vec![code] }, columns: kept.columns() };
    let options = SinkOptions { force: output.force, prefix: "z".into(), ..SinkOptions::default() };
    let mut sink = sink::create(output.path, &schema, &options)?;
    let mut total = 0;
    let portions = in_order(rows, &model.preparation, ROWS)?;
    for portion in if kept.places.is_empty() { portions } else { portions.with_values() } {
        let portion = portion?;
        let columns = kept.take(portion.values, &portion.numbers);
        let batch = batch(portion.rows, &model.preparation.layout().dims)?;
        let dense = flat(&model.network.encode_given(&batch.x, batch.condition.as_ref())?)?;
        let rows = portion.numbers.len();
        sink.write(&Block { rows, dense, columns })?;
        total += rows;
        progress(rows);
    }
    sink.finish()?;
    Ok(total)
}

/// Writes the rows, in the data's units, that `rows` become on their way through the bottleneck.
///
/// # Errors
/// The rows cannot be read or do not fit the model, or the file cannot be written.
pub fn reconstruct(
    model: &Model,
    rows: &Subset<Any>,
    output: Output<'_>,
    mut progress: impl FnMut(usize),
) -> Result<usize> {
    let windowed = model.preparation.window().is_some();
    let kept = kept(rows.source().as_ref(), output.keep, windowed)?;
    let Schema { sample, mut columns } = model.preparation.output_schema();
    columns.extend(kept.columns());
    let options = SinkOptions { force: output.force, ..SinkOptions::default() };
    let mut sink = sink::create(output.path, &Schema { sample, columns }, &options)?;
    let mut overlap = windowed.then(|| Overlap::new(model.preparation.layout()));
    let mut total = 0;
    let portions = in_order(rows, &model.preparation, ROWS)?;
    for portion in if kept.places.is_empty() { portions } else { portions.with_values() } {
        let portion = portion?;
        let batch = batch(portion.rows, &model.preparation.layout().dims)?;
        let features = flat(&model.network.reconstruct_given(&batch.x, batch.condition.as_ref())?)?;
        let samples = portion.numbers.len();
        let (features, numbers) = match &mut overlap {
            Some(overlap) => overlap.add(&features, &portion.numbers),
            None => (features, portion.numbers),
        };
        total += write_rows(model, sink.as_mut(), &features, kept.take(portion.values, &numbers))?;
        progress(samples);
    }
    if let Some((features, numbers)) = overlap.map(Overlap::finish) {
        total += write_rows(model, sink.as_mut(), &features, kept.take(None, &numbers))?;
    }
    sink.finish()?;
    Ok(total)
}

/// Writes the rows, in the data's units, that the codes in `codes` stand for.
///
/// # Errors
/// The codes are of another size than the model's, or the file cannot be written.
pub fn decode(
    model: &Model,
    codes: &Arc<dyn Source>,
    output: Output<'_>,
    mut progress: impl FnMut(usize),
) -> Result<usize> {
    let spec = model.network.spec();
    let size = spec.code.elements();
    let places = code_columns(codes.as_ref(), size)?;
    let kept = kept(codes.as_ref(), output.keep, false)?;
    let known = code_condition(model, codes.as_ref())?;
    let Schema { sample, mut columns } = model.preparation.output_schema();
    columns.extend(kept.columns());
    let options = SinkOptions { force: output.force, ..SinkOptions::default() };
    let mut sink = sink::create(output.path, &Schema { sample, columns }, &options)?;
    let mut total = 0;
    for index in 0..codes.blocks().len() {
        let block = codes.read(index)?;
        let rows = block.rows;
        let values = gather(&block, places.as_deref(), size);
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let row = codes.blocks()[index].start + at / size + 1;
            return Err(Error::CodeValue { origin: codes.origin().to_owned(), row, column: format!("z{}", at % size) });
        }
        let z = Tensor::from_vec(values, spec.code.batched(rows), &Device::Cpu).map_err(narrows_tensor::Error::from)?;
        let condition = known.and_then(|(condition, place)| {
            let given = condition.read(block.columns.get(place)?);
            Some(Tensor::from_vec(condition.features(&given), (rows, condition.width()), &Device::Cpu))
        });
        let condition = condition.transpose().map_err(narrows_tensor::Error::from)?;
        let features = flat(&model.network.decode_given(&z, condition.as_ref())?)?;
        let numbers: Vec<usize> = (0..rows).collect();
        total += write_rows(model, sink.as_mut(), &features, kept.take(Some(block), &numbers))?;
        progress(rows);
    }
    sink.finish()?;
    Ok(total)
}

/// Inverts features and writes them with further columns; returns the rows written.
pub(crate) fn write_rows(
    model: &Model,
    sink: &mut dyn sink::Sink,
    features: &[f32],
    further: Vec<ColumnData>,
) -> Result<usize> {
    write_block(model.preparation.invert(features)?, sink, further)
}

/// Writes values with further columns; returns the rows written.
pub(crate) fn write_block(mut block: Block, sink: &mut dyn sink::Sink, further: Vec<ColumnData>) -> Result<usize> {
    block.columns.extend(further);
    let rows = block.rows;
    if rows > 0 {
        sink.write(&block)?;
    }
    Ok(rows)
}

/// Columns that are carried along, and for windows the number of each one's first row.
pub(crate) struct Kept {
    places: Vec<(usize, Column)>,
    number: bool,
}

impl Kept {
    pub(crate) fn columns(&self) -> Vec<Column> {
        let number = self.number.then(|| Column::kept("row", ColumnKind::Number));
        number.into_iter().chain(self.places.iter().map(|(_, column)| column.clone())).collect()
    }

    pub(crate) fn take(&self, values: Option<Block>, numbers: &[usize]) -> Vec<ColumnData> {
        let number = self.number.then(|| ColumnData::Numbers(numbers.iter().map(|&row| row as f64 + 1.0).collect()));
        let mut own = values.map(|block| block.columns).unwrap_or_default();
        let kept = self.places.iter().filter_map(|(place, _)| {
            let empty = ColumnData::Numbers(Vec::new());
            own.get_mut(*place).map(|column| std::mem::replace(column, empty))
        });
        number.into_iter().chain(kept).collect()
    }
}

pub(crate) fn kept(source: &dyn Source, names: &[String], windowed: bool) -> Result<Kept> {
    kept_columns(source.schema(), source.origin(), names, windowed)
}

pub(crate) fn kept_columns(schema: &Schema, origin: &str, names: &[String], windowed: bool) -> Result<Kept> {
    let place = |name: &String| match schema.require(origin, name)? {
        _ if windowed => Err(Error::KeepWindows { name: name.clone() }),
        place => Ok((place, schema.columns[place].clone())),
    };
    Ok(Kept { places: names.iter().map(place).collect::<Result<_>>()?, number: windowed })
}

/// The columns to carry along with codes: of a conditional model also the condition, which decoding needs, where the format
/// takes columns.
fn with_condition(model: &Model, output: Output<'_>) -> Vec<String> {
    let mut keep = output.keep.to_vec();
    if let Some(condition) = model.preparation.condition()
        && takes_columns(output.path)
        && !keep.iter().any(|name| name == condition.name())
    {
        keep.push(condition.name().to_owned());
    }
    keep
}

/// Whether a file of this name can hold columns beside samples.
pub(crate) fn takes_columns(path: &Path) -> bool {
    !matches!(SinkFormat::of(path), Some(SinkFormat::Npy | SinkFormat::Png))
}

/// The condition of codes and its column.
fn code_condition<'a>(model: &'a Model, codes: &dyn Source) -> Result<Option<(&'a Condition, usize)>> {
    let Some(condition) = model.preparation.condition() else { return Ok(None) };
    let missing = |_| Error::CodeCondition { origin: codes.origin().to_owned(), name: condition.name().to_owned() };
    condition.place(codes.schema(), codes.origin()).map_err(missing).map(|place| Some((condition, place)))
}

/// Where the columns `z0`, `z1`, ... are; `None` where codes are rows of an array.
fn code_columns(source: &dyn Source, size: usize) -> Result<Option<Vec<usize>>> {
    let schema = source.schema();
    let wrong = |found| Error::CodeSize { origin: source.origin().to_owned(), found, expected: size };
    match schema.sample.width() {
        Some(width) if width == size => Ok(None),
        Some(width) => Err(wrong(width)),
        None => {
            let places: Vec<usize> = (0..).map_while(|at| schema.position(&format!("z{at}"))).collect();
            if places.len() == size { Ok(Some(places)) } else { Err(wrong(places.len())) }
        }
    }
}

/// The codes of a block, row by row.
fn gather(block: &Block, places: Option<&[usize]>, size: usize) -> Vec<f32> {
    let Some(places) = places else { return block.dense.clone() };
    let mut values = vec![f32::NAN; block.rows * size];
    for (at, &place) in places.iter().enumerate() {
        if let Some(ColumnData::Numbers(numbers)) = block.columns.get(place) {
            numbers.iter().enumerate().for_each(|(row, &number)| values[row * size + at] = number as f32);
        }
    }
    values
}

pub(crate) fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    let values = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>());
    Ok(values.map_err(narrows_tensor::Error::from)?)
}
