//! Weights in files: what torch writes, safetensors, and what is broken, hostile or another network's.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use texnet::descriptor::weights::find_vgg19;
use texnet::descriptor::{Coding, Descriptor, DescriptorError, Layer, Vgg19, Vgg19Options};
use texnet::train::{Event, TrainConfig, Trainer};
use texnet_infer::Image;

use super::{data, weights};

/// A tensor of a file: name, type, shape, bytes.
type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The first convolutions under these names.
fn entries(stems: &[&str]) -> Vec<Entry> {
    let of = |(stem, conv): (&&str, texnet::descriptor::ConvWeights)| {
        let outputs = conv.bias.len();
        let shape = vec![outputs, conv.weight.len() / outputs / 9, 3, 3];
        let weight = (format!("{stem}.weight"), Dtype::F32, shape, bytes(&conv.weight));
        [weight, (format!("{stem}.bias"), Dtype::F32, vec![outputs], bytes(&conv.bias))]
    };
    stems.iter().zip(weights(stems.len())).flat_map(of).collect()
}

fn view((name, dtype, shape, bytes): &Entry) -> (&str, TensorView<'_>) {
    (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a sound tensor"))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn keep(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("weights");
        // Some file systems wait for the disk when a file is emptied and written again.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).expect("a writable folder");
        path
    }

    fn safetensors(&self, entries: &[Entry], coding: Option<&str>) -> PathBuf {
        let metadata = coding.map(|coding| [("coding".to_owned(), coding.to_owned())].into());
        self.keep(&safetensors::serialize(entries.iter().map(view), metadata).expect("sound"))
    }
}

fn load(path: &Path) -> Result<Vgg19, DescriptorError> {
    Vgg19::load(path, Vgg19Options::default(), &Device::flex())
}

/// The sentence of a file that is refused.
fn refused(path: &Path) -> String {
    let sentence = load(path).map(|vgg| vgg.name()).expect_err("refused").to_string();
    assert!(sentence.contains(&path.display().to_string()) && !sentence.contains('\n'), "{sentence}");
    sentence
}

fn features(vgg: &Vgg19, layer: Layer) -> Vec<f32> {
    let values: Vec<f32> = (0..3 * 8 * 7).map(|i| (i as f32 * 1.3).sin() * 0.5 + 0.5).collect();
    let picture = Tensor::<4>::from_data(TensorData::new(values, [1, 3, 8, 7]), &Device::flex());
    let features = vgg.features(&picture, &[layer]).expect("large enough").remove(0);
    features.into_data().try_to_vec().expect("numbers")
}

/// That of weights that never were in a file.
fn expected(count: usize, coding: Coding, layer: Layer) -> Vec<f32> {
    let vgg = Vgg19::new(weights(count), coding, Vgg19Options::default(), &Device::flex());
    features(&vgg.expect("sound weights"), layer)
}

#[test]
fn state_dicts_of_torch_are_read_to_the_last_bit() {
    let expected = expected(1, Coding::Torchvision, Layer::Relu1_1);
    for name in ["vgg19_first.pth", "vgg19_first_legacy.pth"] {
        let vgg = load(&data(name)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(features(&vgg, Layer::Relu1_1), expected, "{name}");
        assert_eq!(vgg.coding(), Coding::Torchvision);
        let deeper = vgg.check([64, 64], &[Layer::Relu1_2]);
        assert_eq!(deeper, Err(DescriptorError::TooDeep(Layer::Relu1_2)));
    }
}

#[test]
fn safetensors_are_read_under_both_kinds_of_names() {
    let folder = Folder::new();
    for (stems, coding) in
        [(["features.0", "features.2"], Coding::Torchvision), (["conv1_1", "conv1_2"], Coding::Caffe)]
    {
        let vgg = load(&folder.safetensors(&entries(&stems), None)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(vgg.coding(), coding);
        assert_eq!(features(&vgg, Layer::Relu1_2), expected(2, coding, Layer::Relu1_2));
    }
}

#[test]
fn options_win_over_metadata_and_metadata_over_names() {
    let folder = Folder::new();
    let path = folder.safetensors(&entries(&["features.0"]), Some("caffe"));
    assert_eq!(load(&path).map(|vgg| vgg.coding()), Ok(Coding::Caffe));
    let options = Vgg19Options { coding: Some(Coding::Torchvision), ..Default::default() };
    let vgg = Vgg19::load(&path, options, &Device::flex());
    assert_eq!(vgg.map(|vgg| vgg.coding()), Ok(Coding::Torchvision));
    let sentence = refused(&folder.safetensors(&entries(&["features.0"]), Some("yuv")));
    assert!(sentence.contains("'yuv'"), "{sentence}");
}

#[test]
fn numbers_of_16_and_64_bits_are_read() {
    let folder = Folder::new();
    let convert = |dtype, size: usize, number: &dyn Fn(f32) -> Vec<u8>| {
        let mut entries = entries(&["features.0"]);
        for entry in &mut entries {
            let values = entry.3.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
            entry.3 = values.flat_map(number).collect();
            entry.1 = dtype;
            assert_eq!(entry.3.len(), entry.2.iter().product::<usize>() * size);
        }
        let vgg = load(&folder.safetensors(&entries, None)).unwrap_or_else(|e| panic!("{e}"));
        let expected = expected(1, Coding::Torchvision, Layer::Conv1_1);
        let errors = features(&vgg, Layer::Conv1_1).into_iter().zip(expected).map(|(a, b)| (a - b).abs());
        errors.fold(0.0_f32, f32::max)
    };
    assert_eq!(convert(Dtype::F64, 8, &|v| f64::from(v).to_le_bytes().into()), 0.0);
    assert!(convert(Dtype::F16, 2, &|v| half::f16::from_f32(v).to_le_bytes().into()) < 0.01);
    assert!(convert(Dtype::BF16, 2, &|v| half::bf16::from_f32(v).to_le_bytes().into()) < 0.1);
}

#[test]
fn other_networks_and_wrong_tensors_are_refused_in_a_sentence() {
    let folder = Folder::new();
    let sentence = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = entries(&["features.0", "features.2"]);
        change(&mut entries);
        refused(&folder.safetensors(&entries, None))
    };
    let rename = |at: usize, name: &'static str| move |e: &mut Vec<Entry>| e[at].0 = name.into();
    let [first, name] = ["features.0.bias", "features.17.weight"];
    assert!(sentence(&Vec::clear).contains("neither 'features.0.weight' nor 'conv1_1.weight'"));
    assert!(sentence(&rename(2, name)).contains("'features.17.weight', which VGG-19 does not have"));
    assert!(sentence(&rename(2, "features.5.weight")).contains("'features.2.weight' is missing"));
    assert!(sentence(&rename(1, "features.0.shift")).contains("'features.0.bias' is missing"));
    assert!(sentence(&|e| e[0].2 = vec![3, 64, 3, 3]).contains("[64, 3, 3, 3]"));
    assert!(sentence(&|e| (e[1].1, e[1].2) = (Dtype::I32, vec![64])).contains(first));
    assert!(sentence(&|e| e[0].3[..4].copy_from_slice(&f32::NAN.to_le_bytes())).contains("finite"));
}

#[test]
fn files_that_are_none_are_refused_in_a_sentence() {
    let folder = Folder::new();
    assert!(refused(&folder.0.path().join("missing")).contains("cannot be read"));
    assert!(refused(folder.0.path()).contains("cannot be read"));
    for bytes in
        [&b""[..], b"PK\x03\x04", b"{}", b"\x80\x02}.", &[0x42; 4000], b"\xff\xff\xff\xff\xff\xff\xff\xff{"]
    {
        refused(&folder.keep(bytes));
    }
}

#[test]
fn files_cut_short_are_refused() {
    let folder = Folder::new();
    let safe = std::fs::read(folder.safetensors(&entries(&["features.0"]), None)).expect("the file");
    let torch =
        ["vgg19_first.pth", "vgg19_first_legacy.pth"].map(|name| std::fs::read(data(name)).expect(name));
    for whole in [safe, torch[0].clone(), torch[1].clone()] {
        for step in 0..200 {
            refused(&folder.keep(&whole[..step * whole.len() / 200]));
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let folder = Folder::new();
    let safe = std::fs::read(folder.safetensors(&entries(&["features.0"]), None)).expect("the file");
    let torch =
        ["vgg19_first.pth", "vgg19_first_legacy.pth"].map(|name| std::fs::read(data(name)).expect(name));
    for whole in [safe, torch[0].clone(), torch[1].clone()] {
        // Headers, pickles and directories lie at both ends; all bytes there, some of those between.
        let ends = |at: &usize| *at < 1500 || *at + 1500 > whole.len() || at.is_multiple_of(41);
        for at in (0..whole.len()).filter(ends) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            if let Err(error) = load(&folder.keep(&bytes)) {
                assert!(error.to_string().contains(": "), "{error}");
            }
        }
    }
}

#[test]
fn whole_weights_are_read_where_there_are_some() {
    let path = match find_vgg19(None) {
        Ok(path) => path,
        Err(error) => return println!("skipped: {error}"),
    };
    let vgg = load(&path).unwrap_or_else(|e| panic!("{e}"));
    let picture = Tensor::<4>::ones([1, 3, 64, 64], &Device::flex());
    let features = vgg.features(&picture, &[Layer::Relu5_4, Layer::Pool5]).expect("large enough");
    assert_eq!(features[1].dims(), [1, 512, 2, 2]);
    let values: Vec<f32> = features[0].clone().into_data().try_to_vec().expect("numbers");
    assert!(values.iter().all(|v| v.is_finite()) && values.iter().any(|v| *v > 0.0));
}

#[test]
fn the_papers_style_networks_learn_from_a_file_of_the_real_layout() {
    const PLACES: [usize; 13] = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28];
    let stems = PLACES.map(|place| format!("features.{place}"));
    let folder = Folder::new();
    let path = folder.safetensors(&entries(&stems.each_ref().map(String::as_str)), None);
    let settings = ["size=32", "batch=2", "iterations=2"].map(String::from);
    let picture = |side: usize| Image::from_fn(side, side, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0; 3]);
    let mut config =
        TrainConfig::new("style-paper", &settings).and_then(|c| c.resolve(&[picture(64)])).expect("a style");
    config.vgg19.weights = Some(path);
    let mut trainer =
        Trainer::of_style(&config, &[picture(64)], &[picture(48)], &Device::flex()).expect("a run");
    let before = trainer.state().parameters.clone();
    let events = trainer.step().expect("a step");
    let Some(Event::Step { terms, .. }) = events.first() else { panic!("no step: {events:?}") };
    let names: Vec<&str> = terms.iter().map(|(name, _)| name.as_str()).collect();
    let wanted =
        ["gram relu1_1", "gram relu2_1", "gram relu3_1", "gram relu4_1", "gram relu5_1", "content relu4_2"];
    assert_eq!(names, wanted);
    assert!(terms.iter().all(|(_, value)| value.is_finite() && *value > 0.0), "{terms:?}");
    assert!(trainer.state().parameters != before);
}
