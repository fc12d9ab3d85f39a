//! Every variant has an example configuration of its name, and every example is a run that could start.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use narrows::narrows_data::{Block, Column, ColumnData, ColumnKind, Memory, Sample, Schema, Source, Texts};
use narrows::narrows_models::catalog;
use narrows::{Draft, Plan, Task};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/configs")
}

/// Pictures of 28 x 28 pixels with a label, as in MNIST.
fn pictures() -> Arc<dyn Source> {
    let rows = 400;
    let schema = Schema {
        sample: Sample::Image { height: 28, width: 28, channels: 1 },
        columns: vec![Column::label("label", ColumnKind::Category)],
    };
    let dense = (0..rows * 784).map(|at| ((at * 31 % 997) as f32 / 997.0).sin().abs()).collect();
    let levels = vec!["0".into(), "1".into()];
    let codes = (0..rows as u32).map(|row| row % 2).collect();
    let columns = vec![ColumnData::Texts(Texts { codes, levels })];
    Arc::new(Memory::new("pictures", schema, Block { rows, dense, columns }).unwrap())
}

#[test]
fn every_variant_has_an_example_that_could_start() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let mut shown = BTreeSet::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let draft = Draft::from_file(&path).unwrap();
        let model = draft.model().unwrap().to_owned();
        let plan = Plan::on(&draft, Task::Reduction, &pictures()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(plan.config.model.name(), model);
        if catalog().iter().any(|entry| entry.about().name == name) {
            assert_eq!(name, model, "the file of one variant holds another");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("--config examples/configs/{name}.toml")), "{name} does not say how it is used");
        shown.insert(name);
    }
    let missing: Vec<&str> =
        catalog().iter().map(|entry| entry.about().name).filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "no examples/configs/NAME.toml for {}", missing.join(", "));
}
