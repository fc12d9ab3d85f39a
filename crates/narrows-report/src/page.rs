//! From reports to the one page: sections are drawn, empty ones left out, and the template filled.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use crate::draw::{chart::Chart, code_map, columns, comparison, examples, histogram, training};
use crate::{Card, Error, Report, Result};

/// One report with everything drawn.
#[derive(Clone, Debug, Serialize)]
struct Run<'a> {
    title: &'a str,
    subtitle: &'a str,
    model: &'a str,
    baseline: &'a str,
    warnings: &'a [String],
    summary: &'a [Card],
    comparison: Option<comparison::Table>,
    training: Vec<Chart>,
    examples: Option<examples::Examples>,
    code_maps: Vec<Chart>,
    errors: Option<Chart>,
    columns: Option<columns::Columns>,
    notes: &'a [String],
    config: &'a str,
    environment: &'a [(String, String)],
}

/// What several runs have in common, or not.
#[derive(Clone, Debug, Serialize)]
struct Overview {
    metrics: Option<comparison::Table>,
    losses: Option<Chart>,
    differences: Option<comparison::Table>,
}

/// Draws one run as one HTML page.
///
/// # Errors
///
/// When lists that describe the same things differ in length, or a picture does not fit its size.
pub fn render(report: &Report) -> Result<String> {
    page(&report.title, &[run(report, 0)?], None)
}

/// Draws several runs side by side as one HTML page; a single run looks as with [`render`].
///
/// # Errors
///
/// As [`render`], and when `reports` is empty.
pub fn render_many(reports: &[Report]) -> Result<String> {
    match reports {
        [] => Err(Error::NoRuns),
        [one] => render(one),
        several => {
            let runs = several.iter().enumerate().map(|(i, report)| run(report, i)).collect::<Result<Vec<_>>>()?;
            let trained: Vec<_> =
                several.iter().filter_map(|r| r.training.as_ref().map(|t| (r.title.as_str(), t))).collect();
            let overview = Overview {
                metrics: comparison::across(several),
                losses: training::overlay(&trained, "overview-loss"),
                differences: comparison::differences(several),
            };
            page(&format!("{} runs side by side", several.len()), &runs, Some(&overview))
        }
    }
}

fn run(report: &Report, index: usize) -> Result<Run<'_>> {
    let id = |section: &str| format!("run{index}-{section}");
    let Report { model, baseline, .. } = report;
    let mut code_maps = Vec::new();
    for (i, map) in report.code_maps.iter().enumerate() {
        code_maps.extend(code_map::chart(map, &id(&format!("map{i}")))?);
    }
    let comparison = report.comparison.as_ref().map(comparison::table).transpose()?.flatten();
    let examples = report.reconstructions.as_ref();
    let examples = examples.map(|all| examples::view(all, model, baseline, &id("example"))).transpose()?.flatten();
    Ok(Run {
        title: &report.title,
        subtitle: &report.subtitle,
        model,
        baseline,
        warnings: &report.warnings,
        summary: &report.summary,
        comparison,
        training: report.training.as_ref().map_or_else(Vec::new, |t| training::charts(t, &id("training"))),
        examples,
        code_maps,
        errors: report.errors.as_ref().and_then(|e| histogram::chart(e, model, baseline, &id("errors"))),
        columns: report.column_errors.as_ref().and_then(columns::table),
        notes: &report.notes,
        config: &report.config,
        environment: &report.environment,
    })
}

/// The sections that take half of a wide page. All others take its whole width, and so does the last half without a
/// neighbour.
fn halves(run: &Run<'_>) -> Vec<&'static str> {
    let mut halves: Vec<&str> = [
        ("comparison", run.comparison.is_some()),
        ("training", !run.training.is_empty()),
        ("code_maps", run.code_maps.len() == 1),
        ("errors", run.errors.is_some()),
        ("notes", !run.notes.is_empty()),
        ("config", !run.config.is_empty()),
        ("environment", !run.environment.is_empty()),
    ]
    .into_iter()
    .filter_map(|(section, present)| present.then_some(section))
    .collect();
    halves.truncate(halves.len() / 2 * 2);
    halves
}

fn page(title: &str, runs: &[Run<'_>], overview: Option<&Overview>) -> Result<String> {
    let environment = environment()?;
    let halves = match (runs, overview) {
        ([run], None) => halves(run),
        _ => Vec::new(),
    };
    let template = environment.get_template("page.html").map_err(Error::Template)?;
    template
        .render(context! { title, halves, runs => Serde(runs), overview => Serde(overview) })
        .map_err(Error::Template)
}

/// The templates. Their names end in `.html` or `.xml`, so every value is escaped unless the template says otherwise.
pub(crate) fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(Error::Template)?;
    environment.set_syntax(syntax);
    for (name, source) in [
        ("page.html", include_str!("templates/page.html")),
        ("section.html", include_str!("templates/section.html")),
        ("chart.html", include_str!("templates/chart.html")),
        ("scores.xml", include_str!("templates/scores.xml")),
        ("colors.css", include_str!("templates/colors.css")),
        ("style.css", include_str!("templates/style.css")),
        ("chart.css", include_str!("templates/chart.css")),
    ] {
        environment.add_template(name, source).map_err(Error::Template)?;
    }
    Ok(environment)
}
