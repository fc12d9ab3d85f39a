//! Reports with figures as real runs give them: pictures, a table of mixed types, windows of sensors.

use narrows_report::{
    Better, Card, Cell, CodeMap, Coloring, ColumnError, ColumnErrors, Comparison, ErrorDistribution, Example, Metric,
    Picture, Rank, Reconstructions, Report, Training, TrainingPoint,
};

/// Numbers that look random and are the same everywhere.
pub(crate) struct Noise(u64);

impl Noise {
    /// Starts the sequence.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Uniform in 0..1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: twelve uniform numbers less six.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A run on handwritten digits.
pub(crate) fn pictures() -> Report {
    let mut noise = Noise::new(7);
    let example = |rank, i: u64, error: f64| {
        let observed = glyph(i, 0.0);
        Example {
            rank,
            name: format!("image {}", 1_204 + 977 * i),
            error,
            reconstructed: glyph(i, 0.04 * error),
            baseline: Some(glyph(i, 0.09 * error)),
            observed,
        }
    };
    let worst = (0..4).map(|i| example(Rank::Worst, i, 16.2 - i as f64));
    let median = (4..8).map(|i| example(Rank::Median, i, 3.31));
    let best = (8..12).map(|i| example(Rank::Best, i, 0.21));
    let examples = worst.chain(median).chain(best).collect();
    let error = |noise: &mut Noise, scale: f64| scale * (0.45 * noise.normal()).exp();
    Report {
        title: "ae on mnist".to_owned(),
        subtitle: "784 values squeezed into 30 numbers; 60,000 images to train on, 10,000 held out.".to_owned(),
        model: "ae".to_owned(),
        baseline: "PCA".to_owned(),
        summary: vec![
            card("squared error per image", "3.604", "", "PCA: 13.87"),
            card("explained variance", "93.2", "%", "PCA: 73.7 %"),
            card("PSNR", "24.1", "dB", "PCA: 18.3 dB"),
            card("code size", "30", "of 784", ""),
            card("training time", "6 min 12 s", "", "2 threads"),
        ],
        comparison: Some(comparison()),
        training: Some(training(19_200, 9)),
        reconstructions: Some(Reconstructions::Pictures { metric: "squared error".to_owned(), examples }),
        code_maps: vec![code_map(&mut noise, "PCA of the codes", 1.0), code_map(&mut noise, "t-SNE, perplexity 30", 3.0)],
        errors: Some(ErrorDistribution {
            metric: "squared error per image".to_owned(),
            model: (0..10_000).map(|_| error(&mut noise, 3.3)).collect(),
            baseline: (0..10_000).map(|_| error(&mut noise, 12.6)).collect(),
        }),
        notes: vec!["PCA has as many components as the model has code values and is fitted on the same rows.".to_owned()],
        config: "seed = 0\n\n[model.ae]\ncode = 30\nwidths = [512, 256, 128]\nactivation = \"silu\"\n\n[train]\nbatch = 128\nepochs = 40\nrate = 0.002\n".to_owned(),
        environment: environment(),
        ..Report::default()
    }
}

/// A run on a table of mixed types.
pub(crate) fn rows() -> Report {
    let columns =
        ["age", "workclass", "education", "marital-status", "capital-gain", "hours-per-week", "native-country"];
    let cells = |age: f64, class: &str, gain: f64, country: Option<&str>| {
        vec![
            Cell::Number(age),
            Cell::Text(class.to_owned()),
            Cell::Text("Some-college".to_owned()),
            Cell::Text("Married-civ-spouse".to_owned()),
            Cell::Number(gain),
            Cell::Number(40.0),
            country.map_or(Cell::Missing, |c| Cell::Text(c.to_owned())),
        ]
    };
    let example = |rank, row: usize, error| Example {
        rank,
        name: format!("row {row}"),
        error,
        observed: cells(39.0, "State-gov", 99_999.0, None),
        reconstructed: cells(41.27, "Private", 12_402.5, Some("United-States")),
        baseline: Some(cells(38.12, "Private", 3_112.4, Some("United-States"))),
    };
    let mut noise = Noise::new(3);
    let mut column_errors: Vec<ColumnError> = columns
        .iter()
        .map(|name| ColumnError {
            name: (*name).to_owned(),
            model: 0.5 * noise.uniform(),
            baseline: Some(0.1 + 0.6 * noise.uniform()),
        })
        .collect();
    column_errors.push(ColumnError {
        name: "a column whose name is a whole sentence, as spreadsheets tend to have them".to_owned(),
        model: 0.31,
        baseline: Some(0.28),
    });
    Report {
        title: "ae on adult.csv.gz".to_owned(),
        subtitle: "14 columns of mixed types in 8 numbers; 39,073 rows to train on, 4,885 held out.".to_owned(),
        warnings: vec!["2 of 4,885 held-out rows have a category that training never saw; it was read as missing.".to_owned()],
        reconstructions: Some(Reconstructions::Rows {
            metric: "standardised error".to_owned(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            examples: vec![
                example(Rank::Worst, 18_211, 41.2),
                example(Rank::Worst, 912, 37.9),
                example(Rank::Median, 4_421, 1.93),
                example(Rank::Best, 77, 0.12),
            ],
        }),
        column_errors: Some(ColumnErrors { metric: "squared standardised error".to_owned(), columns: column_errors }),
        code_maps: vec![values_map(&mut noise)],
        training: Some(training(3_060, 4)),
        config: "seed = 1\n\n[model.ae]\ncode = 8\nwidths = [128, 64]\nactivation = \"silu\"\n\n[train]\nbatch = 128\nepochs = 10\nrate = 0.002\n".to_owned(),
        ..pictures()
    }
}

/// A run on windows of sensors.
pub(crate) fn windows() -> Report {
    let series = |shift: f64, rough: f64| -> Vec<Vec<f64>> {
        let mut noise = Noise::new((shift * 1e3) as u64 + 5);
        let mut wave = |f: f64| (0..64).map(|t| (f * t as f64 + shift).sin() + rough * noise.normal()).collect();
        vec![wave(0.2), wave(0.5), wave(0.05)]
    };
    let example = |rank, i: usize, error: f64| Example {
        rank,
        name: format!("window {i}"),
        error,
        observed: series(i as f64, 0.15),
        reconstructed: series(i as f64, 0.02),
        baseline: Some(series(i as f64 + 0.3, 0.01)),
    };
    Report {
        title: "conv-ae on skab".to_owned(),
        model: "conv-ae".to_owned(),
        reconstructions: Some(Reconstructions::Windows {
            metric: "squared error".to_owned(),
            channels: vec!["Accelerometer1RMS".to_owned(), "Pressure".to_owned(), "Volume Flow RateRMS".to_owned()],
            examples: vec![
                example(Rank::Worst, 3, 9.1),
                example(Rank::Median, 2_118, 0.8),
                example(Rank::Best, 41, 0.02),
            ],
        }),
        code_maps: Vec::new(),
        ..rows()
    }
}

fn card(label: &str, value: &str, unit: &str, note: &str) -> Card {
    Card { label: label.to_owned(), value: value.to_owned(), unit: unit.to_owned(), note: note.to_owned() }
}

fn comparison() -> Comparison {
    let metric = |name: &str, unit: &str, better, values: [Option<f64>; 2]| Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        better,
        values: values.to_vec(),
    };
    Comparison {
        caption: "10,000 held-out images, code size 30".to_owned(),
        methods: vec!["ae".to_owned(), "PCA".to_owned()],
        metrics: vec![
            metric("squared error per image", "", Better::Lower, [Some(3.604), Some(13.868)]),
            metric("squared error per pixel", "", Better::Lower, [Some(0.004_597), Some(0.017_69)]),
            metric("explained variance", "%", Better::Higher, [Some(93.17), Some(73.71)]),
            metric("PSNR", "dB", Better::Higher, [Some(24.13), Some(18.31)]),
            metric("parameters", "", Better::Neither, [Some(1_142_318.0), Some(24_304.0)]),
            metric("encode, 10,000 images", "ms", Better::Lower, [Some(212.0), Some(18.4)]),
            metric("negative log-likelihood", "nat", Better::Lower, [Some(-120.2), None]),
        ],
    }
}

fn training(steps: u64, seed: u64) -> Training {
    let mut noise = Noise::new(seed);
    let validation_every = steps / 40;
    let points = (1..=steps)
        .filter(|step| step % 10 == 0 || step % validation_every == 0)
        .map(|step| {
            let share = step as f64 / steps as f64;
            let base = 3.0 + 50.0 / (1.0 + 90.0 * share);
            TrainingPoint {
                step,
                train: Some((base - share) * (1.0 + 0.06 * noise.normal())),
                validation: (step % validation_every == 0).then(|| base * (1.0 + 0.01 * noise.normal())),
                rate: Some(0.002 * (share / 0.1).min(1.0) * (0.5 + 0.5 * (std::f64::consts::PI * share).cos())),
            }
        })
        .collect();
    Training { loss: "squared error per image".to_owned(), points, best_step: Some(steps / 40 * 39) }
}

fn code_map(noise: &mut Noise, title: &str, spread: f64) -> CodeMap {
    let of: Vec<usize> = (0..2_000).map(|i| i % 10).collect();
    let points = of
        .iter()
        .map(|&class| {
            let angle = 0.628 * class as f64;
            let radius = spread * (1.5 + (class % 3) as f64);
            [radius * angle.cos() + 0.7 * noise.normal(), radius * angle.sin() + 0.6 * noise.normal()]
        })
        .collect();
    let axes = if spread > 1.0 { ["", ""] } else { ["component 1 (31 % of variance)", "component 2 (18 %)"] };
    CodeMap {
        title: title.to_owned(),
        x_label: axes[0].to_owned(),
        y_label: axes[1].to_owned(),
        points,
        color: Coloring::Classes {
            name: "label".to_owned(),
            levels: (0..10).map(|digit| digit.to_string()).collect(),
            of,
        },
    }
}

fn values_map(noise: &mut Noise) -> CodeMap {
    let points: Vec<[f64; 2]> = (0..800).map(|_| [3.0 * noise.normal(), noise.normal()]).collect();
    let of = points.iter().map(|p| p[0].hypot(p[1])).collect();
    CodeMap {
        title: "PCA of the codes".to_owned(),
        x_label: "component 1 (44 % of variance)".to_owned(),
        y_label: "component 2 (19 %)".to_owned(),
        points,
        color: Coloring::Values { name: "standardised error".to_owned(), of },
    }
}

fn environment() -> Vec<(String, String)> {
    [("narrows", "0.1.0"), ("seed", "0"), ("threads", "2"), ("processor", "x86-64, AVX-512"), ("time taken", "372 s")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// A ring or a stroke, blurred and dimmed by `error`.
fn glyph(seed: u64, error: f64) -> Picture {
    let mut noise = Noise::new(seed + 1);
    let (cx, cy, radius) = (12.0 + 4.0 * noise.uniform(), 12.0 + 4.0 * noise.uniform(), 4.0 + 5.0 * noise.uniform());
    let slant = noise.uniform() - 0.5;
    let ring = seed.is_multiple_of(2);
    let pixels = (0..28 * 28)
        .map(|i| {
            let (y, x) = (f64::from(i / 28) - cy, f64::from(i % 28) - cx);
            let distance =
                if ring { (x.hypot(y) - radius).abs() } else { (x - slant * y).abs() + (y.abs() - 9.0).max(0.0) };
            let ink = (1.0 - 0.4 * error) / (1.0 + ((distance - 1.2) * (4.0 / (1.0 + 4.0 * error))).exp());
            (ink + 0.08 * error * noise.normal()) as f32
        })
        .collect();
    Picture { height: 28, width: 28, channels: 1, pixels }
}
