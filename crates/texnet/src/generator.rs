//! The generator of a [`GeneratorSpec`] as differentiable operations: what learning runs. `texnet_infer` runs the same
//! specs without gradients; `tests/agreement.rs` holds both equal.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Device, Tensor, TensorData};
use texnet_infer::calibrate::calibrate;
use texnet_infer::model::{ModelError, Summary, Weights};
use texnet_infer::noise::{Column, RowKey, Uniform};
use texnet_infer::spec::{CAFFE_MEANS, ConvSpec, Norm, Op, OutputCoding};
use texnet_infer::{GeneratorSpec, Model, whole};

use crate::draw::{Draw, Stream};
use crate::ops::{Group, NormOptions, Path, Pool, double, pool};

/// Added to variances.
const EPSILON: f32 = whole::EPSILON as f32;

/// The numbers that are learned, in the order of [`GeneratorSpec::parameters`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Names and shapes.
    pub shapes: Vec<(String, Vec<usize>)>,
    /// Values of each.
    pub values: Vec<Vec<f32>>,
}

impl Parameters {
    /// Weights before learning: uniform within one over the root of the fan-in (LeCun et al. 1998), scales 1, shifts 0.
    ///
    /// The last convolution begins at half its range around the mean colour `[red, green, blue]` in `[0, 1]`.
    #[must_use]
    pub fn initial(spec: &GeneratorSpec, colour: [f32; 3], seed: u64) -> Self {
        let shapes = spec.parameters();
        let value = |(i, (name, shape)): (usize, &(String, Vec<usize>))| {
            let count = shape.iter().product();
            let mut draw = Draw::new(seed, Stream::Weights, i as u64);
            let half = if name == "head.weight" { 0.5 } else { 1.0 };
            let bound = half / (shape[1..].iter().product::<usize>() as f32).sqrt();
            match name.rsplit('.').next() {
                Some("weight") => (0..count).map(|_| bound * (2.0 * draw.uniform() - 1.0)).collect(),
                Some("gamma") => vec![1.0; count],
                _ if name == "head.bias" => encode(spec.output, colour).to_vec(),
                _ => vec![0.0; count],
            }
        };
        Self { values: shapes.iter().enumerate().map(value).collect(), shapes }
    }

    /// Takes over what has the same name and shape in a network of fewer or more scales; the last convolution begins anew.
    pub fn adopt(&mut self, other: &Self) {
        for ((name, shape), values) in self.shapes.iter().zip(&mut self.values) {
            let known = other.shapes.iter().position(|(n, s)| n == name && s == shape);
            if let (Some(i), false) = (known, name.starts_with("head.")) {
                values.clone_from(&other.values[i]);
            }
        }
    }

    /// With statistics frozen at those of a sample of 512x512 pixels of this seed: constants from here on, which the
    /// others go on learning with.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn frozen(&self, spec: &GeneratorSpec, seed: u64) -> Result<Self, ModelError> {
        let model = calibrate(&self.to_model(spec, Summary::default())?, seed);
        let frozen = self.clone().with_statistics(spec);
        let values = frozen.shapes.iter().map(|(name, _)| model.values(name).to_vec()).collect();
        Ok(Self { values, ..frozen })
    }

    /// With room for the statistics of every normalisation.
    pub(crate) fn with_statistics(mut self, spec: &GeneratorSpec) -> Self {
        for (name, shape) in spec.statistics() {
            self.values.push(vec![0.0; shape.iter().product()]);
            self.shapes.push((name, shape));
        }
        self
    }

    /// Which of them are the weights of a convolution with a normalisation behind it, live or frozen: its scale does what
    /// their length would.
    #[must_use]
    pub(crate) fn normalised(&self) -> Vec<bool> {
        let known: BTreeSet<&str> = self.shapes.iter().map(|(name, _)| name.as_str()).collect();
        let normalised = |(name, _): &(String, Vec<usize>)| {
            name.strip_suffix(".weight").is_some_and(|conv| known.contains(&*format!("{conv}.norm.gamma")))
        };
        self.shapes.iter().map(normalised).collect()
    }

    /// The numbers of a model.
    #[must_use]
    pub fn of_model(model: &Model) -> Self {
        let shapes = model.spec().parameters();
        Self { values: shapes.iter().map(|(name, _)| model.values(name).to_vec()).collect(), shapes }
    }

    /// The model that these numbers make, without statistics.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn to_model(&self, spec: &GeneratorSpec, summary: Summary) -> Result<Model, ModelError> {
        let tensor = |((name, shape), data): (&(String, Vec<usize>), &Vec<f32>)| {
            (name.clone(), texnet_infer::Tensor { shape: shape.clone(), data: data.clone() })
        };
        let weights: Weights = self.shapes.iter().zip(&self.values).map(tensor).collect();
        Model::new(spec.clone(), weights, summary)
    }

    /// The numbers as tensors; their gradients are wanted where the device differentiates.
    #[must_use]
    pub fn leaves(&self, device: &Device) -> Leaves {
        let leaf = |((name, _), values): (&(String, Vec<usize>), &Vec<f32>)| {
            let leaf = Tensor::<1>::from_data(TensorData::new(values.clone(), [values.len()]), device);
            (name.clone(), if device.is_autodiff() { leaf.require_grad() } else { leaf })
        };
        Leaves(self.shapes.iter().zip(&self.values).map(leaf).collect())
    }
}

/// Parameters on a device, by name, each as one dimension.
#[derive(Debug, Clone)]
pub struct Leaves(BTreeMap<String, Tensor<1>>);

impl Leaves {
    /// The parameter of this name.
    ///
    /// # Panics
    /// When the spec does not ask for it.
    #[must_use]
    pub fn get(&self, name: &str) -> Tensor<1> {
        self.0[name].clone()
    }

    fn is_frozen(&self, norm: &str) -> bool {
        self.0.contains_key(&format!("{norm}.mean"))
    }

    /// What a normalisation with frozen statistics multiplies by, and then adds; none where they are live.
    fn affine(&self, norm: &str) -> Option<[Tensor<1>; 2]> {
        let part = |part: &str| self.0.get(&format!("{norm}.{part}")).cloned();
        let (mean, variance) = (part("mean")?.detach(), part("variance")?.detach());
        let scale = part("gamma")? / (variance + EPSILON).sqrt();
        Some([scale.clone(), part("beta")? - mean * scale])
    }
}

/// A network that can be differentiated.
#[derive(Debug, Clone)]
pub struct Generator {
    spec: GeneratorSpec,
    path: Path,
}

impl Generator {
    /// The network of a valid spec.
    #[must_use]
    pub fn new(spec: GeneratorSpec, path: Path) -> Self {
        Self { spec, path }
    }

    /// The architecture.
    #[must_use]
    pub fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// The noise of pictures of these seeds, times `factor`: one tensor `[n, channels, h, w]` per scale that reads some, the
    /// coarsest first; the sides are multiples of the granularity.
    #[must_use]
    pub fn noise(
        &self,
        seeds: &[u64],
        [height, width]: [usize; 2],
        factor: f32,
        device: &Device,
    ) -> Vec<Tensor<4>> {
        let spec = &self.spec;
        let at_scale = |(i, scale): (usize, &texnet_infer::spec::Scale)| {
            let [low, high] = scale.noise;
            let range = Uniform { low, high, factor };
            let [rows, columns] = [height, width].map(|side| side / spec.ratio(i));
            let mut values = Vec::with_capacity(seeds.len() * spec.noise_channels * rows * columns);
            for &seed in seeds {
                for row in 0..spec.noise_channels * rows {
                    let key = RowKey::new(seed, i, row / rows, (row % rows) as i64);
                    values.extend((0..columns).map(|x| key.value(Column::new(x as i64), range)));
                }
            }
            let shape = [seeds.len(), spec.noise_channels, rows, columns];
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        spec.scales.iter().take(spec.noisy_scales()).enumerate().map(at_scale).collect()
    }

    /// Pictures `[n, 3, h, w]`, sRGB-coded, nominally in `[0, 1]`, with live statistics, from [`Generator::noise`] and,
    /// for style networks, the content at every scale.
    #[must_use]
    pub fn forward(&self, leaves: &Leaves, noise: &[Tensor<4>], content: Option<&[Tensor<4>]>) -> Tensor<4> {
        if let (1.., Some([.., finest])) = (self.spec.residual, content) {
            return decode(self.spec.output, self.residual(leaves, &noise[0], finest.clone()));
        }
        let input = |i: usize| match content {
            Some(content) => Tensor::cat(vec![content[i].clone(), noise[i].clone()], 1),
            None => noise[i].clone(),
        };
        let mut deep = self.block(leaves, self.spec.side_block(0), input(0));
        for i in 1..self.spec.scales.len() {
            let side = self.block(leaves, self.spec.side_block(i), input(i));
            let joined = self.join(leaves, i, deep, side);
            deep = self.block(leaves, self.spec.join_block(i), joined);
        }
        decode(self.spec.output, self.conv(leaves, &self.spec.head(), deep))
    }

    /// The program of a residual network.
    fn residual(&self, leaves: &Leaves, noise: &Tensor<4>, content: Tensor<4>) -> Tensor<4> {
        let mut kept = Vec::new();
        self.spec.program().into_iter().fold(content, |x, op| match op {
            Op::Conv(spec) => self.conv(leaves, &spec, x),
            Op::Norm { conv, activated } => self.normalised(leaves, &conv, x, activated),
            Op::Halve => pool(x, Pool::Average),
            Op::Double => double(x),
            Op::Noise => Tensor::cat(vec![x, noise.clone()], 1),
            Op::Keep => {
                kept.push(x.clone());
                x
            }
            Op::Add => x + kept.pop().expect("something is kept before it is added"),
        })
    }

    /// What follows a convolution; with folded or frozen statistics that is the activation alone.
    fn normalised(&self, leaves: &Leaves, conv: &str, x: Tensor<4>, activated: bool) -> Tensor<4> {
        let (norm, slope) = (format!("{conv}.norm"), self.spec.negative_slope);
        if self.spec.norm != Norm::Folded && !leaves.is_frozen(&norm) {
            return self.norm(leaves, &norm, x, activated.then_some(slope));
        }
        if activated { self.path.activation(x, slope) } else { x }
    }

    /// Statistics of nearest-neighbour copies are those of the original, so that normalising before is the same.
    fn join(&self, leaves: &Leaves, scale: usize, deep: Tensor<4>, side: Tensor<4>) -> Tensor<4> {
        let smooth = self.spec.scales[scale].smooth.then(|| self.spec.padding.into());
        let Some([(up, _), (fine, _)]) = self.spec.join_norms(scale) else {
            return self.path.join(deep, side, smooth);
        };
        self.path.join(self.norm(leaves, &up, deep, None), self.norm(leaves, &fine, side, None), smooth)
    }

    fn block(&self, leaves: &Leaves, convs: Vec<ConvSpec>, mut x: Tensor<4>) -> Tensor<4> {
        for spec in convs {
            x = self.conv(leaves, &spec, x);
            x = self.normalised(leaves, &spec.name, x, true);
        }
        x
    }

    fn conv(&self, leaves: &Leaves, spec: &ConvSpec, x: Tensor<4>) -> Tensor<4> {
        let shape = [spec.outputs, spec.inputs, spec.kernel, spec.kernel];
        let weight = leaves.get(&format!("{}.weight", spec.name)).reshape(shape);
        if let Some([scale, shift]) = leaves.affine(&format!("{}.norm", spec.name)) {
            let weight = weight * scale.clone().reshape([spec.outputs, 1, 1, 1]);
            // The shift of the normalisation learns for both.
            let shift = shift + leaves.get(&format!("{}.bias", spec.name)).detach() * scale;
            return self.path.conv(x, weight, Some(shift), self.spec.padding.into());
        }
        // A normalisation takes away what a bias adds.
        let bias = !spec.normalised || self.spec.norm == Norm::Folded;
        let bias = bias.then(|| leaves.get(&format!("{}.bias", spec.name)));
        self.path.conv(x, weight, bias, self.spec.padding.into())
    }

    fn norm(&self, leaves: &Leaves, name: &str, x: Tensor<4>, slope: Option<f32>) -> Tensor<4> {
        if let Some([scale, shift]) = leaves.affine(name) {
            let shape = [1, x.dims()[1], 1, 1];
            return x * scale.reshape(shape) + shift.reshape(shape);
        }
        let [gamma, beta] = ["gamma", "beta"].map(|part| leaves.get(&format!("{name}.{part}")));
        let group = if self.spec.norm == Norm::Batch { Group::Batch } else { Group::Instance };
        self.path.norm(x, gamma, beta, NormOptions { group, slope })
    }
}

/// A colour as the network's raw output.
fn encode(coding: OutputCoding, colour: [f32; 3]) -> [f32; 3] {
    let mut raw = [0.0; 3];
    for (c, value) in colour.into_iter().enumerate() {
        let (channel, shift, scale) = coding.source(c);
        raw[channel] = scale * value - shift;
    }
    raw
}

/// Raw output as colours.
fn decode(coding: OutputCoding, raw: Tensor<4>) -> Tensor<4> {
    match coding {
        OutputCoding::Rgb => raw,
        OutputCoding::CaffeBgr => {
            let means = Tensor::<1>::from_floats(CAFFE_MEANS, &raw.device()).reshape([1, 3, 1, 1]);
            ((raw + means) / 255.0).flip([1])
        }
    }
}
