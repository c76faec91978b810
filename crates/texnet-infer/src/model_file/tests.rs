//! Tests of the model file: round trips, and what is said about files that are not right.

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::spec::Scale;

fn small_spec() -> GeneratorSpec {
    let scale = |branch, width| Scale { branch, width, noise: [0.0, 1.0], smooth: false };
    GeneratorSpec {
        scales: vec![scale(2, 2), scale(1, 3)],
        block: vec![3],
        noise_channels: 1,
        ..GeneratorSpec::paper(2)
    }
}

/// A model with values that look random, spread over several powers of ten, and statistics.
fn small_model(calibrated: bool) -> Model {
    let spec = small_spec();
    let mut shapes = spec.parameters();
    if calibrated {
        shapes.extend(spec.statistics());
    }
    let mut state = 1_u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mantissa = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        mantissa * 10_f32.powi((state >> 4) as i32 % 4 - 3)
    };
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let data = (0..shape.iter().product()).map(|_| value()).collect();
        (name, Tensor { shape, data })
    };
    let weights = shapes.into_iter().map(tensor).collect();
    let summary = Summary([("source".to_string(), "a \"test\"".to_string())].into());
    Model::new(spec, weights, summary).expect("the tensors are those of the spec")
}

fn message(bytes: &[u8]) -> String {
    Model::from_bytes(bytes).expect_err("the file is damaged").to_string()
}

/// The file of a small model after `change` has worked on its header.
fn with_header(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let bytes = small_model(true).to_bytes(Precision::F32);
    let (mut header, data) = read_header(&bytes).expect("our own file");
    change(&mut header);
    [header_bytes(&header), data.to_vec()].concat()
}

/// The file of a small model that says `value` under `key` of its metadata.
fn with_metadata(key: &str, value: &str) -> Vec<u8> {
    with_header(|h| {
        h.metadata.insert(key.into(), value.into());
    })
}

#[test]
fn a_model_in_32_bits_comes_back_exactly() {
    for model in [small_model(false), small_model(true)] {
        assert_eq!(Model::from_bytes(&model.to_bytes(Precision::F32)), Ok(model));
    }
}

#[test]
fn a_model_in_16_bits_comes_back_within_2_to_the_minus_11_and_its_statistics_exactly() {
    let model = small_model(true);
    let back = Model::from_bytes(&model.to_bytes(Precision::F16)).expect("our own file");
    assert!(model.to_bytes(Precision::F16).len() < model.to_bytes(Precision::F32).len());
    assert_ne!(model, back, "the parameters are rounded");
    for (name, _) in model.spec().statistics() {
        assert_eq!(model.values(&name), back.values(&name), "{name}");
    }
    for (name, _) in model.spec().parameters() {
        for (a, b) in model.values(&name).iter().zip(back.values(&name)) {
            let allowed = (a.abs() * 2_f32.powi(-11)).max(2_f32.powi(-25));
            assert!((a - b).abs() <= allowed, "{name}: {a} became {b}");
        }
    }
}

#[test]
fn a_value_beyond_the_range_of_16_bits_keeps_its_tensor_in_32() {
    let mut weights = small_model(false).weights().clone();
    weights.get_mut("head.bias").expect("every generator has a head").data[1] = 1e5;
    let model = Model::new(small_spec(), weights, Summary::default()).expect("a finite value");
    let back = Model::from_bytes(&model.to_bytes(Precision::F16)).expect("our own file");
    assert_eq!(back.values("head.bias"), model.values("head.bias"));
}

#[test]
fn the_same_model_gives_the_same_bytes_and_another_reader_sees_the_same_tensors() {
    let model = small_model(true);
    let bytes = model.to_bytes(Precision::F32);
    assert_eq!(bytes, small_model(true).to_bytes(Precision::F32));
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("valid safetensors");
    assert_eq!(file.len(), model.weights().len());
    for (name, tensor) in model.weights() {
        let view = file.tensor(name).expect("same names");
        assert_eq!(view.shape(), tensor.shape);
        assert_eq!(view.data(), tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let bytes = small_model(true).to_bytes(Precision::F16);
    for end in 0..bytes.len() {
        assert!(Model::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    assert!(Model::from_bytes(&[bytes, vec![0]].concat()).is_err(), "one byte too many");
}

proptest! {
    #[test]
    fn flipped_bits_give_a_model_or_an_error(flips in prop::collection::vec((0_usize..1 << 16, 0_u8..8), 1..6)) {
        let mut bytes = small_model(true).to_bytes(Precision::F16);
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        if let Ok(model) = Model::from_bytes(&bytes) {
            let again = Model::from_bytes(&model.to_bytes(Precision::F32));
            prop_assert_eq!(again, Ok(model));
        }
    }
}

#[test]
fn a_tensor_of_the_wrong_type_shape_or_name_is_named() {
    let wrong_dtype = with_header(|h| h.tensors.get_mut("head.bias").expect("a head").dtype = "I32".into());
    assert_eq!(message(&wrong_dtype), "tensor 'head.bias' has type I32, but F32 or F16 is needed");
    let half_statistic = with_header(|h| {
        h.tensors.get_mut("scale0.side.0.norm.mean").expect("statistics").dtype = "F16".into();
    });
    assert!(message(&half_statistic).contains("'scale0.side.0.norm.mean' has type F16"));
    let wrong_shape = with_header(|h| h.tensors.get_mut("head.bias").expect("a head").shape = vec![1, 3]);
    assert_eq!(message(&wrong_shape), "tensor 'head.bias' has shape [1, 3], but the network needs [3]");
    let wrong_name = with_header(|h| {
        let entry = h.tensors.remove("head.bias").expect("a head");
        h.tensors.insert("head.bios".into(), entry);
    });
    assert_eq!(message(&wrong_name), "tensor 'head.bios' is not part of the described network");
}

#[test]
fn a_value_that_is_no_number_is_named() {
    let model = small_model(false);
    let mut bytes = model.to_bytes(Precision::F32);
    let (header, data) = read_header(&bytes).expect("our own file");
    let at = bytes.len() - data.len() + header.tensors["head.weight"].data_offsets[0];
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(message(&bytes), "tensor 'head.weight' holds values that are not finite");
    let mut bytes = model.to_bytes(Precision::F16);
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&f16::INFINITY.to_le_bytes());
    assert!(message(&bytes).contains("not finite"), "{}", message(&bytes));
}

#[test]
fn a_missing_tensor_and_half_of_the_statistics_are_named() {
    let mut weights = small_model(true).weights().clone();
    weights.remove("scale1.up.norm.variance");
    let error = Model::new(small_spec(), weights, Summary::default()).expect_err("one is missing");
    assert!(error.to_string().contains("'scale1.up.norm.variance' of shape [2] is missing"));
}

#[test]
fn claims_of_enormous_sizes_are_refused_before_anything_is_allocated() {
    let mut bytes = small_model(true).to_bytes(Precision::F32);
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(message(&bytes).contains("claims a header of 18446744073709551615 bytes"));
    let huge = usize::MAX >> 3;
    let shape = with_header(|h| h.tensors.get_mut("head.bias").expect("a head").shape = vec![huge, huge]);
    assert!(message(&shape).contains("'head.bias' has shape"));
    let offsets = with_header(|h| {
        h.tensors.get_mut("scale1.up.norm.variance").expect("statistics").data_offsets[1] = usize::MAX;
    });
    assert!(message(&offsets).contains("'scale1.up.norm.variance' claims bytes"), "{}", message(&offsets));
    let width = serde_json::to_string(&GeneratorSpec::paper(2)).expect("a spec").replace("16", "1000000000");
    assert!(message(&with_metadata("spec", &width)).contains("1000000000"));
}

#[test]
fn overlapping_tensors_are_refused() {
    let overlapping = with_header(|h| {
        let first = h.tensors["head.bias"].data_offsets;
        h.tensors.get_mut("scale1.up.norm.mean").expect("statistics").data_offsets = first;
    });
    assert!(message(&overlapping).contains("claims bytes"));
}

#[test]
fn files_that_are_no_texnet_model_are_told_apart() {
    assert!(message(b"").contains("no safetensors file"));
    assert!(message(b"\x89PNG\r\n\x1a\n and more").contains("no safetensors file"));
    assert!(message(b"\x02\0\0\0\0\0\0\0{}").contains("no texnet model"));
    assert!(message(&with_header(|h| h.metadata.clear())).contains("no texnet model"));
    assert!(message(&with_metadata("format", "pt")).contains("no texnet model"));
    assert!(message(&with_metadata("format", "texnet 2")).contains("use a newer texnet"));
    assert!(message(&with_metadata("spec", "{}")).contains("'spec' is damaged"));
    assert!(message(&with_header(|h| drop(h.metadata.remove("summary")))).contains("no key 'summary'"));
}
