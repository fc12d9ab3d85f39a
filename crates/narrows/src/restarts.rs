//! Places where time goes backwards, in words.

use narrows_data::sink::time_text;
use narrows_data::{ColumnKind, Restart, Role, Source};

/// Places that are told one by one.
const TOLD: usize = 5;

/// One sentence for each of the first places of `source`, and one for all where there are more.
pub(crate) fn sentences(source: &dyn Source, restarts: &[Restart]) -> Vec<String> {
    let schema = source.schema();
    let kind = schema.role(Role::Time).map(|place| schema.columns[place].kind);
    let text = |value: f64| if kind == Some(ColumnKind::Time) { time_text(value) } else { value.to_string() };
    let each = |Restart { row, before, time }: &Restart| {
        let (origin, place) = (source.origin(), source.place(*row));
        let (before, time) = (text(*before), text(*time));
        format!(
            "{origin}: {place}: time goes backwards, from {before} to {time}; no window reaches over it. Sort the file by its \
             time column if it is one recording"
        )
    };
    let mut sentences: Vec<String> = restarts.iter().take(TOLD).map(each).collect();
    if restarts.len() > TOLD {
        sentences.push(format!("{}: time goes backwards in {} places", source.origin(), restarts.len()));
    }
    sentences
}
