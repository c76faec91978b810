//! Agreement with an independent executor of the models of 2016: noise in, raw output, both frozen in files.
//!
//! Every `golden/NAME.safetensors` of the shared folder is compared with what the imported `models/NAME.t7` makes of
//! the same inputs. The folder is named by `TEXNET_SHARED`, or lies beside the workspace; without it the test says
//! so and ends.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use texnet_infer::whole::{self, Features, Inputs};
use texnet_infer::{Level, Model};

/// Largest difference of any channel of any pixel, on the scale of 0 to 255.
const TOLERANCE: f32 = 0.02;

fn shared() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    std::env::var_os("TEXNET_SHARED").map_or_else(|| beside.into(), PathBuf::from)
}

/// Names of the golden files in a folder, sorted; none when there is no folder.
fn golden_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let golden = paths.filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
    let name = |path: PathBuf| path.file_stem().expect("a file").to_string_lossy().into_owned();
    let mut names: Vec<_> = golden.map(name).collect();
    names.sort();
    names
}

fn features(file: &SafeTensors, name: &str) -> Features {
    let view = file.tensor(name).unwrap_or_else(|e| panic!("tensor {name}: {e}"));
    let &[1, channels, height, width] = view.shape() else { panic!("{name} has shape {:?}", view.shape()) };
    let data = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Features { channels, height, width, data }
}

fn inputs(model: &Model, file: &SafeTensors) -> Inputs {
    let spec = model.spec();
    let noise = (0..spec.scales.len()).map(|i| features(file, &format!("noise_{}", spec.ratio(i))));
    Inputs { noise: noise.collect(), content: spec.content.then(|| features(file, "content")) }
}

/// Largest difference between the golden output and ours.
fn difference(shared: &Path, name: &str) -> f32 {
    let read = |path: PathBuf| std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let golden = read(shared.join(format!("golden/{name}.safetensors")));
    let golden = SafeTensors::deserialize(&golden).expect("a golden file");
    let model = texnet::import::torch7(&read(shared.join(format!("models/{name}.t7"))))
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let expected = features(&golden, "output");
    let ours = whole::run(&model, &inputs(&model, &golden), Level::new());
    let shape = |f: &Features| [f.channels, f.height, f.width, f.data.len()];
    assert_eq!(shape(&ours), shape(&expected), "{name}");
    let differences = ours.data.iter().zip(&expected.data).map(|(a, b)| (a - b).abs());
    // A NaN anywhere must not pass as small.
    differences.fold(0.0, |max, d| if d > max || d.is_nan() { d } else { max })
}

#[test]
fn imported_models_agree_with_the_golden_outputs() {
    let shared = shared();
    let names = golden_names(&shared.join("golden"));
    if names.is_empty() {
        println!(
            "skipped: there are no golden files in {}; TEXNET_SHARED names another folder",
            shared.display()
        );
        return;
    }
    let results: Vec<_> = names.iter().map(|name| (name, difference(&shared, name))).collect();
    for (name, difference) in &results {
        println!("{name}: largest difference {difference:.6} of 255");
    }
    for (name, difference) in results {
        assert!(difference <= TOLERANCE, "{name}: {difference} is more than {TOLERANCE}");
    }
}
