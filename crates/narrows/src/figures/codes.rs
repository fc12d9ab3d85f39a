//! Maps of the codes of held-out samples.

use std::collections::BTreeMap;

use narrows_data::{Block, ColumnData, Role, in_order};
use narrows_eval::map;
use narrows_report::{CodeMap, Coloring};
use narrows_tensor::Tensor;

use super::Measured;
use crate::Result;
use crate::batches::batch;
use crate::evaluate::ROWS;

/// The most classes that are told apart by colour.
const CLASSES: usize = 20;

/// One map by principal components, and one by t-SNE if asked for; coloured by label, else by error.
pub(super) fn maps(measured: Measured<'_>, limit: usize, t_sne: bool) -> Result<Vec<CodeMap>> {
    let every = measured.errors.numbers.len().div_ceil(limit).max(1);
    let (codes, labels) = codes(measured, every)?;
    if codes.dim(0).unwrap_or(0) < 3 {
        return Ok(Vec::new());
    }
    let color = match labels {
        Some(labels) => labels,
        None => Coloring::Values {
            name: "squared error".into(),
            of: measured.errors.model.iter().step_by(every).copied().collect(),
        },
    };
    let mut maps = vec![CodeMap {
        title: "Codes of held-out samples along their two principal axes".into(),
        x_label: "first axis".into(),
        y_label: "second axis".into(),
        points: map::principal(&codes)?,
        color: color.clone(),
    }];
    if t_sne && codes.dim(0).unwrap_or(0) >= 10 {
        maps.push(CodeMap {
            title: "Codes of held-out samples by t-SNE (distances between far groups mean little)".into(),
            points: map::t_sne(&codes)?,
            color,
            ..CodeMap::default()
        });
    }
    Ok(maps)
}

/// The codes of every `every`-th sample, and their labels where the data have any.
fn codes(measured: Measured<'_>, every: usize) -> Result<(Tensor, Option<Coloring>)> {
    let Measured { model, rows, .. } = measured;
    let column = rows.source().schema().role(Role::Label);
    let (mut codes, mut labels, mut at) = (Vec::new(), Vec::new(), 0);
    for portion in in_order(rows, &model.preparation, ROWS)?.with_values() {
        let portion = portion?;
        let count = portion.rows.rows;
        let chosen: Vec<usize> = (0..count).filter(|row| (at + row) % every == 0).collect();
        at += count;
        if chosen.is_empty() {
            continue;
        }
        let narrows_core::Batch { x, condition, .. } = batch(portion.rows, &model.preparation.layout().dims)?;
        let index: Vec<u32> = chosen.iter().map(|&row| row as u32).collect();
        let index = Tensor::new(index, x.device()).map_err(narrows_tensor::Error::from)?;
        let pick = |rows: &Tensor| rows.index_select(&index, 0).map_err(narrows_tensor::Error::from);
        let condition = condition.as_ref().map(pick).transpose()?;
        let code = model.network.encode_given(&pick(&x)?, condition.as_ref())?;
        codes.push(code.flatten_from(1).map_err(narrows_tensor::Error::from)?);
        if let (Some(column), Some(values)) = (column, &portion.values) {
            labels.extend(chosen.iter().map(|&row| label(values, column, row)));
        }
    }
    let codes = Tensor::cat(&codes, 0).map_err(narrows_tensor::Error::from)?;
    let complete = labels.len() == codes.dim(0).unwrap_or(0);
    let name = column.map(|column| rows.source().schema().columns[column].name.clone());
    Ok((codes, name.filter(|_| complete).and_then(|name| classes(name, &labels))))
}

/// The label of one row as text.
fn label(values: &Block, column: usize, row: usize) -> String {
    match values.columns.get(column) {
        Some(ColumnData::Numbers(numbers)) => numbers.get(row).map(ToString::to_string).unwrap_or_default(),
        Some(ColumnData::Texts(texts)) => texts.get(row).unwrap_or("missing").to_owned(),
        None => String::new(),
    }
}

/// Labels as classes; `None` if there are too many to be told apart.
fn classes(name: String, labels: &[String]) -> Option<Coloring> {
    let mut levels: Vec<String> = labels.to_vec();
    levels.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    levels.dedup();
    if levels.len() > CLASSES {
        return None;
    }
    let place: BTreeMap<&str, usize> = levels.iter().enumerate().map(|(at, level)| (level.as_str(), at)).collect();
    let of = labels.iter().map(|label| place[label.as_str()]).collect();
    Some(Coloring::Classes { name, of, levels })
}
