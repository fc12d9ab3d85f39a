//! Rows of tables, arrays and windows: as many come out as go in, in the same schema; what the model does not know stays.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use narrows_data::sink::{self, Sink, SinkFormat, SinkOptions};
use narrows_data::{Block, Encoder, Masses, Portion, Sample, Schema, Source, Subset, in_order};
use narrows_eval::ReconstructionError;
use narrows_tensor::{Device, Tensor};

use super::{Comparison, Denoise, Denoised, noise};
use crate::batches::batch;
use crate::overlap::Overlap;
use crate::transform::flat;
use crate::{Error, Model, Result, places};

/// Samples that go through the model at a time: hidden layers of convolutions are large.
const ROWS: usize = 512;

/// Denoises rows into a file.
pub(super) fn denoise(
    model: &Model,
    request: &Denoise<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Denoised> {
    let open = |data: &str| places::open(data, request.data_dir, &model.whole_rows());
    let source = open(request.input)?;
    let clean = request.clean.map(open).transpose()?;
    if let Some(clean) = clean.as_ref().filter(|clean| clean.rows() != source.rows()) {
        return Err(Error::CleanSize {
            path: clean.origin().into(),
            found: format!("{} rows", clean.rows()),
            expected: source.rows().to_string(),
        });
    }
    let rows = crate::rows(model, source, request.part, request.limit)?;
    let mut output = Rows::new(model, request, &rows, clean.as_ref())?;
    let layout = model.preparation.layout();
    let units = noise::units(layout);
    let mut overlap = model.preparation.window().map(|_| Overlap::new(layout));
    let mut portions = in_order(&rows, &model.preparation, ROWS)?;
    let total = portions.samples();
    if overlap.is_none() {
        portions = portions.with_values();
    }
    for portion in portions {
        let Portion { mut rows, numbers, values, .. } = portion?;
        let given = values.map(|raw| (raw, rows.clone()));
        if let Some(level) = request.add_noise {
            let width = layout.row_width();
            for (sample, &first) in rows.features.chunks_exact_mut(layout.width()).zip(&numbers) {
                for (step, row) in sample.chunks_exact_mut(width).enumerate() {
                    noise::add(row, level, &units[..width], request.seed, first + step);
                }
            }
        }
        let noisy = if given.is_some() { rows.features.clone() } else { Vec::new() };
        let batch = batch(rows, &layout.dims)?;
        let features = flat(&model.network.reconstruct_given(&batch.x, batch.condition.as_ref())?)?;
        match (&mut overlap, given) {
            (Some(overlap), _) => {
                let (features, numbers) = overlap.add(&features, &numbers);
                output.write(&numbers, &features)?;
            }
            (None, Some((raw, given))) => output.put(&numbers, raw, &given, &noisy, &features)?,
            (None, None) => {}
        }
        progress(numbers.len(), total);
    }
    if let Some((features, numbers)) = overlap.map(Overlap::finish) {
        output.write(&numbers, &features)?;
    }
    output.finish()
}

/// What is written, row by row, and compared.
struct Rows<'a> {
    model: &'a Model,
    /// The rows as they are, and the clean ones if there is a file of them.
    given: Raw,
    clean: Option<Raw>,
    /// For each column of a denoised table its place among those of the input.
    overlay: Vec<usize>,
    out: Target,
    noisy: Option<Target>,
    /// Noise that is added: its level, its unit for each feature of a row, its seed.
    noise: Option<(f64, Vec<f32>, u64)>,
    distances: Option<[ReconstructionError; 2]>,
    /// Rows that no window covers are written as they are: those of this range that are not written yet.
    open: Option<Range<usize>>,
    written: usize,
}

impl<'a> Rows<'a> {
    fn new<K>(
        model: &'a Model,
        request: &Denoise<'_>,
        rows: &Subset<K>,
        clean: Option<&Arc<dyn Source>>,
    ) -> Result<Self> {
        let (source, layout) = (rows.source(), model.preparation.layout());
        let mut schema = source.schema().clone();
        let mut overlay = Vec::new();
        for column in model.preparation.output_schema().columns {
            if let Some(place) = schema.position(&column.name) {
                schema.columns[place].kind = column.kind;
                overlay.push(place);
            }
        }
        let sink = |path: &Path| Target::new(path, &schema, request.force);
        let distance = || ReconstructionError::new(layout.weights.clone(), layout.unit_interval);
        let compared = clean.is_some() || request.add_noise.is_some();
        let raw = |source: &Arc<dyn Source>| Raw::new(model, source.clone());
        Ok(Self {
            model,
            given: raw(source)?,
            clean: clean.map(raw).transpose()?,
            overlay,
            out: sink(request.out)?,
            noisy: request.noisy.map(sink).transpose()?,
            noise: request.add_noise.map(|level| (level, noise::units(layout), request.seed)),
            distances: compared.then(|| [distance(), distance()]),
            open: model.preparation.window().and_then(|_| rows.contiguous()),
            written: 0,
        })
    }

    /// Writes denoised features `[rows, row_width]` of ascending rows that windows covered.
    fn write(&mut self, numbers: &[usize], features: &[f32]) -> Result<()> {
        let width = self.model.preparation.layout().row_width();
        let mut at = 0;
        while at < numbers.len() {
            if let Some(open) = &mut self.open {
                let before = open.start..numbers[at];
                open.start = numbers[at];
                self.copy(before)?;
            }
            let run = self.given.run(&numbers[at..])?;
            let range = at..at + run;
            self.write_run(&numbers[range.clone()], &features[range.start * width..range.end * width])?;
            if let Some(open) = &mut self.open {
                open.start = numbers[range.end - 1] + 1;
            }
            at = range.end;
        }
        Ok(())
    }

    /// Writes rows of one block.
    fn write_run(&mut self, numbers: &[usize], features: &[f32]) -> Result<()> {
        let (raw, given) = self.given.take(numbers)?;
        let mut noisy = given.features.clone();
        if let Some((level, units, seed)) = &self.noise {
            let width = self.model.preparation.layout().row_width();
            for (row, &number) in noisy.chunks_exact_mut(width).zip(numbers) {
                noise::add(row, *level, &units[..width], *seed, number);
            }
        }
        self.put(numbers, raw, &given, &noisy, features)
    }

    /// Compares and writes rows: as they are in the file, prepared, with noise, and denoised.
    fn put(
        &mut self,
        numbers: &[usize],
        raw: Block,
        given: &narrows_data::Rows,
        noisy: &[f32],
        features: &[f32],
    ) -> Result<()> {
        self.compare(numbers, given, noisy, features)?;
        let preparation = &self.model.preparation;
        if let Some(sink) = &mut self.noisy {
            sink.write(overlaid(raw.clone(), preparation.invert(noisy)?, &self.overlay))?;
        }
        self.out.write(overlaid(raw, preparation.drawn(features, &Masses::default())?, &self.overlay))?;
        self.written += numbers.len();
        Ok(())
    }

    /// Adds the distances from the clean rows, which may lie in other blocks than these.
    fn compare(
        &mut self,
        numbers: &[usize],
        given: &narrows_data::Rows,
        noisy: &[f32],
        features: &[f32],
    ) -> Result<()> {
        let Some(distances) = &mut self.distances else { return Ok(()) };
        let width = self.model.preparation.layout().row_width();
        let Some(clean) = &mut self.clean else { return add(distances, given, [noisy, features]) };
        let mut at = 0;
        while at < numbers.len() {
            let run = clean.run(&numbers[at..])?;
            let rows = clean.take(&numbers[at..at + run])?.1;
            let part = at * width..(at + run) * width;
            add(distances, &rows, [&noisy[part.clone()], &features[part]])?;
            at += run;
        }
        Ok(())
    }

    /// Writes rows as they are.
    fn copy(&mut self, rows: Range<usize>) -> Result<()> {
        let numbers: Vec<usize> = rows.collect();
        let mut at = 0;
        while at < numbers.len() {
            let run = self.given.run(&numbers[at..])?;
            let block = self.given.take(&numbers[at..at + run])?.0;
            if let Some(sink) = &mut self.noisy {
                sink.write(block.clone())?;
            }
            self.out.write(block)?;
            self.written += run;
            at += run;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Denoised> {
        if let Some(open) = self.open.take() {
            self.copy(open)?;
        }
        self.out.sink.finish()?;
        if let Some(noisy) = self.noisy {
            noisy.sink.finish()?;
        }
        let comparison = match &self.distances {
            Some([noisy, denoised]) => Some(Comparison { noisy: noisy.quality()?, denoised: denoised.quality()? }),
            None => None,
        };
        Ok(Denoised { samples: self.written, comparison })
    }
}

/// Adds the distances of noisy and denoised features from those of clean rows.
fn add(distances: &mut [ReconstructionError; 2], clean: &narrows_data::Rows, others: [&[f32]; 2]) -> Result<()> {
    let tensor = |values: &[f32]| {
        Tensor::from_slice(values, (clean.rows, clean.width), &Device::Cpu).map_err(narrows_tensor::Error::from)
    };
    let (x, observed) = (tensor(&clean.features)?, clean.observed.as_deref().map(tensor).transpose()?);
    for (distance, other) in distances.iter_mut().zip(others) {
        distance.add(&x, &tensor(other)?, observed.as_ref())?;
    }
    Ok(())
}

/// A file in the making.
struct Target {
    sink: Box<dyn Sink>,
    /// Whether a label or a file name goes with an array or a picture: not where the file is one array or a picture.
    columns: bool,
}

impl Target {
    fn new(path: &Path, schema: &Schema, force: bool) -> Result<Self> {
        let alone = matches!(SinkFormat::of(path), Some(SinkFormat::Npy | SinkFormat::Png));
        let columns = schema.sample == Sample::Table || !alone;
        let held = if columns { schema.columns.clone() } else { Vec::new() };
        let schema = Schema { columns: held, ..schema.clone() };
        let sink = sink::create(path, &schema, &SinkOptions { force, ..SinkOptions::default() })?;
        Ok(Self { sink, columns })
    }

    fn write(&mut self, mut block: Block) -> Result<()> {
        if !self.columns {
            block.columns.clear();
        }
        Ok(self.sink.write(&block)?)
    }
}

/// A block whose features are replaced.
fn overlaid(mut raw: Block, features: Block, places: &[usize]) -> Block {
    for (place, column) in places.iter().zip(features.columns) {
        raw.columns[*place] = column;
    }
    if !features.dense.is_empty() {
        raw.dense = features.dense;
    }
    raw
}

/// The raw rows of a source, one block in memory.
struct Raw {
    source: Arc<dyn Source>,
    encoder: Encoder,
    /// The block that was read last, and its rows.
    block: Block,
    rows: Range<usize>,
}

impl Raw {
    fn new(model: &Model, source: Arc<dyn Source>) -> Result<Self> {
        let encoder = Encoder::new(model.preparation.clone(), source.as_ref())?;
        Ok(Self { source, encoder, block: Block::default(), rows: 0..0 })
    }

    /// How many of these ascending rows lie in the block of the first, which is read if it is another one.
    fn run(&mut self, numbers: &[usize]) -> Result<usize> {
        let Some(&first) = numbers.first() else { return Ok(0) };
        if !self.rows.contains(&first) {
            let index = self.source.blocks().partition_point(|block| block.end <= first);
            self.block = self.source.read(index)?;
            self.rows = self.source.blocks().get(index).cloned().unwrap_or(first..first + 1);
        }
        Ok(numbers.iter().take_while(|number| self.rows.contains(number)).count().max(1))
    }

    /// These rows of the block in memory, raw and prepared.
    fn take(&self, numbers: &[usize]) -> Result<(Block, narrows_data::Rows)> {
        let places: Vec<usize> = numbers.iter().map(|number| number - self.rows.start).collect();
        let block = self.block.select(&places);
        let rows = self.encoder.apply(&block, numbers.first().copied().unwrap_or(0))?;
        Ok((block, rows))
    }
}
