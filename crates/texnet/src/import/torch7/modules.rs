//! The module tree of a Torch7 network as a flat list of operations, each with its place in the tree.
//!
//! Containers that only run one module after the other dissolve; branches whose results are joined stay.

use texnet_infer::spec::Padding;

use super::read::{File, Node, Table, Tensor, Value};
use super::{ImportError, format_error, unsupported};

/// Deepest nesting of modules.
const MAX_DEPTH: usize = 64;
/// Most modules, counted each time they are used: a module may be referred to from many places.
const MAX_MODULES: usize = 10_000;
/// Largest whole number that a field may hold: channels, sizes of kernels, ratios.
const MAX_SIZE: usize = 1 << 16;

/// One operation and where it stands.
#[derive(Debug)]
pub(super) struct Op<'f> {
    /// `nn.SpatialConvolution at modules 1/3`: how errors call it.
    pub(super) name: String,
    pub(super) kind: Kind<'f>,
}

/// What an operation does.
#[derive(Debug)]
pub(super) enum Kind<'f> {
    /// Average pooling by this ratio.
    Pool(usize),
    Noise(Noise),
    /// One pixel (or none) on every side.
    Pad(Padding, usize),
    Conv(Conv<'f>),
    Norm(Norm<'f>),
    /// Slope below zero.
    Activation(f32),
    /// Nearest neighbour, twofold.
    Upsample,
    /// Results joined as channels, in this order.
    Join(Vec<Vec<Op<'f>>>),
    /// Branches that wait for a module that joins them.
    Fork(Vec<Vec<Op<'f>>>),
}

/// Noise in place of some or all channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Noise {
    /// How many channels, where the file says so.
    pub(super) channels: Option<usize>,
    /// The noise lies in `[0, scale)`.
    pub(super) scale: f32,
}

/// A convolution of stride 1.
#[derive(Debug)]
pub(super) struct Conv<'f> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    /// Zeros around the picture.
    pub(super) zeros: usize,
    pub(super) weight: &'f Tensor<'f>,
    pub(super) bias: Option<&'f Tensor<'f>>,
}

/// A normalisation; without scale and shift they are 1 and 0.
#[derive(Debug)]
pub(super) struct Norm<'f> {
    pub(super) instance: bool,
    pub(super) eps: f64,
    pub(super) gamma: Option<&'f Tensor<'f>>,
    pub(super) beta: Option<&'f Tensor<'f>>,
}

/// All operations of the file's network in the order they run.
pub(super) fn flatten<'f>(file: &'f File<'f>) -> Result<Vec<Op<'f>>, ImportError> {
    let mut tree = Tree { file, modules: 0 };
    let mut ops = Vec::new();
    tree.add(file.root, &Place(Vec::new()), &mut ops)?;
    match ops.iter().find(|op| matches!(op.kind, Kind::Fork(_))) {
        Some(fork) => unsupported(format!("{} has branches that no nn.JoinTable joins", fork.name)),
        None => Ok(ops),
    }
}

/// The way from the root to a module: which child at each step, from 1.
struct Place(Vec<i64>);

impl Place {
    fn child(&self, index: i64) -> Self {
        Self([self.0.as_slice(), &[index]].concat())
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => write!(f, "the root"),
            steps => write!(f, "modules {}", steps.iter().map(i64::to_string).collect::<Vec<_>>().join("/")),
        }
    }
}

struct Tree<'f> {
    file: &'f File<'f>,
    modules: usize,
}

impl<'f> Tree<'f> {
    fn add(&mut self, value: Value<'f>, place: &Place, ops: &mut Vec<Op<'f>>) -> Result<(), ImportError> {
        self.modules += 1;
        if self.modules > MAX_MODULES || place.0.len() > MAX_DEPTH {
            return unsupported(format!(
                "the network has more than {MAX_MODULES} modules or nests them more than {MAX_DEPTH} deep"
            ));
        }
        let Some((class, fields)) = self.file.object(value) else {
            return format_error(format!("there is no Torch7 module at {place} of the file"));
        };
        let name = format!("{} at {place}", class.escape_ascii());
        let module = Module { file: self.file, fields, name };
        let class = str::from_utf8(class).unwrap_or("");
        let kind = class.strip_prefix("nn.").or_else(|| class.strip_prefix("cudnn.")).unwrap_or("");
        match kind {
            "Sequential" => {
                return self
                    .children(&module)?
                    .try_for_each(|(i, child)| self.add(child, &place.child(i), ops));
            }
            // They hand on what they get, or change only gradients.
            "Identity" | "Copy" | "Contiguous" | "TVLoss" | "TotalVariation" => return Ok(()),
            "JoinTable" => return join(&module, ops),
            _ => {}
        }
        let kind = match kind {
            "Concat" => Kind::Join(self.joined(&module, place)?),
            "ConcatTable" => Kind::Fork(self.branches(&module, place)?),
            _ => module.kind(kind)?,
        };
        ops.push(Op { name: module.name, kind });
        Ok(())
    }

    /// The modules inside a container, with their numbers.
    fn children(
        &self,
        module: &Module<'f>,
    ) -> Result<impl Iterator<Item = (i64, Value<'f>)> + 'f, ImportError> {
        let Some(table) = self.file.table(module.fields.field("modules")) else {
            return format_error(format!("{} has no table of modules", module.name));
        };
        let items = (1..).map(|i| (i, table.item(i)));
        Ok(items.take_while(|(_, child)| *child != Value::Nil))
    }

    fn branches(&mut self, module: &Module<'f>, place: &Place) -> Result<Vec<Vec<Op<'f>>>, ImportError> {
        let mut branches = Vec::new();
        for (i, child) in self.children(module)? {
            let mut ops = Vec::new();
            self.add(child, &place.child(i), &mut ops)?;
            branches.push(ops);
        }
        Ok(branches)
    }

    fn joined(&mut self, module: &Module<'f>, place: &Place) -> Result<Vec<Vec<Op<'f>>>, ImportError> {
        match module.size("dimension", None)? {
            2 => self.branches(module, place),
            other => unsupported(format!("{} joins dimension {other}, but only 2 can be run", module.name)),
        }
    }
}

/// Turns the branches right before an `nn.JoinTable` into a join.
fn join(module: &Module, ops: &mut Vec<Op>) -> Result<(), ImportError> {
    // Dimension 1 of one picture's three is dimension 2 of a batch's four.
    let channels = match module.size("nInputDims", Some(0))? {
        3 => 1,
        _ => 2,
    };
    let dimension = module.size("dimension", None)?;
    if dimension != channels {
        return unsupported(format!(
            "{} joins dimension {dimension}, but only channels can be run",
            module.name
        ));
    }
    match ops.pop() {
        Some(Op { name, kind: Kind::Fork(branches) }) => ops.push(Op { name, kind: Kind::Join(branches) }),
        _ => return unsupported(format!("{} does not follow an nn.ConcatTable", module.name)),
    }
    Ok(())
}

struct Module<'f> {
    file: &'f File<'f>,
    fields: &'f Table<'f>,
    /// Class and place.
    name: String,
}

impl<'f> Module<'f> {
    fn kind(&self, class: &str) -> Result<Kind<'f>, ImportError> {
        Ok(match class {
            "SpatialAveragePooling" => Kind::Pool(self.ratio()?),
            "GenNoise" | "NoiseFill" => Kind::Noise(self.noise()?),
            "SpatialCircularPadding" => Kind::Pad(Padding::Circular, self.margin()?),
            "SpatialReflectionPadding" => Kind::Pad(Padding::Reflect, self.margin()?),
            "SpatialReplicationPadding" => Kind::Pad(Padding::Replicate, self.margin()?),
            "SpatialZeroPadding" => Kind::Pad(Padding::Zero, self.margin()?),
            "SpatialConvolution" | "SpatialConvolutionMM" => Kind::Conv(self.conv()?),
            "SpatialBatchNormalization" => Kind::Norm(self.norm(false)?),
            "InstanceNormalization" => Kind::Norm(self.norm(true)?),
            "ReLU" => Kind::Activation(0.0),
            "LeakyReLU" => Kind::Activation(self.number("negval", Some(0.01))? as f32),
            "SpatialUpSamplingNearest" => self.upsample()?,
            _ => {
                return unsupported(format!(
                    "unknown module {}: it cannot be expressed as a texture network",
                    self.name
                ));
            }
        })
    }

    /// The number in a field, or `default` when the field is missing.
    fn number(&self, field: &str, default: Option<f64>) -> Result<f64, ImportError> {
        match (self.fields.field(field), default) {
            (Value::Number(number), _) => Ok(number),
            (Value::Nil, Some(number)) => Ok(number),
            (Value::Nil, None) => format_error(format!("{} has no field {field}", self.name)),
            _ => format_error(format!("{} has a field {field} that is no number", self.name)),
        }
    }

    /// Likewise for a whole number.
    fn size(&self, field: &str, default: Option<usize>) -> Result<usize, ImportError> {
        let number = self.number(field, default.map(|size| size as f64))?;
        if number.fract() == 0.0 && (0.0..=MAX_SIZE as f64).contains(&number) {
            return Ok(number as usize);
        }
        unsupported(format!(
            "{} has {field} = {number}, but a whole number from 0 to {MAX_SIZE} is needed",
            self.name
        ))
    }

    fn tensor(&self, field: &str) -> Result<Option<&'f Tensor<'f>>, ImportError> {
        match (self.fields.field(field), self.file.node(self.fields.field(field))) {
            (Value::Nil, _) => Ok(None),
            (_, Some(Node::Tensor(tensor))) => Ok(Some(tensor)),
            _ => format_error(format!("{} has a field {field} that is no tensor", self.name)),
        }
    }

    /// Demands that fields have one value; a missing one has it.
    fn demand(&self, fields: &[&str], wanted: usize) -> Result<(), ImportError> {
        for field in fields {
            let size = self.size(field, Some(wanted))?;
            if size != wanted {
                return unsupported(format!(
                    "{} has {field} = {size}, but only {wanted} can be run",
                    self.name
                ));
            }
        }
        Ok(())
    }

    fn ratio(&self) -> Result<usize, ImportError> {
        let ratio = self.size("kW", None)?;
        self.demand(&["kH", "dW", "dH"], ratio)?;
        self.demand(&["padW", "padH"], 0)?;
        Ok(ratio)
    }

    fn noise(&self) -> Result<Noise, ImportError> {
        let known = self.fields.field("num_noise_channels") != Value::Nil;
        let channels = if known { Some(self.size("num_noise_channels", None)?) } else { None };
        Ok(Noise { channels, scale: self.number("mult", Some(1.0))? as f32 })
    }

    fn margin(&self) -> Result<usize, ImportError> {
        let margin = self.size("pad_l", None)?;
        self.demand(&["pad_r", "pad_t", "pad_b"], margin)?;
        if margin > 1 {
            return unsupported(format!("{} pads by {margin}, but only 1 or 0 can be run", self.name));
        }
        Ok(margin)
    }

    fn conv(&self) -> Result<Conv<'f>, ImportError> {
        let kernel = self.size("kW", None)?;
        let height = self.size("kH", Some(kernel))?;
        if kernel != height || ![1, 3].contains(&kernel) {
            return unsupported(format!(
                "{} has a {height}x{kernel} kernel, but only 1x1 and 3x3 can be run",
                self.name
            ));
        }
        self.demand(&["dW", "dH", "groups"], 1)?;
        let zeros = self.size("padW", Some(0))?;
        self.demand(&["padH"], zeros)?;
        let Some(weight) = self.tensor("weight")? else {
            return format_error(format!("{} has no weight", self.name));
        };
        let [inputs, outputs] = [self.size("nInputPlane", None)?, self.size("nOutputPlane", None)?];
        Ok(Conv { inputs, outputs, kernel, zeros, weight, bias: self.tensor("bias")? })
    }

    fn norm(&self, instance: bool) -> Result<Norm<'f>, ImportError> {
        let eps = self.number("eps", Some(1e-5))?;
        if !(1e-12..=1.0).contains(&eps) {
            return unsupported(format!("{} has eps = {eps}, but 1e-12 to 1 is needed", self.name));
        }
        Ok(Norm { instance, eps, gamma: self.tensor("weight")?, beta: self.tensor("bias")? })
    }

    fn upsample(&self) -> Result<Kind<'f>, ImportError> {
        self.demand(&["scale_factor"], 2)?;
        Ok(Kind::Upsample)
    }
}
