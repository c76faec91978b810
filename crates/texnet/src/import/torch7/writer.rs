//! A writer of small Torch7 files, for the tests and for the seeds of the fuzzer: networks as the code of 2016
//! built them, all parameters in one flat storage.

/// What a file is made of.
#[derive(Debug, Clone)]
pub(crate) enum Lua {
    Nil,
    Number(f64),
    Boolean(bool),
    Text(&'static str),
    Table(Vec<(Lua, Lua)>),
    Object(&'static str, Vec<(&'static str, Lua)>),
    /// Row-major sizes and the offset, from 0, into the flat storage.
    Tensor(Vec<i64>, i64),
    /// Whatever was written under this index.
    Reference(i32),
}

/// The index of the flat storage.
const FLAT: i32 = 1 << 20;

/// Writes values; tables, objects and tensors get indices from 1 in the order of their beginnings.
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    flat: Option<Vec<f32>>,
    next: i32,
    /// Bytes of C's `long`: 8 or 4.
    long: usize,
}

impl Writer {
    /// The bytes of a file that holds `root`, whose tensors look into `flat`.
    pub(crate) fn file(root: &Lua, flat: &[f32], long: usize) -> Vec<u8> {
        let mut writer = Self { bytes: Vec::new(), flat: Some(flat.to_vec()), next: 1, long };
        writer.value(root);
        writer.bytes
    }

    fn int(&mut self, value: i32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn long(&mut self, value: i64) {
        self.bytes.extend(&value.to_le_bytes()[..self.long]);
    }

    fn text(&mut self, text: &str) {
        self.int(text.len() as i32);
        self.bytes.extend(text.bytes());
    }

    fn begin(&mut self, tag: i32) {
        self.int(tag);
        self.int(self.next);
        self.next += 1;
    }

    fn class(&mut self, class: &str) {
        self.text("V 1");
        self.text(class);
    }

    fn value(&mut self, value: &Lua) {
        match value {
            Lua::Nil => self.int(0),
            Lua::Number(number) => {
                self.int(1);
                self.bytes.extend(number.to_le_bytes());
            }
            Lua::Text(text) => {
                self.int(2);
                self.text(text);
            }
            Lua::Boolean(value) => {
                self.int(5);
                self.int((*value).into());
            }
            Lua::Table(entries) => {
                self.begin(3);
                self.entries(entries);
            }
            Lua::Object(class, fields) => {
                self.begin(4);
                self.class(class);
                let named = fields.iter().map(|(name, value)| (Lua::Text(name), value.clone()));
                self.value(&Lua::Table(named.collect()));
            }
            Lua::Tensor(sizes, offset) => self.tensor(sizes, *offset),
            Lua::Reference(index) => {
                self.int(3);
                self.int(*index);
            }
        }
    }

    fn entries(&mut self, entries: &[(Lua, Lua)]) {
        self.int(entries.len() as i32);
        for (key, value) in entries {
            self.value(key);
            self.value(value);
        }
    }

    fn tensor(&mut self, sizes: &[i64], offset: i64) {
        self.begin(4);
        self.class("torch.FloatTensor");
        self.int(sizes.len() as i32);
        sizes.iter().for_each(|&size| self.long(size));
        (1..=sizes.len()).for_each(|i| self.long(sizes[i..].iter().product()));
        self.long(offset + 1);
        self.int(4);
        self.int(FLAT);
        if let Some(flat) = self.flat.take() {
            self.class("torch.FloatStorage");
            self.long(flat.len() as i64);
            self.bytes.extend(flat.iter().flat_map(|v| v.to_le_bytes()));
        }
    }
}

/// How a network differs from that of 2016.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Channels that enter a scale.
    pub(crate) inputs: i64,
    /// Scales of the pyramid.
    pub(crate) scales: usize,
    /// Kernels of a block.
    pub(crate) block: &'static [i64],
    /// Class of the padding; none lets the convolutions pad with zeros.
    pub(crate) padding: Option<&'static str>,
    /// Class of the normalisation.
    pub(crate) norm: &'static str,
    /// Its epsilon, and that of the norms before joins.
    pub(crate) eps: [f64; 2],
    /// The norms of upsampled branches are declared as narrow as a side.
    pub(crate) narrow: bool,
    /// The side is the first of the joined branches.
    pub(crate) side_first: bool,
    /// Branches are joined by two modules.
    pub(crate) join_table: bool,
    /// Convolutions' weights are matrices.
    pub(crate) matrices: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            inputs: 3,
            scales: 2,
            block: &[3, 1],
            padding: Some("nn.SpatialCircularPadding"),
            norm: "nn.SpatialBatchNormalization",
            eps: [1e-5; 2],
            narrow: true,
            side_first: false,
            join_table: false,
            matrices: false,
        }
    }
}

/// Channels of every side; joins are a multiple.
pub(crate) const SIDE: i64 = 2;

/// Builds networks: the tree, and the flat storage of its parameters, whose values tell their places.
pub(crate) struct Network {
    pub(crate) style: Style,
    pub(crate) flat: Vec<f32>,
}

/// A module with numbers for fields.
pub(crate) fn module(class: &'static str, fields: &[(&'static str, f64)]) -> Lua {
    Lua::Object(class, fields.iter().map(|&(name, value)| (name, Lua::Number(value))).collect())
}

/// A container.
pub(crate) fn container(
    class: &'static str,
    children: Vec<Lua>,
    mut fields: Vec<(&'static str, Lua)>,
) -> Lua {
    let numbered = children.into_iter().enumerate().map(|(i, child)| (Lua::Number(i as f64 + 1.0), child));
    fields.push(("modules", Lua::Table(numbered.collect())));
    Lua::Object(class, fields)
}

/// `nn.Sequential`.
pub(crate) fn sequence(children: Vec<Lua>) -> Lua {
    container("nn.Sequential", children, Vec::new())
}

impl Network {
    /// The tree and the parameters of a network in this style.
    pub(crate) fn build(style: Style) -> (Lua, Vec<f32>) {
        let mut network = Self { style, flat: Vec::new() };
        let mut ops = network.level(style.scales - 1);
        ops.push(network.conv(SIDE * style.scales as i64, 3, 1));
        (sequence(ops), network.flat)
    }

    /// The file of a network in this style.
    pub(crate) fn file(style: Style) -> Vec<u8> {
        let (root, flat) = Self::build(style);
        Writer::file(&root, &flat, 8)
    }

    fn tensor(&mut self, sizes: &[i64]) -> Lua {
        let offset = self.flat.len();
        let count = sizes.iter().product::<i64>() as usize;
        self.flat.extend((offset..offset + count).map(|i| i as f32 / 1024.0));
        Lua::Tensor(sizes.to_vec(), offset as i64)
    }

    fn level(&mut self, index: usize) -> Vec<Lua> {
        if index == 0 {
            return self.side(0);
        }
        let channels = SIDE * index as i64;
        let mut deep = self.level(index - 1);
        deep.push(module("nn.SpatialUpSamplingNearest", &[("scale_factor", 2.0)]));
        deep.push(self.norm(if self.style.narrow { SIDE } else { channels }, 1));
        let mut side = self.side(index);
        side.push(self.norm(SIDE, 1));
        let branches = match self.style.side_first {
            false => vec![sequence(deep), sequence(side)],
            true => vec![sequence(side), sequence(deep)],
        };
        let mut ops = self.join(branches);
        ops.extend(self.block(channels + SIDE, channels + SIDE));
        ops
    }

    fn join(&self, branches: Vec<Lua>) -> Vec<Lua> {
        match self.style.join_table {
            false => vec![container("nn.Concat", branches, vec![("dimension", Lua::Number(2.0))])],
            true => vec![
                container("nn.ConcatTable", branches, Vec::new()),
                module("nn.JoinTable", &[("dimension", 2.0)]),
            ],
        }
    }

    fn side(&mut self, index: usize) -> Vec<Lua> {
        let ratio = (1 << (self.style.scales - 1 - index)) as f64;
        let pool = module(
            "nn.SpatialAveragePooling",
            &[("kW", ratio), ("kH", ratio), ("dW", ratio), ("dH", ratio), ("padW", 0.0), ("padH", 0.0)],
        );
        let mut ops = vec![pool, module("nn.GenNoise", &[])];
        ops.extend(self.block(self.style.inputs, SIDE));
        ops
    }

    fn block(&mut self, inputs: i64, outputs: i64) -> Vec<Lua> {
        let mut ops = Vec::new();
        for (j, &kernel) in self.style.block.iter().enumerate() {
            ops.push(self.conv(if j == 0 { inputs } else { outputs }, outputs, kernel));
            ops.push(self.norm(outputs, 0));
            ops.push(module("nn.LeakyReLU", &[("negval", 0.01)]));
        }
        ops
    }

    fn conv(&mut self, inputs: i64, outputs: i64, kernel: i64) -> Lua {
        let margin = (kernel / 2) as f64;
        let zeros = if self.style.padding.is_some() { 0.0 } else { margin };
        let sides = ["nInputPlane", "nOutputPlane", "kW", "kH", "dW", "dH", "padW", "padH"];
        let sizes = [inputs as f64, outputs as f64, kernel as f64, kernel as f64, 1.0, 1.0, zeros, zeros];
        let mut fields: Vec<_> = sides.into_iter().zip(sizes.map(Lua::Number)).collect();
        let weight = match self.style.matrices {
            false => self.tensor(&[outputs, inputs, kernel, kernel]),
            true => self.tensor(&[outputs, inputs * kernel * kernel]),
        };
        fields.extend([("weight", weight), ("bias", self.tensor(&[outputs]))]);
        let conv = Lua::Object("nn.SpatialConvolution", fields);
        match self.style.padding {
            None => conv,
            Some(class) => {
                let pads = ["pad_l", "pad_r", "pad_t", "pad_b"].map(|side| (side, margin));
                sequence(vec![module(class, &pads), conv])
            }
        }
    }

    fn norm(&mut self, channels: i64, which: usize) -> Lua {
        let [weight, bias] = [self.tensor(&[channels]), self.tensor(&[channels])];
        let eps = Lua::Number(self.style.eps[which]);
        let affine = ("affine", Lua::Boolean(true));
        Lua::Object(self.style.norm, vec![("eps", eps), affine, ("weight", weight), ("bias", bias)])
    }
}
