//! Torch7's binary serialisation, read into a list of nodes that refer to one another by number.
//!
//! Little-endian values behind 32-bit tags; tables, objects and functions carry an index, and an index seen
//! before is a reference to what it first stood for. So a file may describe a cycle: nodes only name each other,
//! nothing here follows them. Numbers and strings stay where they are in the bytes, and nothing is allocated for
//! a claimed size before its bytes have been found.

use std::collections::HashMap;

use super::{ImportError, format_error};

/// Deepest nesting of values; a pyramid of twelve scales needs about 80.
const MAX_DEPTH: usize = 200;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;

/// Longest name of a class.
const MAX_CLASS: usize = 128;

/// A Lua value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Nil,
    Number(f64),
    Boolean(bool),
    Text(&'a [u8]),
    /// A table, object or function: its place in [`File::nodes`].
    Node(usize),
}

/// What a [`Value::Node`] stands for.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Table(Table<'a>),
    /// An instance of a Torch class: the class, and its table of fields.
    Object(&'a [u8], Value<'a>),
    Tensor(Tensor<'a>),
    Storage(Storage<'a>),
    /// A function, or a node still being read.
    Opaque,
}

/// A Lua table, sorted by key. Keys that are neither strings nor whole numbers are left out.
#[derive(Debug, Default)]
pub(super) struct Table<'a>(Vec<(Key<'a>, Value<'a>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Number(i64),
    Name(&'a [u8]),
}

/// A view of a storage, in elements.
#[derive(Debug)]
pub(super) struct Tensor<'a> {
    pub(super) sizes: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) offset: usize,
    pub(super) storage: Value<'a>,
}

/// A flat array of numbers.
#[derive(Debug)]
pub(super) struct Storage<'a> {
    pub(super) element: Element,
    pub(super) bytes: &'a [u8],
}

/// What a storage holds; integers are of no use to us but must be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Half,
    Float,
    Double,
    Integer { width: usize },
}

impl Element {
    /// The element of `torch.CudaHalfStorage` is `CudaHalf`: the name between `torch.` and `Storage`.
    fn parse(name: &[u8], long: usize) -> Option<Self> {
        let plain = match name.strip_prefix(b"Cuda") {
            Some(b"") => b"Float",
            Some(rest) => rest,
            None => name,
        };
        Some(match plain {
            b"Half" => Self::Half,
            b"Float" => Self::Float,
            b"Double" => Self::Double,
            b"Byte" | b"Char" => Self::Integer { width: 1 },
            b"Short" => Self::Integer { width: 2 },
            b"Int" => Self::Integer { width: 4 },
            b"Long" => Self::Integer { width: long },
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Float => 4,
            Self::Double => 8,
            Self::Integer { width } => width,
        }
    }
}

impl<'a> Table<'a> {
    fn new(mut entries: Vec<(Key<'a>, Value<'a>)>) -> Self {
        entries.sort_by_key(|(key, _)| *key);
        entries.shrink_to_fit();
        Self(entries)
    }

    fn get(&self, key: Key) -> Value<'a> {
        self.0.binary_search_by_key(&key, |(k, _)| *k).map_or(Value::Nil, |at| self.0[at].1)
    }

    /// The value under a string key; nil when there is none.
    pub(super) fn field(&self, name: &str) -> Value<'a> {
        self.get(Key::Name(name.as_bytes()))
    }

    /// The value under a whole number; nil when there is none. Lua counts from 1.
    pub(super) fn item(&self, number: i64) -> Value<'a> {
        self.get(Key::Number(number))
    }
}

/// A Torch7 file, read.
#[derive(Debug)]
pub(super) struct File<'a> {
    nodes: Vec<Node<'a>>,
    pub(super) root: Value<'a>,
}

impl<'a> File<'a> {
    /// Reads the first value of the bytes. C's `long` has eight bytes in most files, four in those of 32-bit
    /// machines and of Windows, and no mark tells which: the second is tried when the first makes no sense.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ImportError> {
        Self::read_with(bytes, 8).or_else(|error| Self::read_with(bytes, 4).map_err(|_| error))
    }

    fn read_with(bytes: &'a [u8], long: usize) -> Result<Self, ImportError> {
        let mut reader = Reader { bytes, position: 0, long, memo: HashMap::new(), nodes: Vec::new() };
        let root = reader.value(0)?;
        Ok(Self { nodes: reader.nodes, root })
    }

    pub(super) fn node(&self, value: Value) -> Option<&Node<'a>> {
        match value {
            Value::Node(at) => self.nodes.get(at),
            _ => None,
        }
    }

    pub(super) fn table(&self, value: Value) -> Option<&Table<'a>> {
        match self.node(value) {
            Some(Node::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// Class and fields of a value that is an object whose fields are a table.
    pub(super) fn object(&self, value: Value) -> Option<(&'a [u8], &Table<'a>)> {
        match self.node(value) {
            Some(Node::Object(class, fields)) => Some((*class, self.table(*fields)?)),
            _ => None,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Bytes of C's `long` on the machine that wrote the file.
    long: usize,
    /// Which node an index of the file stands for.
    memo: HashMap<i32, usize>,
    nodes: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ImportError> {
        let rest = &self.bytes[self.position..];
        let Some(taken) = rest.get(..count) else {
            return format_error(format!(
                "{count} bytes are announced at byte {} of the Torch7 file, but {} follow: it was cut short or \
                 damaged",
                self.position,
                rest.len()
            ));
        };
        self.position += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn int(&mut self) -> Result<i32, ImportError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn long(&mut self) -> Result<i64, ImportError> {
        match self.long {
            8 => Ok(i64::from_le_bytes(self.array()?)),
            _ => Ok(self.int()?.into()),
        }
    }

    fn size(&self, value: i64, of: &str) -> Result<usize, ImportError> {
        usize::try_from(value).or_else(|_| {
            format_error(format!("the {of} before byte {} of the Torch7 file is {value}", self.position))
        })
    }

    fn string(&mut self) -> Result<&'a [u8], ImportError> {
        let length = self.int()?;
        let length = self.size(length.into(), "length of a string")?;
        self.take(length)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, ImportError> {
        if depth > MAX_DEPTH {
            return format_error(format!("values are nested more than {MAX_DEPTH} deep in the Torch7 file"));
        }
        let start = self.position;
        match self.int()? {
            0 => Ok(Value::Nil),
            1 => Ok(Value::Number(f64::from_le_bytes(self.array()?))),
            2 => Ok(Value::Text(self.string()?)),
            5 => Ok(Value::Boolean(self.int()? != 0)),
            tag @ (3 | 4 | 6 | 7 | 8) => self.node(tag, depth),
            _ if start == 0 => format_error("this is no binary Torch7 file: give one that torch.save wrote"),
            tag => {
                format_error(format!("the value at byte {start} of the Torch7 file has unknown type {tag}"))
            }
        }
    }

    /// A table (3), an object (4) or a function (6 to 8): new, or one that has been seen.
    fn node(&mut self, tag: i32, depth: usize) -> Result<Value<'a>, ImportError> {
        let index = self.int()?;
        if let Some(&at) = self.memo.get(&index) {
            return Ok(Value::Node(at));
        }
        let at = self.nodes.len();
        self.memo.insert(index, at);
        self.nodes.push(Node::Opaque);
        self.nodes[at] = match tag {
            3 => Node::Table(self.table(depth)?),
            4 => self.object(depth)?,
            _ => self.function(depth)?,
        };
        Ok(Value::Node(at))
    }

    fn table(&mut self, depth: usize) -> Result<Table<'a>, ImportError> {
        let count = self.int()?;
        let count = self.size(count.into(), "size of a table")?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            match key {
                Value::Text(name) => entries.push((Key::Name(name), value)),
                Value::Number(n) if n.fract() == 0.0 => entries.push((Key::Number(n as i64), value)),
                _ => {}
            }
        }
        Ok(Table::new(entries))
    }

    /// Bytecode, then its captured values: passed over.
    fn function(&mut self, depth: usize) -> Result<Node<'a>, ImportError> {
        self.string()?;
        self.value(depth + 1)?;
        Ok(Node::Opaque)
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, ImportError> {
        let first = self.string()?;
        // The oldest files have no version in front of the class.
        let class = if first.starts_with(b"V ") { self.string()? } else { first };
        if class.len() > MAX_CLASS {
            return format_error(format!(
                "the name of a class before byte {} of the Torch7 file has {} bytes, but up to {MAX_CLASS} are \
                 allowed",
                self.position,
                class.len()
            ));
        }
        let inner = class.strip_prefix(b"torch.");
        if inner.is_some_and(|name| name.ends_with(b"Tensor")) {
            return Ok(Node::Tensor(self.tensor(depth)?));
        }
        match inner.and_then(|name| name.strip_suffix(b"Storage")) {
            Some(element) => Ok(Node::Storage(self.storage(element)?)),
            None => Ok(Node::Object(class, self.value(depth + 1)?)),
        }
    }

    fn tensor(&mut self, depth: usize) -> Result<Tensor<'a>, ImportError> {
        let dimensions = self.int()?;
        let dimensions = self.size(dimensions.into(), "number of dimensions")?;
        if dimensions > MAX_DIMENSIONS {
            return format_error(format!(
                "a tensor before byte {} of the Torch7 file has {dimensions} dimensions, but up to \
                 {MAX_DIMENSIONS} are allowed",
                self.position
            ));
        }
        let sizes = self.longs(dimensions, "size of a tensor")?;
        let strides = self.longs(dimensions, "stride of a tensor")?;
        // Lua counts from 1; an empty tensor may say 0.
        let offset = self.long()?.saturating_sub(1).max(0);
        let offset = self.size(offset, "offset of a tensor")?;
        Ok(Tensor { sizes, strides, offset, storage: self.value(depth + 1)? })
    }

    fn longs(&mut self, count: usize, of: &str) -> Result<Vec<usize>, ImportError> {
        let mut one = || {
            let value = self.long()?;
            self.size(value, of)
        };
        (0..count).map(|_| one()).collect()
    }

    fn storage(&mut self, element: &[u8]) -> Result<Storage<'a>, ImportError> {
        let Some(kind) = Element::parse(element, self.long) else {
            return format_error(format!(
                "the Torch7 file holds numbers of the unknown type '{}'",
                element.escape_ascii()
            ));
        };
        let count = self.long()?;
        let count = self.size(count, "size of a storage")?;
        let bytes = self.take(count.saturating_mul(kind.width()))?;
        Ok(Storage { element: kind, bytes })
    }
}
