//! The door through which kernels on slices enter the tensor library: one operation of up to three tensors, with its
//! gradient, as a node of the graph on the CPU. The only file that names backends.

// The macro writes the dispatch: its code is not ours to document.
#![allow(missing_docs, clippy::allow_attributes_without_reason, clippy::allow_attributes)]

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use burn::tensor::TensorData;

/// An operation on slices.
pub(super) trait Kernel: std::fmt::Debug + Send + Sync {
    /// Sizes of the result.
    fn shape(&self) -> [usize; 4];
    /// The result, and what the gradient needs besides the inputs.
    fn forward(&self, inputs: [&[f32]; 3]) -> (Vec<f32>, Saved);
    /// The gradients to the inputs that are wanted.
    fn backward(&self, done: Done<'_>, gradient: &[f32], wanted: [bool; 3]) -> [Option<Vec<f32>>; 3];
}

/// A forward pass.
#[derive(Clone, Copy)]
pub(super) struct Done<'a> {
    pub(super) inputs: [&'a [f32]; 3],
    pub(super) saved: &'a Saved,
    pub(super) out: &'a [f32],
}

/// Values kept from the forward pass.
pub(super) type Saved = Vec<Vec<f32>>;

#[backend_extension(Autodiff, Flex)]
pub(super) trait HostOps: Backend {
    fn on_host(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl HostOps for Flex {
    fn on_host(kernel: Arc<dyn Kernel>, a: FlexTensor, b: FlexTensor, c: FlexTensor) -> FlexTensor {
        forward(kernel.as_ref(), &[a, b, c].map(|t| t.to_contiguous())).0
    }
}

impl<C: CheckpointStrategy> HostOps for Autodiff<Flex, C> {
    fn on_host(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node(), c.node()];
        let inputs = [a, b, c].map(|t| t.into_primitive().to_contiguous());
        let (out, saved) = forward(kernel.as_ref(), &inputs);
        match HostBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish(State { kernel, inputs, saved: Arc::new(saved), out: out.clone() }, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}

#[derive(Debug, Clone)]
struct State {
    kernel: Arc<dyn Kernel>,
    inputs: [FlexTensor; 3],
    saved: Arc<Saved>,
    out: FlexTensor,
}

#[derive(Debug)]
struct HostBackward;

impl Backward<Flex, 3> for HostBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let State { kernel, inputs, saved, out } = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let done = Done { inputs: inputs.each_ref().map(values), saved: &saved, out: values(&out) };
        let results = kernel.backward(done, values(&gradient), wanted);
        for ((parent, result), input) in ops.parents.iter().zip(results).zip(&inputs) {
            if let (Some(parent), Some(result)) = (parent, result) {
                let result = TensorData::new(result, input.layout().shape().clone());
                grads.register::<Flex>(parent.id, FlexTensor::from_data(result));
            }
        }
    }
}

fn forward(kernel: &dyn Kernel, inputs: &[FlexTensor; 3]) -> (FlexTensor, Saved) {
    let (out, saved) = kernel.forward(inputs.each_ref().map(values));
    (FlexTensor::from_data(TensorData::new(out, kernel.shape())), saved)
}

/// The values of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.layout().num_elements()]
}
