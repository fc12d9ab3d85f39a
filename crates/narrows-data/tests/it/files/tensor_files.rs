//! safetensors files.

use std::collections::BTreeMap;

use narrows_data::format::safetensors as file;
use narrows_data::{Error, Sample, Source};
use safetensors::tensor::{Dtype, TensorView};

use super::{dense, shared, write};

fn two_tensors() -> Vec<u8> {
    let half: Vec<u8> =
        [1.5_f32, -2.0, 0.25, 8.0].iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()).collect();
    let ids: Vec<u8> = [7_i32, 8].iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensors = BTreeMap::from([
        ("ids", TensorView::new(Dtype::I32, vec![2], &ids).unwrap()),
        ("values", TensorView::new(Dtype::BF16, vec![2, 2], &half).unwrap()),
    ]);
    safetensors::serialize(tensors, None).unwrap()
}

#[test]
fn a_tensor_is_chosen_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "a.safetensors", &two_tensors());
    let source = file::open(&path, Some("values")).unwrap();
    assert_eq!(source.schema().sample, Sample::Array { dims: vec![2] });
    assert_eq!(dense(&source), [1.5, -2.0, 0.25, 8.0]);
    assert_eq!(dense(&file::open(&path, Some("ids")).unwrap()), [7.0, 8.0]);
    for tensor in [None, Some("other")] {
        let message = file::open(&path, tensor).unwrap_err().to_string();
        assert!(message.contains("ids [2]") && message.contains("values [2, 2]"), "{message}");
        assert!(message.contains("--tensor NAME"), "{message}");
    }
    assert_eq!(file::names(&path).unwrap().len(), 2);
}

#[test]
fn claims_are_checked_against_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let whole = two_tensors();
    for cut in [3, 8, 20, whole.len() - 1] {
        let path = write(directory.path(), "a.safetensors", &whole[..cut]);
        let error = file::open(&path, Some("ids")).unwrap_err();
        assert!(matches!(error, Error::Format { .. } | Error::Length { .. }), "{error}");
    }
    let mut long = u64::MAX.to_le_bytes().to_vec();
    long.extend([0; 100]);
    assert!(matches!(file::open(&write(directory.path(), "b.safetensors", &long), None), Err(Error::Format { .. })));
    let header = br#"{"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    let mut huge = (header.len() as u64).to_le_bytes().to_vec();
    huge.extend(header);
    let error = file::open(&write(directory.path(), "c.safetensors", &huge), None).unwrap_err();
    assert!(matches!(error, Error::Length { claimed: 4_000_000_000_000, held: 0, .. }), "{error}");
}

#[test]
fn hidden_states_as_published() {
    let Some(path) = shared("activations/minilm-layer3.safetensors") else { return };
    let source = file::open(&path, Some("activations")).unwrap();
    assert_eq!((source.rows(), source.schema().sample.width()), (65_536, Some(384)));
    assert!(source.blocks().len() > 10);
    assert!(source.read(3).unwrap().dense.iter().all(|value| value.is_finite()));
}
