//! Feature maps in memory.

/// Rows are padded to a multiple of this many values, so that no kernel has a tail.
pub const LANES: usize = 8;
/// Values behind the last row that a kernel may read (never use) when it runs over the end of a row.
const SLACK: usize = 64;

/// Features of a region, row after row, each row channel after channel: value `(c, y, x)` is at
/// `(y * channels + c) * stride + x`. Rows of all channels lie together, so that bands of rows are contiguous.
#[derive(Debug, Clone)]
pub struct Map {
    channels: usize,
    height: usize,
    width: usize,
    stride: usize,
    data: Vec<f32>,
}

impl Map {
    /// A map of zeros.
    #[must_use]
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        let stride = width.next_multiple_of(LANES);
        Self { channels, height, width, stride, data: vec![0.0; height * channels * stride + SLACK] }
    }

    /// A map whose value at channel `c`, row `y`, column `x` is `value(c, y, x)`.
    #[must_use]
    pub fn from_fn(
        channels: usize,
        height: usize,
        width: usize,
        value: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut map = Self::new(channels, height, width);
        for y in 0..height {
            for c in 0..channels {
                map.row_mut(c, y).iter_mut().enumerate().for_each(|(x, v)| *v = value(c, y, x));
            }
        }
        map
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Distance in memory from one channel of a row to the next; at least the width.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All memory, padding included.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Where channel `c` of row `y` begins in [`Map::data`].
    #[must_use]
    pub fn offset(&self, c: usize, y: usize) -> usize {
        (y * self.channels + c) * self.stride
    }

    /// The values of channel `c` in row `y`.
    #[must_use]
    pub fn row(&self, c: usize, y: usize) -> &[f32] {
        let start = self.offset(c, y);
        &self.data[start..start + self.width]
    }

    /// The values of channel `c` in row `y`.
    pub fn row_mut(&mut self, c: usize, y: usize) -> &mut [f32] {
        let start = self.offset(c, y);
        &mut self.data[start..start + self.width]
    }

    /// The memory of consecutive rows, `rows` at a time, channels and padding included; the last may be shorter.
    pub fn bands_mut(&mut self, rows: usize) -> std::slice::ChunksMut<'_, f32> {
        let row = self.channels * self.stride;
        self.data[..self.height * row].chunks_mut((rows * row).max(1))
    }

    /// All values in the usual order: channel, row, column.
    #[must_use]
    pub fn to_planes(&self) -> Vec<f32> {
        let rows = (0..self.channels).flat_map(|c| (0..self.height).map(move |y| (c, y)));
        rows.flat_map(|(c, y)| self.row(c, y)).copied().collect()
    }

    /// A map from values in the usual order: channel, row, column.
    #[must_use]
    pub fn from_planes(channels: usize, height: usize, width: usize, planes: &[f32]) -> Self {
        Self::from_fn(channels, height, width, |c, y, x| planes[(c * height + y) * width + x])
    }

    /// The channels of `self`, then those of `other`, which has the same height and width.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut joined = Self::new(self.channels + other.channels, self.height, self.width);
        for y in 0..self.height {
            (0..self.channels).for_each(|c| joined.row_mut(c, y).copy_from_slice(self.row(c, y)));
            (0..other.channels)
                .for_each(|c| joined.row_mut(self.channels + c, y).copy_from_slice(other.row(c, y)));
        }
        joined
    }
}
