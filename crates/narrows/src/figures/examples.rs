//! Held-out samples beside their reconstructions: the worst, the median and the best.

use std::collections::BTreeMap;

use narrows_data::{Block, ColumnData, ColumnKind, Preparation, Sample, in_order};
use narrows_eval::extremes::extremes;
use narrows_report::{Cell, Example, Picture, Rank, Reconstructions};

use super::Measured;
use crate::Result;
use crate::batches::batch;
use crate::evaluate::ROWS;

/// Samples of each rank.
const PICTURES: usize = 8;
const SERIES: usize = 3;
/// The widest array that is shown as cells rather than as a line.
const CELLS: usize = 32;
const METRIC: &str = "squared error";

/// Features of one sample and of its two reconstructions.
struct Shown {
    observed: Vec<f32>,
    model: Vec<f32>,
    pca: Vec<f32>,
}

/// Chosen samples in the form that suits them; `None` if there are none.
pub(super) fn choose(measured: Measured<'_>) -> Result<Option<Reconstructions>> {
    let preparation = measured.model.preparation.as_ref();
    let layout = preparation.layout();
    let picture = match preparation.schema().sample {
        Sample::Image { height, width, channels } if channels == 1 || channels == 3 => Some((height, width, channels)),
        _ => None,
    };
    let picked = extremes(&measured.errors.model, if picture.is_some() { PICTURES } else { SERIES });
    let ranked = [(Rank::Worst, &picked.worst), (Rank::Median, &picked.median), (Rank::Best, &picked.best)];
    let ranked: Vec<(Rank, usize)> = ranked.iter().flat_map(|(rank, of)| of.iter().map(|&at| (*rank, at))).collect();
    if ranked.is_empty() {
        return Ok(None);
    }
    let shown = read(measured, &ranked)?;
    let metric = METRIC.to_owned();
    Ok(Some(if let Some((height, width, channels)) = picture {
        let picture = |pixels: &[f32]| Picture { height, width, channels, pixels: pixels.to_vec() };
        Reconstructions::Pictures {
            metric,
            examples: collect(measured, &ranked, &shown, |values| Ok(picture(values)))?,
        }
    } else if layout.steps > 1 || layout.width() > CELLS && layout.fields.len() == 1 {
        let channels = if layout.steps > 1 {
            layout.fields.iter().map(|f| f.name.clone()).collect()
        } else {
            vec!["value".into()]
        };
        let width = if layout.steps > 1 { layout.row_width() } else { 1 };
        let series = |values: &[f32]| {
            let channel = |at: usize| values.iter().skip(at).step_by(width).map(|&value| f64::from(value)).collect();
            let starts = if layout.steps > 1 { layout.fields.iter().map(|f| f.range.start).collect() } else { vec![0] };
            Ok(starts.into_iter().map(channel).collect::<Vec<Vec<f64>>>())
        };
        Reconstructions::Windows { metric, channels, examples: collect(measured, &ranked, &shown, series)? }
    } else {
        let schema = preparation.output_schema();
        let columns = match schema.columns.as_slice() {
            [] => layout.fields.iter().map(|field| field.name.clone()).collect(),
            columns => columns.iter().map(|column| column.name.clone()).collect(),
        };
        Reconstructions::Rows {
            metric,
            columns,
            examples: collect(measured, &ranked, &shown, |v| cells(preparation, v))?,
        }
    }))
}

fn collect<T>(
    measured: Measured<'_>,
    ranked: &[(Rank, usize)],
    shown: &BTreeMap<usize, Shown>,
    form: impl Fn(&[f32]) -> Result<T>,
) -> Result<Vec<Example<T>>> {
    let known = ranked.iter().filter_map(|(rank, at)| Some((*rank, *at, shown.get(at)?)));
    known
        .map(|(rank, at, values)| {
            Ok(Example {
                rank,
                name: format!("row {}", measured.errors.numbers[at] + 1),
                error: measured.errors.model[at],
                observed: form(&values.observed)?,
                reconstructed: form(&values.model)?,
                baseline: Some(form(&values.pca)?),
            })
        })
        .collect()
}

/// The features of the chosen samples, by their place among the measured ones.
fn read(measured: Measured<'_>, ranked: &[(Rank, usize)]) -> Result<BTreeMap<usize, Shown>> {
    let Measured { model, rows, .. } = measured;
    let width = model.preparation.layout().width();
    let (mut shown, mut at) = (BTreeMap::new(), 0);
    for portion in in_order(rows, &model.preparation, ROWS)? {
        let rows = portion?.rows;
        let range = at..at + rows.rows;
        at = range.end;
        let places: Vec<usize> = ranked.iter().map(|(_, place)| *place).filter(|place| range.contains(place)).collect();
        if places.is_empty() {
            continue;
        }
        let narrows_core::Batch { x, condition, .. } = batch(rows, &model.preparation.layout().dims)?;
        let flat = |tensor: narrows_tensor::Tensor| tensor.flatten_all().and_then(|t| t.to_vec1::<f32>());
        let observed = flat(x.clone()).map_err(narrows_tensor::Error::from)?;
        let by_model =
            flat(model.network.reconstruct_given(&x, condition.as_ref())?).map_err(narrows_tensor::Error::from)?;
        let by_pca = flat(model.baseline.reconstruct(&x)?).map_err(narrows_tensor::Error::from)?;
        for place in places {
            let own = (place - range.start) * width..(place - range.start + 1) * width;
            let cut = |values: &[f32]| values[own.clone()].to_vec();
            shown.insert(place, Shown { observed: cut(&observed), model: cut(&by_model), pca: cut(&by_pca) });
        }
    }
    Ok(shown)
}

/// One row's features as cells in the data's units.
fn cells(preparation: &Preparation, features: &[f32]) -> Result<Vec<Cell>> {
    let block = preparation.invert(features)?;
    let kinds: Vec<ColumnKind> = preparation.output_schema().columns.iter().map(|column| column.kind).collect();
    Ok(if block.columns.is_empty() {
        block.dense.iter().map(|&v| Cell::Number(f64::from(v))).collect()
    } else {
        row(&block, &kinds)
    })
}

fn row(block: &Block, kinds: &[ColumnKind]) -> Vec<Cell> {
    let cell = |(column, kind): (&ColumnData, &ColumnKind)| match column {
        ColumnData::Numbers(numbers) => match (numbers.first(), kind) {
            (Some(value), _) if value.is_nan() => Cell::Missing,
            (Some(value), ColumnKind::Boolean) => Cell::Text(if *value > 0.5 { "true" } else { "false" }.into()),
            (Some(value), _) => Cell::Number(*value),
            (None, _) => Cell::Missing,
        },
        ColumnData::Texts(texts) => texts.get(0).map_or(Cell::Missing, |text| Cell::Text(text.into())),
    };
    block.columns.iter().zip(kinds).map(cell).collect()
}
