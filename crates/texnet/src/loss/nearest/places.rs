//! Patches: cut from planes, and pasted back.

use crate::draw::Draw;
use crate::loss::white::Planes;

/// Picture, and row and column of the upper left corner of a patch in it.
pub(super) type Corner = [usize; 3];

/// Patches of a batch of tori of one size.
#[derive(Debug)]
pub(super) struct Places {
    size: [usize; 2],
    side: usize,
    corners: Vec<Corner>,
}

impl Places {
    /// `count` places anywhere in `pictures` pictures.
    pub(super) fn draw(
        count: usize,
        pictures: usize,
        size: [usize; 2],
        side: usize,
        draw: &mut Draw,
    ) -> Self {
        let corner = |_| [pictures, size[0], size[1]].map(|below| draw.below(below));
        Self::at((0..count).map(corner).collect(), size, side)
    }

    /// The places of these corners.
    pub(super) fn at(corners: Vec<Corner>, size: [usize; 2], side: usize) -> Self {
        Self { size, side, corners }
    }

    /// `[3 * side * side, places]`.
    pub(super) fn cut(&self, pictures: &[Vec<f32>]) -> Vec<f32> {
        let unrolled: Vec<Planes> = pictures.iter().map(|picture| self.unrolled(picture)).collect();
        cut(&unrolled, &self.corners, self.side)
    }

    /// The adjoint of [`Places::cut`].
    pub(super) fn paste(&self, gradient: &[f32], pictures: usize) -> Vec<Vec<f32>> {
        let size = self.unrolled_size();
        let mut unrolled = vec![Planes { data: vec![0.0; 3 * size[0] * size[1]], size }; pictures];
        let count = self.corners.len();
        for (row, gradient) in gradient.chunks_exact(self.side * count).enumerate() {
            for (p, &corner) in self.corners.iter().enumerate() {
                let out = &mut unrolled[corner[0]];
                let start = start(out.size, row, self.side, corner);
                let values = out.data[start..start + self.side].iter_mut().enumerate();
                values.for_each(|(kx, value)| *value += gradient[kx * count + p]);
            }
        }
        unrolled.iter().map(|planes| self.rolled(planes)).collect()
    }

    /// Size of a torus whose first rows and columns are repeated behind its last, so that no patch wraps around.
    fn unrolled_size(&self) -> [usize; 2] {
        self.size.map(|size| size + self.side - 1)
    }

    fn unrolled(&self, picture: &[f32]) -> Planes {
        let (width, size) = (self.size[1], self.unrolled_size());
        let mut data = Vec::with_capacity(3 * size[0] * size[1]);
        for y in (0..3 * size[0]).map(|row| self.torus_row(row)) {
            let row = &picture[y * width..(y + 1) * width];
            data.extend(row.iter().cycle().take(size[1]));
        }
        Planes { data, size }
    }

    /// The adjoint of [`Places::unrolled`].
    fn rolled(&self, planes: &Planes) -> Vec<f32> {
        let width = self.size[1];
        let mut out = vec![0.0; 3 * self.size[0] * width];
        for (row, values) in planes.data.chunks_exact(planes.size[1]).enumerate() {
            let y = self.torus_row(row);
            for values in values.chunks(width) {
                out[y * width..(y + 1) * width].iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
            }
        }
        out
    }

    /// The row of the torus's planes that is repeated by a row of those unrolled.
    fn torus_row(&self, row: usize) -> usize {
        let rows = self.unrolled_size()[0];
        row / rows * self.size[0] + row % rows % self.size[0]
    }
}

/// The values of patches: `[3 * side * side, patches]`.
pub(super) fn cut(pictures: &[Planes], corners: &[Corner], side: usize) -> Vec<f32> {
    let count = corners.len();
    let mut out = vec![0.0; 3 * side * side * count];
    for (row, out) in out.chunks_exact_mut(side * count).enumerate() {
        for (p, &corner) in corners.iter().enumerate() {
            let Planes { data, size } = &pictures[corner[0]];
            let start = start(*size, row, side, corner);
            let values = data[start..start + side].iter().enumerate();
            values.for_each(|(kx, &value)| out[kx * count + p] = value);
        }
    }
    out
}

/// Where a row of a patch, numbered through its channels, begins in its picture of this size.
fn start([height, width]: [usize; 2], row: usize, side: usize, [_, y, x]: Corner) -> usize {
    (row / side * height + y + row % side) * width + x
}
