//! Normalisations with frozen statistics, folded into the convolutions around them.

use texnet_kernels::{Conv, Moments};

use crate::model::Model;
use crate::spec::{ConvSpec, Norm};
use crate::whole::{affine, plain_conv};

/// The convolutions of one scale, nothing between them but their own activations.
#[derive(Debug, Clone)]
pub(crate) struct FoldedScale {
    /// Those that the inputs go through alone.
    pub(crate) side: Vec<Conv>,
    /// Those after the join; at the finest scale the head is the last.
    pub(crate) join: Vec<Conv>,
    /// Whether the coarser scale is interpolated before the join.
    pub(crate) smooth: bool,
}

/// Every scale of a calibrated model, from the coarsest to the finest.
pub(crate) fn fold(model: &Model) -> Vec<FoldedScale> {
    let spec = model.spec();
    let convs = |specs: Vec<ConvSpec>| specs.iter().map(|s| fold_conv(model, s)).collect::<Vec<_>>();
    let mut scales: Vec<FoldedScale> = (0..spec.scales.len())
        .map(|i| {
            let mut join = convs(spec.join_block(i));
            if let (Some(first), Some(affine)) = (join.first_mut(), join_affine(model, i)) {
                *first = fold_input(&unfolded_first(model, i), &affine);
                *first = fold_output(model, &spec.join_block(i)[0], first.clone());
            }
            FoldedScale { side: convs(spec.side_block(i)), join, smooth: spec.scales[i].smooth }
        })
        .collect();
    if let Some(finest) = scales.last_mut() {
        finest.join.push(plain_conv(model, &spec.head()));
    }
    scales
}

fn unfolded_first(model: &Model, scale: usize) -> Conv {
    plain_conv(model, &model.spec().join_block(scale)[0])
}

/// With its normalisation and activation.
pub(crate) fn fold_conv(model: &Model, spec: &ConvSpec) -> Conv {
    fold_output(model, spec, plain_conv(model, spec))
}

/// Scale and shift of the joined channels, if they are normalised before the join.
fn join_affine(model: &Model, scale: usize) -> Option<Vec<[f64; 2]>> {
    let norms = model.spec().join_norms(scale)?;
    Some(norms.iter().flat_map(|(name, _)| affine(model, name, &calibrated(model, name))).collect())
}

fn calibrated(model: &Model, name: &str) -> Vec<Moments> {
    let [means, variances] = ["mean", "variance"].map(|p| model.values(&format!("{name}.{p}")));
    let moments = |(&mean, &variance): (&f32, &f32)| Moments { mean: mean.into(), variance: variance.into() };
    means.iter().zip(variances).map(moments).collect()
}

/// A convolution of `scale * x + shift` as one of `x`: exact, because a plane has no border.
fn fold_input(conv: &Conv, affine: &[[f64; 2]]) -> Conv {
    let area = conv.kernel * conv.kernel;
    let mut folded = conv.clone();
    for (o, bias) in folded.bias.iter_mut().enumerate() {
        let mut sum = f64::from(*bias);
        for (c, [scale, shift]) in affine.iter().enumerate() {
            for i in 0..area {
                let weight = &mut folded.weight[(o * conv.inputs + c) * area + i];
                sum += f64::from(*weight) * shift;
                *weight = (f64::from(*weight) * scale) as f32;
            }
        }
        *bias = sum as f32;
    }
    folded
}

/// A convolution, its normalisation and its activation as one convolution.
fn fold_output(model: &Model, spec: &ConvSpec, mut conv: Conv) -> Conv {
    if model.spec().norm == Norm::Folded || !spec.normalised {
        return conv;
    }
    let name = format!("{}.norm", spec.name);
    let terms = conv.weight.len() / conv.outputs;
    for (o, [scale, shift]) in affine(model, &name, &calibrated(model, &name)).into_iter().enumerate() {
        conv.weight[o * terms..(o + 1) * terms].iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
        conv.bias[o] = (f64::from(conv.bias[o]) * scale + shift) as f32;
    }
    conv.slope = Some(model.spec().negative_slope);
    conv
}
