//! Pages as a browser gets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod markup;
mod sample;

use markup::Tag;
use narrows_report::{
    Better, Card, Cell, CodeMap, Coloring, Comparison, Error, Example, Metric, Rank, Reconstructions, Report, render,
    render_many,
};

fn all() -> Vec<Report> {
    vec![sample::pictures(), sample::rows(), sample::windows()]
}

fn headings(page: &str) -> Vec<String> {
    let tags = markup::tags(page);
    tags.iter().filter(|t| t.name == "h2").map(|t| markup::text_after(page, t).to_owned()).collect()
}

#[test]
fn every_tag_is_closed_and_every_identifier_unique() {
    for page in all().iter().map(|r| render(r).unwrap()).chain([render_many(&all()).unwrap()]) {
        markup::check_nesting(&page);
        let tags = markup::tags(&page);
        let mut ids: Vec<&str> = tags.iter().filter_map(|t| t.attribute("id")).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        for labels in tags.iter().filter_map(|t| t.attribute("aria-labelledby")) {
            assert!(labels.split(' ').all(|label| ids.binary_search(&label).is_ok()), "{labels}");
        }
    }
}

#[test]
fn the_page_asks_nothing_of_the_network_and_runs_nothing() {
    for page in [render(&sample::pictures()).unwrap(), render_many(&all()).unwrap()] {
        assert!(
            !page.contains("http:") && !page.contains("https:") && !page.contains("url("),
            "an address in the page"
        );
        assert!(page.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\""));
        let tags = markup::tags(&page);
        assert!(tags.iter().all(|t| !["script", "link", "iframe", "object"].contains(&t.name)));
        assert!(tags.iter().all(|t| t.attributes().iter().all(|(name, _)| !name.starts_with("on"))));
        let sources = tags.iter().filter_map(|t| t.attribute("src"));
        assert!(sources.into_iter().all(|source| source.starts_with("data:image/png;base64,")));
    }
}

#[test]
fn no_coordinate_is_lost() {
    for report in all() {
        let page = render(&report).unwrap();
        let drawn: Vec<_> = markup::tags(&page).into_iter().filter(|t| t.name == "path").collect();
        assert!(drawn.len() > 20);
        assert!(drawn.iter().all(|t| t.attribute("d").is_some_and(|d| !d.contains("NaN") && !d.contains("inf"))));
    }
}

#[test]
fn hostile_names_stay_text() {
    let evil = "</title></style></script><script>alert(1)</script>\"' onload='x' {{ 7 * 7 }} {% raw %} &amp;";
    let name = || evil.to_owned();
    let cells = || vec![Cell::Text(name())];
    let report = Report {
        title: name(),
        subtitle: name(),
        model: name(),
        baseline: name(),
        warnings: vec![name()],
        summary: vec![Card { label: name(), value: name(), unit: name(), note: name() }],
        comparison: Some(Comparison {
            caption: name(),
            methods: vec![name()],
            metrics: vec![Metric { name: name(), unit: name(), better: Better::Lower, values: vec![Some(1.0)] }],
        }),
        training: sample::rows().training.map(|t| narrows_report::Training { loss: name(), ..t }),
        reconstructions: Some(Reconstructions::Rows {
            metric: name(),
            columns: vec![name()],
            examples: vec![Example {
                rank: Rank::Best,
                name: name(),
                error: 1.0,
                observed: cells(),
                reconstructed: cells(),
                baseline: Some(cells()),
            }],
        }),
        code_maps: vec![CodeMap {
            title: name(),
            x_label: name(),
            y_label: name(),
            points: vec![[0.0, 1.0]],
            color: Coloring::Classes { name: name(), levels: vec![name()], of: vec![0] },
        }],
        errors: None,
        column_errors: sample::rows().column_errors.map(|mut errors| {
            errors.metric = name();
            errors.columns[0].name = name();
            errors
        }),
        notes: vec![name()],
        config: name(),
        environment: vec![(name(), name())],
    };
    for page in [render(&report).unwrap(), render_many(&[report.clone(), report.clone()]).unwrap()] {
        markup::check_nesting(&page);
        let tags = markup::tags(&page);
        assert!(tags.iter().all(|t| t.name != "script"));
        assert!(tags.iter().all(|t| t.attributes().iter().all(|(name, _)| !name.starts_with("on"))));
        assert!(page.contains("{{ 7 * 7 }}"), "a name is not a template");
        assert!(page.contains("&amp;amp;"), "an entity in a name is shown as it is written");
    }
}

#[test]
fn empty_sections_are_left_out() {
    let bare = Report { title: "bare".to_owned(), ..Report::default() };
    assert_eq!(headings(&render(&bare).unwrap()), Vec::<String>::new());
    let empty = Report {
        comparison: Some(Comparison::default()),
        reconstructions: Some(Reconstructions::Pictures { metric: String::new(), examples: Vec::new() }),
        code_maps: vec![CodeMap::default()],
        errors: Some(narrows_report::ErrorDistribution::default()),
        training: Some(narrows_report::Training::default()),
        column_errors: Some(narrows_report::ColumnErrors::default()),
        notes: vec!["only this".to_owned()],
        ..bare
    };
    assert_eq!(headings(&render(&empty).unwrap()), ["Notes"]);
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(render_many(&all()).unwrap(), render_many(&all()).unwrap());
}

#[test]
fn several_runs_stand_side_by_side() {
    let page = render_many(&all()).unwrap();
    let tags = markup::tags(&page);
    let titled: Vec<_> = tags.iter().filter(|t| t.name == "h3").map(|t| markup::text_after(&page, t)).collect();
    let notes = titled.rchunks(3).next().unwrap();
    assert_eq!(notes, ["ae on mnist", "ae on adult.csv.gz", "conv-ae on skab"]);
    assert_eq!(headings(&page)[0], "Overview");
    assert!(page.contains("Settings in which the runs differ"));
    assert!(page.contains("not recorded"), "a section that one run lacks keeps its place");
    assert_eq!(render_many(&all()[..1]).unwrap(), render(&all()[0]).unwrap());
    assert!(matches!(render_many(&[]), Err(Error::NoRuns)));
}

#[test]
fn a_report_survives_json() {
    for report in all() {
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}

#[test]
fn mismatched_lists_are_refused() {
    let mut report = sample::rows();
    if let Some(Reconstructions::Rows { columns, .. }) = &mut report.reconstructions {
        columns.pop();
    }
    let error = render(&report).unwrap_err().to_string();
    assert_eq!(
        error,
        "report: reconstructions: original of `row 18211` has 7 entries; expected 6, one for each column"
    );
}

#[test]
fn structure() {
    let outline = |report: &Report| {
        let page = render(report).unwrap();
        let shown = ["h1", "h2", "h4", "section", "caption", "svg", "table", "img", "figcaption", "pre"];
        let mut lines: Vec<String> = Vec::new();
        for tag in markup::tags(&page).iter().filter(|t| shown.contains(&t.name)) {
            let line = line(&page, tag);
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
        lines.join("\n")
    };
    insta::assert_snapshot!("pictures", outline(&sample::pictures()));
    insta::assert_snapshot!("rows", outline(&sample::rows()));
    insta::assert_snapshot!("windows", outline(&sample::windows()));
}

fn line(page: &str, tag: &Tag<'_>) -> String {
    let mut line = tag.name.to_owned();
    for attribute in ["id", "class", "aria-labelledby", "alt"] {
        if let Some(value) = tag.attribute(attribute) {
            line = format!("{line} {attribute}={value:?}");
        }
    }
    let text = markup::text_after(page, tag);
    if text.is_empty() { line } else { format!("{line} {text}") }
}
