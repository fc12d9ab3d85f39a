//! Codes as points in the plane. Classes differ by colour and by shape, values by lightness.

use super::axis::Axis;
use super::chart::{Chart, Frame, Key, Text, push_command};
use super::number::{count, significant};
use crate::{CodeMap, Coloring, Error, Result};

/// The chart is as high as its points need, within these bounds.
const HEIGHTS: (f64, f64) = (260.0, 440.0);
/// A page stays light and a map readable below this many points.
const MOST_POINTS: usize = 3_000;
/// Classes with a colour of their own; rarer ones share the last.
const MOST_CLASSES: usize = 10;
/// Height of a class's name.
const NAME_HEIGHT: f64 = 14.0;
const VALUE_STEPS: usize = 5;
/// One shape a class, relative to the point's centre. A line without length is a dot under round caps.
const SHAPES: [&str; MOST_CLASSES] = [
    "h0",
    "m-2.6 -2.6h5.2v5.2h-5.2z",
    "m0 -3.4l3.2 5.6h-6.4z",
    "m0 -3.7l3.7 3.7l-3.7 3.7l-3.7 -3.7z",
    "m-3 0h6m-3 -3v6",
    "m-2.5 -2.5l5 5m0 -5l-5 5",
    "m0 3.4l3.2 -5.6h-6.4z",
    "m-3.2 0h6.4",
    "m0 -3.2v6.4",
    "m0 -2.8v5.6m-2.4 -4.2l4.8 2.8m0 -2.8l-4.8 2.8",
];

/// The chart, or `None` without points.
pub(crate) fn chart(map: &CodeMap, id: &str) -> Result<Option<Chart>> {
    check(map)?;
    let finite: Vec<usize> =
        (0..map.points.len()).filter(|&i| map.points[i].iter().all(|value| value.is_finite())).collect();
    let every = finite.len().div_ceil(MOST_POINTS).max(1);
    let shown: Vec<usize> = finite.iter().copied().step_by(every).collect();
    let Some((x, y, height)) = axes(map, &shown) else { return Ok(None) };
    let mut chart = Chart::new(id.to_owned(), map.title.clone(), height, &x, &y);
    chart.x_label.clone_from(&map.x_label);
    chart.y_label.clone_from(&map.y_label);
    if map.x_label.is_empty() && map.y_label.is_empty() {
        chart.x_ticks.clear();
        chart.y_ticks.clear();
    }
    let at = |i: usize| (x.at(map.points[i][0]), y.at(map.points[i][1]));
    match &map.color {
        Coloring::None => chart.draw(points(&shown, at, SHAPES[0]), "dots model"),
        Coloring::Classes { name, levels, of } => classes(&mut chart, &shown, at, name, levels, of),
        Coloring::Values { name, of } => values(&mut chart, &shown, at, name, of),
    }
    chart.description.push(format!("{} points.", count(shown.len())));
    if every > 1 {
        chart.notes.push(format!("{} of {} samples are shown.", count(shown.len()), count(map.points.len())));
    }
    if finite.len() < map.points.len() {
        chart.notes.push(format!("{} codes are not finite and left out.", count(map.points.len() - finite.len())));
    }
    Ok(Some(chart))
}

fn check(map: &CodeMap) -> Result<()> {
    let found = match &map.color {
        Coloring::None => return Ok(()),
        Coloring::Classes { of, .. } => of.len(),
        Coloring::Values { of, .. } => of.len(),
    };
    if found != map.points.len() {
        let what = "the list of colours".to_owned();
        return Err(Error::Length {
            section: "map of the codes",
            what,
            found,
            expected: map.points.len(),
            each: "point",
        });
    }
    if let Coloring::Classes { levels, of, .. } = &map.color
        && let Some((point, &class)) = of.iter().enumerate().find(|(_, class)| **class >= levels.len())
    {
        return Err(Error::Class { point, class, levels: levels.len() });
    }
    Ok(())
}

/// Axes with one scale for both directions, so that distances can be compared, and the height that they need.
fn axes(map: &CodeMap, shown: &[usize]) -> Option<(Axis, Axis, f64)> {
    let range = |k: usize| {
        let values = shown.iter().map(|&i| map.points[i][k]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (bottom, top)) = (range(0), range(1));
    if shown.is_empty() {
        return None;
    }
    let tallest = Frame::labelled(HEIGHTS.1);
    let width = tallest.right - tallest.left;
    let per_unit = (width / (right - left)).min((tallest.bottom - tallest.top) / (top - bottom)) * 0.94;
    let per_unit = if per_unit.is_finite() && per_unit > 0.0 { per_unit } else { 1.0 };
    let margins = HEIGHTS.1 - (tallest.bottom - tallest.top);
    let height = ((top - bottom) * per_unit / 0.9 + margins).clamp(HEIGHTS.0, HEIGHTS.1).round();
    let frame = Frame::labelled(height);
    let (half_x, half_y) = (0.5 * width / per_unit, 0.5 * (frame.bottom - frame.top) / per_unit);
    let (cx, cy) = (0.5 * (left + right), 0.5 * (bottom + top));
    Some((
        Axis::linear(cx - half_x, cx + half_x, frame.left, frame.right),
        Axis::linear(cy - half_y, cy + half_y, frame.bottom, frame.top),
        height,
    ))
}

fn points(of: &[usize], at: impl Fn(usize) -> (f64, f64), shape: &str) -> String {
    let mut d = String::new();
    for &i in of {
        let (x, y) = at(i);
        push_command(&mut d, 'M', x, y);
        d.push_str(shape);
    }
    d
}

fn classes(
    chart: &mut Chart,
    shown: &[usize],
    at: impl Fn(usize) -> (f64, f64),
    name: &str,
    levels: &[String],
    of: &[usize],
) {
    let mut members: Vec<(usize, Vec<usize>)> = (0..levels.len()).map(|class| (class, Vec::new())).collect();
    for &i in shown {
        members[of[i]].1.push(i);
    }
    members.retain(|(_, points)| !points.is_empty());
    let mut others = Vec::new();
    if members.len() > MOST_CLASSES {
        members.sort_by_key(|(class, points)| (usize::MAX - points.len(), *class));
        others = members.split_off(MOST_CLASSES - 1);
        members.sort_by_key(|(class, _)| *class);
    }
    let mut labels = Vec::new();
    for (slot, (class, points_of)) in members.iter().enumerate() {
        draw_class(chart, slot, points(points_of, &at, SHAPES[slot]), levels[*class].clone());
        labels.push(label(points_of, &at, &levels[*class]));
    }
    if !others.is_empty() {
        let rest: Vec<usize> = others.iter().flat_map(|(_, points)| points.iter().copied()).collect();
        let slot = MOST_CLASSES - 1;
        draw_class(chart, slot, points(&rest, &at, SHAPES[slot]), format!("{} rarer classes", others.len()));
    }
    if levels.iter().all(|level| level.chars().count() <= 12) {
        chart.texts.extend(apart(labels));
    }
    chart.description.push(format!("Points are marked by {name}: {}.", levels.join(", ")));
    chart.notes.push(format!("Colour and shape: {name}."));
}

fn draw_class(chart: &mut Chart, slot: usize, d: String, label: String) {
    let class = if slot == 0 { format!("dots c{slot}") } else { format!("shape c{slot}") };
    chart.draw(d, class.clone());
    chart.legend.push(Key { label, d: format!("M11 7{}", SHAPES[slot]), class });
}

/// A class's name at the median of its points.
fn label(of: &[usize], at: impl Fn(usize) -> (f64, f64), name: &str) -> Text {
    let median = |coordinate: &dyn Fn(usize) -> f64| {
        let mut values: Vec<f64> = of.iter().map(|&i| coordinate(i)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (x, y) = (median(&|i| at(i).0), median(&|i| at(i).1) + 5.0);
    Text { x: x.round(), y: y.round(), content: name.to_owned(), class: "name".to_owned() }
}

/// Moves names that would cover an earlier one below it.
fn apart(names: Vec<Text>) -> Vec<Text> {
    let mut placed: Vec<Text> = Vec::with_capacity(names.len());
    for mut name in names {
        let covers = |a: &Text, b: &Text| {
            let width = 5.0 * (a.content.chars().count() + b.content.chars().count()) as f64;
            (a.x - b.x).abs() < width && (a.y - b.y).abs() < NAME_HEIGHT
        };
        while let Some(below) = placed.iter().filter(|other| covers(&name, other)).map(|o| o.y).max_by(f64::total_cmp) {
            name.y = below + NAME_HEIGHT;
        }
        placed.push(name);
    }
    placed
}

fn values(chart: &mut Chart, shown: &[usize], at: impl Fn(usize) -> (f64, f64), name: &str, of: &[f64]) {
    let mut sorted: Vec<f64> = shown.iter().map(|&i| of[i]).filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return };
    let edges: Vec<f64> = (0..=VALUE_STEPS).map(|step| sorted[step * last / VALUE_STEPS]).collect();
    for step in 0..VALUE_STEPS {
        let inside = |v: f64| v >= edges[step] && (v < edges[step + 1] || (step + 1 == VALUE_STEPS && v.is_finite()));
        let members: Vec<usize> = shown.iter().copied().filter(|&i| inside(of[i])).collect();
        if members.is_empty() {
            continue;
        }
        let class = format!("dots v{step}");
        chart.draw(points(&members, &at, SHAPES[0]), class.clone());
        let label = format!("{} to {}", significant(edges[step]), significant(edges[step + 1]));
        chart.legend.push(Key { label, d: "M11 7h0".to_owned(), class });
    }
    chart.description.push(format!("Points are coloured by {name}, {VALUE_STEPS} groups of equal size."));
    chart.notes.push(format!("Lightness: {name}, in {VALUE_STEPS} groups of equal size."));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(n: usize, color: Coloring) -> CodeMap {
        let points = (0..n).map(|i| [i as f64, (i % 7) as f64]).collect();
        CodeMap { points, color, ..CodeMap::default() }
    }

    #[test]
    fn rare_classes_share_one_mark() {
        let levels: Vec<String> = (0..14).map(|i| format!("k{i}")).collect();
        let of = (0..200).map(|i| if i < 140 { i % 14 } else { 13 }).collect();
        let chart = chart(&map(200, Coloring::Classes { name: "kind".to_owned(), levels, of }), "m").unwrap().unwrap();
        assert_eq!(chart.legend.len(), MOST_CLASSES);
        assert!(chart.legend.iter().any(|key| key.label == "k13"), "the most frequent class keeps its name");
        assert_eq!(chart.legend.last().unwrap().label, "5 rarer classes");
    }

    #[test]
    fn large_maps_are_thinned_and_say_so() {
        let chart = chart(&map(10_000, Coloring::None), "m").unwrap().unwrap();
        assert_eq!(chart.paths[0].d.matches('M').count(), 2_500);
        assert!(chart.notes[0].starts_with("2,500 of 10,000"));
    }

    #[test]
    fn colours_must_match_the_points() {
        let short = Coloring::Values { name: "e".to_owned(), of: vec![1.0] };
        assert!(chart(&map(3, short), "m").unwrap_err().to_string().contains("1 entries; expected 3"));
        let unknown = Coloring::Classes { name: "y".to_owned(), levels: vec!["a".to_owned()], of: vec![0, 0, 4] };
        assert!(chart(&map(3, unknown), "m").unwrap_err().to_string().contains("point 2 has class 4"));
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let levels: Vec<String> = (0..4).map(|i| format!("class {i}")).collect();
        let of = (0..40).map(|i| i % 4).collect();
        let mut map = map(40, Coloring::Classes { name: "kind".to_owned(), levels, of });
        map.points = (0..40).map(|i| [(i / 4) as f64, (i / 4) as f64]).collect();
        let chart = chart(&map, "m").unwrap().unwrap();
        let mut heights: Vec<f64> = chart.texts.iter().map(|t| t.y).collect();
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 4);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= NAME_HEIGHT));
    }

    #[test]
    fn one_point_has_a_place() {
        let chart = chart(&map(1, Coloring::None), "m").unwrap().unwrap();
        assert!(!chart.paths[0].d.contains("NaN"));
    }
}
