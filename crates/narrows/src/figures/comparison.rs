//! The model beside PCA: headline cards, the table of metrics, and what a reader should be warned of.

use narrows_core::Diagnostic;
use narrows_report::{Better, Card, Comparison, Metric};

use crate::evaluate::{ColumnError, Evaluation};

/// The headline figures.
pub(super) fn cards(evaluation: &Evaluation) -> Vec<Card> {
    let (model, pca) = (&evaluation.model, &evaluation.pca);
    let card = |label: &str, value: String, unit: &str, note: String| Card {
        label: label.into(),
        value,
        unit: unit.into(),
        note,
    };
    let pca_of = match evaluation.components {
        components if components == evaluation.code => "PCA of the same code size".into(),
        1 => "PCA of 1 component".into(),
        components => format!("PCA of {components} components"),
    };
    let of_pca = |value: String| if evaluation.complete { String::new() } else { format!("PCA: {value}") };
    let saved = 100.0 * (1.0 - ratio(evaluation));
    let against = match saved {
        _ if evaluation.complete => {
            let note = format!("{pca_of} are all there are and copy their input");
            card("Against PCA", "-".into(), "", note)
        }
        less if less >= 1.0 => card("Against PCA", short(less), "%", format!("less error than {pca_of}")),
        more if more <= -1.0 => card("Against PCA", short(-more), "%", format!("more error than {pca_of}")),
        _ => card("Against PCA", "equal".into(), "", format!("within 1 % of {pca_of}")),
    };
    let mut cards =
        vec![card("Squared error a sample", short(model.squared_error), "", of_pca(short(pca.squared_error))), against];
    if let (Some(of_model), Some(pca)) = (model.explained_variance, pca.explained_variance) {
        let note = of_pca(format!("{} %", short(100.0 * pca)));
        cards.push(card("Explained variance", short(100.0 * of_model), "%", note));
    }
    if let (Some(of_model), Some(pca)) = (model.psnr, pca.psnr) {
        cards.push(card("PSNR", format!("{of_model:.2}"), "dB", of_pca(format!("{pca:.2} dB"))));
    }
    for Diagnostic { name, value, .. } in &evaluation.diagnostics {
        cards.push(card(name, short(*value), "", "over the held-out samples".into()));
    }
    cards.push(card("Code", evaluation.code.to_string(), "values", format!("{} held-out samples", model.samples)));
    cards
}

/// Metrics as rows, model and PCA as columns.
pub(super) fn table(name: &str, evaluation: &Evaluation) -> Comparison {
    let (model, pca) = (&evaluation.model, &evaluation.pca);
    let metric = |name: &str, unit: &str, better, values: [Option<f64>; 2]| Metric {
        name: name.into(),
        unit: unit.into(),
        better,
        values: values.to_vec(),
    };
    let percent = |share: Option<f64>| share.map(|share| 100.0 * share);
    let error = [Some(model.squared_error), Some(pca.squared_error)];
    let per_element = [Some(model.squared_error_per_element), Some(pca.squared_error_per_element)];
    let mut metrics = vec![
        metric("squared error a sample, summed over its values", "", Better::Lower, error),
        metric("squared error a value", "", Better::Lower, per_element),
    ];
    if model.explained_variance.is_some() {
        let values = [percent(model.explained_variance), percent(pca.explained_variance)];
        metrics.push(metric("explained variance", "%", Better::Higher, values));
    }
    if model.psnr.is_some() {
        metrics.push(metric("PSNR, mean over samples", "dB", Better::Higher, [model.psnr, pca.psnr]));
    }
    let caption = format!("{} {} samples, code size {}", model.samples, evaluation.split, evaluation.code);
    Comparison { caption, methods: vec![name.into(), "PCA".into()], metrics }
}

/// What a reader must know before trusting the model.
pub(super) fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let mut warnings: Vec<String> = evaluation.diagnostics.iter().filter_map(|figure| figure.warning.clone()).collect();
    if evaluation.model.explained_variance.is_some_and(|share| share < 0.0) {
        let advice = "Train longer, or set another likelihood or rate";
        warnings.push(format!("The mean of the rows is nearer to them than the model's output. {advice}."));
    } else if ratio(evaluation) >= 1.0 && !evaluation.complete {
        warnings.push(
            "PCA reconstructs these rows at least as well as the model. Use PCA, train longer, or change the model."
                .into(),
        );
    }
    if evaluation.split == "train" {
        warnings
            .push("There were no held-out rows: these figures are of the rows that the model was fitted on.".into());
    }
    if evaluation.model.samples < 100 {
        warnings.push(format!("Only {} held-out samples: the figures are rough.", evaluation.model.samples));
    }
    warnings
}

/// One column's errors.
pub(super) fn column(column: &ColumnError) -> narrows_report::ColumnError {
    narrows_report::ColumnError { name: column.name.clone(), model: column.model, baseline: Some(column.pca) }
}

fn ratio(evaluation: &Evaluation) -> f64 {
    evaluation.model.squared_error / evaluation.pca.squared_error.max(f64::MIN_POSITIVE)
}

/// Three significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if value.abs() < 1e-6 {
        return format!("{value:.2e}");
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.digits$}")
}
