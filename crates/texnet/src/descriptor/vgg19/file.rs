//! VGG-19's weights from files: which tensors are wanted, and whether they are those of VGG-19.

use std::path::Path;

use burn::tensor::Device;

use super::{Coding, Vgg19, Vgg19Options, conv_shape};
use crate::descriptor::stack::ConvWeights;
use crate::descriptor::tensors::{self, Tensors};
use crate::descriptor::{DescriptorError, Layer};

/// How a file calls its tensors.
#[derive(Debug, Clone, Copy)]
enum Naming {
    /// By the place in `features`: `features.0.weight`.
    Torchvision,
    /// By layer: `conv1_1.weight`.
    Caffe,
}

impl Naming {
    /// The name of a convolution without `.weight` and `.bias`.
    fn stem(self, layer: Layer) -> String {
        match self {
            Self::Torchvision => format!("features.{}", layer.index()),
            Self::Caffe => layer.name().to_owned(),
        }
    }

    /// What weights of such names were trained on, where nothing else says so.
    fn coding(self) -> Coding {
        match self {
            Self::Torchvision => Coding::Torchvision,
            Self::Caffe => Coding::Caffe,
        }
    }
}

impl Vgg19 {
    /// Reads weights: a state dict of PyTorch (`.pth`, of any age) or a safetensors file, told apart by the contents.
    ///
    /// Tensors are called as torchvision does (`features.0.weight`; a classifier is not read) or as Caffe did
    /// (`conv1_1.weight`), in 16, 32 or 64 bits. Deep convolutions may be missing: what lies below cannot be asked for.
    /// The coding of pictures is that of the options, or else that of the member `coding` of safetensors metadata
    /// (`torchvision` or `caffe`), or else the one that the names go with.
    ///
    /// # Errors
    /// [`DescriptorError::Weights`]: the file cannot be read, is of another format, was cut short, or holds another
    /// network. Nothing larger than VGG-19's own tensors is allocated, apart from a safetensors file of up to 1 GiB.
    pub fn load(path: &Path, options: Vgg19Options, device: &Device) -> Result<Self, DescriptorError> {
        let convs = tensors::with(path, |tensors| read(tensors, options.coding));
        let (convs, coding) =
            convs.map_err(|why| DescriptorError::Weights(format!("{}: {why}", path.display())))?;
        Self::new(convs, coding, options, device)
            .map_err(|error| DescriptorError::Weights(format!("{}: {error}", path.display())))
    }
}

/// The convolutions of a file and how they want pictures.
fn read(tensors: &dyn Tensors, asked: Option<Coding>) -> Result<(Vec<ConvWeights>, Coding), String> {
    let naming = naming(tensors)?;
    check_names(tensors, naming)?;
    let present = Layer::convs().take_while(|&layer| tensors.shape(&weight(naming, layer)).is_some());
    let convs = present.map(|layer| conv(tensors, naming, layer)).collect::<Result<_, _>>()?;
    let coding = match (asked, tensors.coding()) {
        (Some(coding), _) => coding,
        (None, None) => naming.coding(),
        (None, Some("torchvision")) => Coding::Torchvision,
        (None, Some("caffe")) => Coding::Caffe,
        (None, Some(other)) => {
            return Err(format!(
                "the metadata names the coding '{other}', which is neither 'torchvision' nor 'caffe': say which it is"
            ));
        }
    };
    Ok((convs, coding))
}

fn weight(naming: Naming, layer: Layer) -> String {
    naming.stem(layer) + ".weight"
}

fn naming(tensors: &dyn Tensors) -> Result<Naming, String> {
    let holds = |naming| tensors.shape(&weight(naming, Layer::Conv1_1)).is_some();
    [Naming::Torchvision, Naming::Caffe].into_iter().find(|&naming| holds(naming)).ok_or_else(|| {
        "it holds neither 'features.0.weight' nor 'conv1_1.weight': name a file of VGG-19's weights"
            .to_owned()
    })
}

/// Relatives of VGG-19 share its first names; they are told by a name that it does not have, or by a gap.
fn check_names(tensors: &dyn Tensors, naming: Naming) -> Result<(), String> {
    let known: Vec<String> = Layer::convs().map(|layer| weight(naming, layer)).collect();
    let alike = |name: &&String| {
        let prefix = if matches!(naming, Naming::Torchvision) { "features." } else { "conv" };
        name.starts_with(prefix) && name.ends_with(".weight")
    };
    let names = tensors.names();
    if let Some(name) = names.iter().filter(alike).find(|name| !known.contains(name)) {
        return Err(format!(
            "it holds '{name}', which VGG-19 does not have: name a file of VGG-19's weights"
        ));
    }
    let held: Vec<bool> = known.iter().map(|name| names.contains(name)).collect();
    match held.windows(2).position(|pair| pair == [false, true]) {
        Some(gap) => Err(format!("'{}' is missing: name a file of VGG-19's weights", known[gap])),
        None => Ok(()),
    }
}

fn conv(tensors: &dyn Tensors, naming: Naming, layer: Layer) -> Result<ConvWeights, String> {
    let conv = tensors::conv(tensors, &naming.stem(layer), &conv_shape(layer));
    conv.map_err(|why| format!("{why}: name a file of VGG-19's weights"))
}
