//! The parts of a pyramid as a spec and named weights.

use std::collections::BTreeMap;

use texnet_infer::model::{Summary, Weights};
use texnet_infer::spec::{self, ConvSpec, GeneratorSpec, OutputCoding, Padding};
use texnet_infer::{Model, Tensor};

use super::modules::{Conv, Noise, Norm};
use super::pyramid::{Inputs, Named, Pyramid, Scale, Unit};
use super::read::{self, File};
use super::tensor;
use super::{ImportError, unsupported};

/// What our executors add to a variance.
const EPS: f64 = 1e-5;

/// The model that `pyramid` describes; `file_size` limits how many numbers it may have.
pub(super) fn translate(file: &File, pyramid: &Pyramid, file_size: usize) -> Result<Model, ImportError> {
    let spec = describe(pyramid)?;
    spec.validate().map_err(texnet_infer::model::ModelError::from)?;
    check_units(&spec, pyramid)?;
    let mut reader = Reader { file, weights: Weights::new(), budget: file_size };
    reader.read(&spec, pyramid)?;
    let summary = Summary(BTreeMap::from([("source".to_string(), "torch7".to_string())]));
    Ok(Model::new(spec, reader.weights, summary)?)
}

fn describe(pyramid: &Pyramid) -> Result<GeneratorSpec, ImportError> {
    let (coarsest, first) = match pyramid.scales.first() {
        Some(scale) if !scale.side.is_empty() => (scale, &scale.side[0]),
        _ => return unsupported("the network's coarsest scale has no convolution but the last one"),
    };
    let (noise_channels, content) = input_channels(&coarsest.inputs, first.conv.inputs)?;
    let joins = pyramid.scales.iter().skip(1).flat_map(|s| [&s.up_norm, &s.side_norm]);
    let outputs = |block: &[Unit]| block.last().map_or(0, |unit| unit.conv.outputs);
    let scale = |scale: &Scale| {
        let branch = outputs(&scale.side);
        let width = if scale.join.is_empty() { branch } else { outputs(&scale.join) };
        spec::Scale { branch, width, noise: [0.0, noise_of(&scale.inputs).scale], smooth: false }
    };
    Ok(GeneratorSpec {
        scales: pyramid.scales.iter().map(scale).collect(),
        block: coarsest.side.iter().map(|unit| unit.conv.kernel).collect(),
        noise_channels,
        content,
        residual: 0,
        join_norm: joins.flatten().next().is_some(),
        norm: norm_of(pyramid),
        negative_slope: first.slope.unwrap_or(0.0),
        padding: pyramid.units().find_map(|unit| unit.padding).unwrap_or(Padding::Circular),
        output: OutputCoding::CaffeBgr,
    })
}

fn noise_of(inputs: &Inputs) -> Noise {
    inputs.noise.unwrap_or(Noise { channels: Some(0), scale: 1.0 })
}

/// Noise channels, and whether the photograph enters, where `inputs` channels come out of the noise module.
fn input_channels(place: &Inputs, inputs: usize) -> Result<(usize, bool), ImportError> {
    match noise_of(place).channels {
        // The code of 2016 does not say: three channels are noise, six are colours and noise.
        None if inputs == 6 => Ok((3, true)),
        None => Ok((inputs, false)),
        Some(noise) if inputs == noise => Ok((noise, false)),
        Some(noise) if inputs == noise + 3 => Ok((noise, true)),
        Some(noise) => unsupported(format!(
            "{} begins a scale of {inputs} input channels with {noise} of noise, but only noise with or without \
             three channels of colour can be run",
            place.name
        )),
    }
}

fn norm_of(pyramid: &Pyramid) -> spec::Norm {
    let norms: Vec<_> = pyramid.units().filter_map(|unit| unit.norm.as_ref()).collect();
    match norms.as_slice() {
        [] => spec::Norm::Folded,
        // For one picture both kinds are the same.
        norms if norms.iter().all(|norm| norm.value.instance) => spec::Norm::Instance,
        _ => spec::Norm::Batch,
    }
}

/// Demands that every part is what the spec says of it.
fn check_units(spec: &GeneratorSpec, pyramid: &Pyramid) -> Result<(), ImportError> {
    for (i, scale) in pyramid.scales.iter().enumerate() {
        check_inputs(spec, i, scale)?;
        check_block(spec, i, &scale.side, &spec.side_block(i))?;
        check_block(spec, i, &scale.join, &spec.join_block(i))?;
        let wanted = spec.join_norms(i).is_some();
        if scale.up_norm.is_some() != wanted || scale.side_norm.is_some() != wanted {
            return unsupported(format!(
                "scale {i} does not normalise both branches of its join, but all scales must or none"
            ));
        }
    }
    let head = &pyramid.head;
    if head.norm.is_some() || head.slope.is_some() {
        return unsupported(format!(
            "{} comes last, but is followed by a normalisation or activation",
            head.name
        ));
    }
    check_conv(head, &spec.head())
}

fn check_inputs(spec: &GeneratorSpec, index: usize, scale: &Scale) -> Result<(), ImportError> {
    let inputs = &scale.inputs;
    if inputs.ratio != spec.ratio(index) {
        return unsupported(format!(
            "{} begins scale {index} with pooling by {}, but {} is needed there",
            inputs.name,
            inputs.ratio,
            spec.ratio(index)
        ));
    }
    let channels = scale.side.first().map_or(spec.input_channels(), |unit| unit.conv.inputs);
    if input_channels(inputs, channels)? != (spec.noise_channels, spec.content) {
        return unsupported(format!(
            "{} begins scale {index} with other inputs than the coarsest scale has, but all must be alike",
            inputs.name
        ));
    }
    Ok(())
}

fn check_block(
    spec: &GeneratorSpec,
    scale: usize,
    units: &[Unit],
    block: &[ConvSpec],
) -> Result<(), ImportError> {
    if units.len() != block.len() {
        return unsupported(format!(
            "a block of scale {scale} has {} convolutions, but all blocks must be like the first, {:?}",
            units.len(),
            spec.block
        ));
    }
    for (unit, conv) in units.iter().zip(block) {
        check_conv(unit, conv)?;
        let slope = unit.slope == Some(spec.negative_slope);
        let norm = unit.norm.is_some() == (spec.norm != spec::Norm::Folded);
        if !slope || !norm || unit.padding.is_some_and(|padding| padding != spec.padding) {
            return unsupported(format!(
                "{} has a padding, normalisation or activation unlike the first convolution's, but all must be \
                 alike",
                unit.name
            ));
        }
    }
    Ok(())
}

fn check_conv(unit: &Unit, wanted: &ConvSpec) -> Result<(), ImportError> {
    let Conv { inputs, outputs, kernel, .. } = unit.conv;
    if (inputs, outputs, kernel) == (wanted.inputs, wanted.outputs, wanted.kernel) {
        return Ok(());
    }
    unsupported(format!(
        "{} takes {inputs} channels to {outputs} with a {kernel}x{kernel} kernel, but {} to {} with {3}x{3} is \
         needed there",
        unit.name, wanted.inputs, wanted.outputs, wanted.kernel
    ))
}

struct Reader<'f> {
    file: &'f File<'f>,
    weights: Weights,
    /// How many more numbers may be read: a file cannot hold more of them than it has bytes.
    budget: usize,
}

impl Reader<'_> {
    fn read(&mut self, spec: &GeneratorSpec, pyramid: &Pyramid) -> Result<(), ImportError> {
        for (i, scale) in pyramid.scales.iter().enumerate() {
            self.block(&scale.side, &spec.side_block(i))?;
            let last = |index: usize| format!("scale{index}.{}", if index == 0 { "side" } else { "join" });
            if let Some([(up, channels), (side, side_channels)]) = spec.join_norms(i) {
                let block = spec.block.len() - 1;
                self.join_norm(&up, channels, scale.up_norm.as_ref(), &format!("{}.{block}", last(i - 1)))?;
                self.join_norm(
                    &side,
                    side_channels,
                    scale.side_norm.as_ref(),
                    &format!("scale{i}.side.{block}"),
                )?;
            }
            let join = spec.join_block(i);
            self.block(&scale.join, &join)?;
            if let (true, Some(first)) = (scale.side_first, join.first()) {
                self.rotate_inputs(first, spec.side_channels(i));
            }
        }
        self.conv(&pyramid.head, &spec.head())
    }

    fn block(&mut self, units: &[Unit], block: &[ConvSpec]) -> Result<(), ImportError> {
        for (unit, conv) in units.iter().zip(block) {
            self.conv(unit, conv)?;
            if let Some(norm) = &unit.norm {
                self.norm(&format!("{}.norm", conv.name), conv.outputs, norm)?;
                // Scaled by s before the norm, features have s^2 times the variance: s^2 eps is what must be added.
                self.scale(&[&conv.name], &["weight", "bias"], eps_scale(&norm.value));
            }
        }
        Ok(())
    }

    fn conv(&mut self, unit: &Unit, spec: &ConvSpec) -> Result<(), ImportError> {
        let ConvSpec { name, inputs, outputs, kernel, .. } = spec;
        let weight =
            self.dense(unit.conv.weight, &[*outputs, *inputs, *kernel, *kernel], "weight", &unit.name)?;
        let bias = match unit.conv.bias {
            Some(bias) => self.dense(bias, &[*outputs], "bias", &unit.name)?,
            None => Tensor { shape: vec![*outputs], data: vec![0.0; *outputs] },
        };
        self.weights.insert(format!("{name}.weight"), weight);
        self.weights.insert(format!("{name}.bias"), bias);
        Ok(())
    }

    fn norm(&mut self, name: &str, channels: usize, norm: &Named<Norm>) -> Result<(), ImportError> {
        let parts = [("gamma", norm.value.gamma, 1.0, "weight"), ("beta", norm.value.beta, 0.0, "bias")];
        for (part, tensor, default, field) in parts {
            let data = match tensor {
                Some(tensor) => self.affine(tensor, channels, &format!("the {field} of {}", norm.name))?,
                None => vec![default; channels],
            };
            self.weights.insert(format!("{name}.{part}"), Tensor { shape: vec![channels], data });
        }
        Ok(())
    }

    /// The norm of a branch before a join. A foreign epsilon goes into `before`, the norm that ends the branch's
    /// last block: the activation between the two commutes with a positive factor.
    fn join_norm(
        &mut self,
        name: &str,
        channels: usize,
        norm: Option<&Named<Norm>>,
        before: &str,
    ) -> Result<(), ImportError> {
        let Some(norm) = norm else { return Ok(()) };
        self.norm(name, channels, norm)?;
        let scale = eps_scale(&norm.value);
        let before = format!("{before}.norm");
        if scale != 1.0 && !self.weights.contains_key(&format!("{before}.gamma")) {
            return unsupported(format!(
                "{} has eps = {} and normalises the inputs themselves, but only {EPS} can be run there",
                norm.name, norm.value.eps
            ));
        }
        self.scale(&[&before], &["gamma", "beta"], scale);
        Ok(())
    }

    fn scale(&mut self, prefixes: &[&str], parts: &[&str], factor: f64) {
        if factor == 1.0 {
            return;
        }
        for (prefix, part) in prefixes.iter().flat_map(|prefix| parts.iter().map(move |part| (prefix, part)))
        {
            if let Some(tensor) = self.weights.get_mut(&format!("{prefix}.{part}")) {
                tensor.data.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
            }
        }
    }

    /// Moves the first `side` input channels of a convolution behind the others.
    fn rotate_inputs(&mut self, conv: &ConvSpec, side: usize) {
        let area = conv.kernel * conv.kernel;
        if let Some(weight) = self.weights.get_mut(&format!("{}.weight", conv.name)) {
            weight.data.chunks_mut(conv.inputs * area).for_each(|filter| filter.rotate_left(side * area));
        }
    }

    /// A tensor of a convolution, which the file may hold as a matrix.
    fn dense(
        &mut self,
        tensor: &read::Tensor,
        shape: &[usize],
        field: &str,
        module: &str,
    ) -> Result<Tensor, ImportError> {
        let plain = |sizes: &[usize]| sizes.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        let matrix = [shape[0], shape[1..].iter().product()];
        if plain(&tensor.sizes) != plain(shape) && plain(&tensor.sizes) != plain(&matrix) {
            return unsupported(format!(
                "the {field} of {module} has shape {:?}, but {shape:?} is needed",
                tensor.sizes
            ));
        }
        let what = format!("the {field} of {module}");
        self.spend(tensor::count(tensor).unwrap_or(usize::MAX), &what)?;
        let data = tensor::values(self.file, tensor, &what)?;
        match data.len() == shape.iter().product::<usize>() {
            true => Ok(Tensor { shape: shape.to_vec(), data }),
            false => unsupported(format!("{what} is empty")),
        }
    }

    /// Scale or shift of a norm for `channels` channels, running on when it was declared narrower.
    fn affine(
        &mut self,
        tensor: &read::Tensor,
        channels: usize,
        what: &str,
    ) -> Result<Vec<f32>, ImportError> {
        self.spend(channels, what)?;
        match (tensor.sizes.as_slice(), tensor.strides.as_slice()) {
            (&[declared], _) if declared == channels => tensor::values(self.file, tensor, what),
            (&[declared], &[1]) if declared < channels => tensor::run_on(self.file, tensor, channels, what),
            _ => unsupported(format!(
                "{what} has shape {:?} and strides {:?}, but is applied to {channels} channels",
                tensor.sizes, tensor.strides
            )),
        }
    }

    fn spend(&mut self, numbers: usize, what: &str) -> Result<(), ImportError> {
        match self.budget.checked_sub(numbers) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => {
                unsupported(format!("up to {what}, the network claims more numbers than the file has bytes"))
            }
        }
    }
}

/// What features before a norm must be multiplied by so that [`EPS`] does what the norm's own epsilon did.
fn eps_scale(norm: &Norm) -> f64 {
    // A float's 1e-5 is not a double's.
    if (norm.eps / EPS - 1.0).abs() < 1e-6 { 1.0 } else { (EPS / norm.eps).sqrt() }
}
