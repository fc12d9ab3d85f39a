//! Arrow arrays as columns: what kind a type is, and its values.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};

use super::interner::Interner;
use super::{TableError, csv, select};
use crate::schema::Role;
use crate::{Block, Column, ColumnData, ColumnKind, OpenOptions, Result};

/// Rows at the start of the file from which categories and free text are told apart.
pub(super) const SAMPLED: usize = 4096;

/// The columns that are read, and the place of each among the file's.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) read: Vec<Column>,
    pub(super) places: Vec<usize>,
    origin: String,
}

/// The kind of a type; texts are categories until they are looked at.
fn kind(data_type: &DataType) -> Option<ColumnKind> {
    match data_type {
        DataType::Boolean => Some(ColumnKind::Boolean),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Some(ColumnKind::Time),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnKind::Category),
        DataType::Dictionary(_, values) => kind(values),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Some(ColumnKind::Number)
        }
        DataType::Null => Some(ColumnKind::Number),
        other => other.is_numeric().then_some(ColumnKind::Number),
    }
}

impl Columns {
    /// Chooses columns by `options`; `first` gives the first rows of the text columns at the places that it is called
    /// with, one array for each.
    pub(super) fn choose(
        origin: &str,
        schema: &arrow::datatypes::Schema,
        options: &OpenOptions,
        first: impl Fn(&[usize]) -> Result<Vec<ArrayRef>>,
    ) -> Result<Self> {
        let given = schema.fields().iter().map(|field| field.name().clone()).collect();
        let names = select::names(origin, given)?;
        let roles = select::roles(origin, &names, options)?;
        let mut chosen = Self { read: Vec::new(), places: Vec::new(), origin: origin.to_owned() };
        let mut undecided = Vec::new();
        for (place, ((name, role), field)) in names.into_iter().zip(roles).zip(schema.fields()).enumerate() {
            let Some(role) = role else { continue };
            let Some(found) = kind(field.data_type()) else {
                let (origin, found) = (origin.to_owned(), field.data_type().to_string());
                return Err(TableError::ColumnType { origin, column: name, found }.into());
            };
            let prescribed = select::prescribed(&name, options);
            let kind = prescribed.filter(|kind| convertible(found, *kind, role)).unwrap_or(found);
            if found == ColumnKind::Category && prescribed.is_none() {
                undecided.push((chosen.read.len(), place));
            }
            chosen.read.push(Column { name, kind, role });
            chosen.places.push(place);
        }
        let texts: Vec<usize> = undecided.iter().map(|(_, place)| *place).collect();
        let arrays = if texts.is_empty() { Vec::new() } else { first(&texts)? };
        for ((slot, _), array) in undecided.iter().zip(arrays) {
            let column = &mut chosen.read[*slot];
            column.kind = text_kind(&array, column, origin)?;
        }
        if let Some(column) = chosen.read.iter().find(|column| column.role == Role::Time) {
            csv::numeric_time(origin, column)?;
        }
        Ok(chosen)
    }

    /// The columns of `batch`, which holds those that are read in file order, from row `first_row` of the file.
    pub(super) fn block(&self, batch: &RecordBatch) -> Result<Block> {
        let values = self.read.iter().zip(batch.columns());
        let columns = values.map(|(column, array)| values_of(array, column, &self.origin)).collect::<Result<_, _>>()?;
        Ok(Block { rows: batch.num_rows(), dense: Vec::new(), columns })
    }
}

/// Whether values of kind `found` can be read as `wanted`; a point in time is a number only where it orders rows.
fn convertible(found: ColumnKind, wanted: ColumnKind, role: Role) -> bool {
    use ColumnKind::{Boolean, Category, Number, Text, Time};
    matches!((found, wanted), (_, Category | Text) | (Number | Boolean, Number | Boolean) | (Number | Time, Time))
        || (found, wanted, role) == (Time, Number, Role::Time)
}

/// Whether the texts at the start of a column are categories or free text.
fn text_kind(array: &ArrayRef, column: &Column, origin: &str) -> Result<ColumnKind, TableError> {
    let texts = cast_to(array, &DataType::LargeUtf8, column, origin)?;
    let mut cells = csv::Cells::default();
    texts.as_string::<i64>().iter().flatten().for_each(|text| cells.add_text(text.as_bytes()));
    Ok(cells.kind())
}

fn cast_to(array: &ArrayRef, to: &DataType, column: &Column, origin: &str) -> Result<ArrayRef, TableError> {
    cast(array, to).map_err(|_| TableError::ColumnType {
        origin: origin.to_owned(),
        column: column.name.clone(),
        found: array.data_type().to_string(),
    })
}

fn values_of(array: &ArrayRef, column: &Column, origin: &str) -> Result<ColumnData, TableError> {
    let cast_to = |to: &DataType| cast_to(array, to, column, origin);
    match column.kind {
        ColumnKind::Category | ColumnKind::Text => {
            let texts = cast_to(&DataType::LargeUtf8)?;
            let mut interner = Interner::with_capacity(texts.len());
            for text in texts.as_string::<i64>() {
                match text.map(str::trim) {
                    Some(text) if !csv::is_missing(text.as_bytes()) => interner.push(text),
                    _ => interner.push_missing(),
                }
            }
            Ok(ColumnData::Texts(interner.finish()))
        }
        ColumnKind::Time | ColumnKind::Number if kind(array.data_type()) == Some(ColumnKind::Time) => {
            let to = DataType::Timestamp(TimeUnit::Microsecond, None);
            let utc = cast(&cast_to(&to)?, &DataType::Int64).map_err(|_| TableError::ColumnType {
                origin: origin.to_owned(),
                column: column.name.clone(),
                found: array.data_type().to_string(),
            })?;
            let seconds = |value: Option<i64>| value.map_or(f64::NAN, |micros| micros as f64 / 1e6);
            Ok(ColumnData::Numbers(utc.as_primitive::<Int64Type>().iter().map(seconds).collect()))
        }
        _ => {
            let numbers = cast_to(&DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            Ok(ColumnData::Numbers(match numbers.null_count() {
                0 => numbers.values().to_vec(),
                _ => numbers.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            }))
        }
    }
}
