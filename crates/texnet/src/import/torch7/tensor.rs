//! The numbers of a tensor, as f32 in row-major order.

use half::f16;

use super::read::{Element, File, Node, Storage, Tensor};
use super::{ImportError, unsupported};

/// The values of `tensor` in row-major order, whatever its strides.
///
/// `what` names the tensor in errors. A tensor may not claim more values than its storage holds.
pub(super) fn values(file: &File, tensor: &Tensor, what: &str) -> Result<Vec<f32>, ImportError> {
    let storage = storage(file, tensor, what)?;
    let length = storage.bytes.len() / storage.element.width();
    if !fits(tensor, length) {
        return unsupported(format!(
            "{what} of shape {:?}, strides {:?} and offset {} lies outside its storage of {length} numbers",
            tensor.sizes, tensor.strides, tensor.offset
        ));
    }
    let mut indices = vec![tensor.offset];
    for (&size, &stride) in tensor.sizes.iter().zip(&tensor.strides) {
        indices = indices.iter().flat_map(|base| (0..size).map(move |i| base + i * stride)).collect();
    }
    Ok(indices.into_iter().map(|index| element(storage, index)).collect())
}

/// `count` values from the start of `tensor` on, beyond its end if need be: what Torch7's batch normalisation did
/// with more channels than it was declared for.
pub(super) fn run_on(
    file: &File,
    tensor: &Tensor,
    count: usize,
    what: &str,
) -> Result<Vec<f32>, ImportError> {
    let storage = storage(file, tensor, what)?;
    let length = storage.bytes.len() / storage.element.width();
    let end = tensor.offset.checked_add(count).filter(|&end| end <= length);
    let Some(end) = end else {
        return unsupported(format!(
            "{what} starts at {} in a storage of {length} numbers, but is applied to {count} channels: too few \
             follow",
            tensor.offset
        ));
    };
    Ok((tensor.offset..end).map(|index| element(storage, index)).collect())
}

/// How many values the tensor claims; none when that number makes no sense.
pub(super) fn count(tensor: &Tensor) -> Option<usize> {
    // Torch7's tensor without dimensions is empty.
    if tensor.sizes.is_empty() {
        return Some(0);
    }
    tensor.sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

fn fits(tensor: &Tensor, length: usize) -> bool {
    let last = tensor.sizes.iter().zip(&tensor.strides).try_fold(tensor.offset, |sum, (&size, &stride)| {
        sum.checked_add(size.checked_sub(1)?.checked_mul(stride)?)
    });
    last.is_some_and(|index| index < length) && count(tensor).is_some_and(|n| (1..=length).contains(&n))
}

fn storage<'f, 'a>(file: &'f File<'a>, tensor: &Tensor, what: &str) -> Result<&'f Storage<'a>, ImportError> {
    match file.node(tensor.storage) {
        Some(Node::Storage(storage)) if !matches!(storage.element, Element::Integer { .. }) => Ok(storage),
        Some(Node::Storage(_)) => unsupported(format!("{what} holds integers, but must hold floats")),
        _ => unsupported(format!("{what} is empty: the file holds no numbers for it")),
    }
}

/// One number; `index` is known to lie in the storage.
fn element(storage: &Storage, index: usize) -> f32 {
    let width = storage.element.width();
    let bytes = &storage.bytes[index * width..][..width];
    match (storage.element, bytes) {
        (Element::Half, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
        (Element::Float, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (Element::Double, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        // Refused by `storage`.
        _ => f32::NAN,
    }
}
