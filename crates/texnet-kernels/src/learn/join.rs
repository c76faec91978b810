//! The join of two scales: the coarser features twice as large, by nearest neighbour, then the finer ones as further
//! channels (texture networks, section 3.2).

/// Sizes of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinShape {
    /// Pictures.
    pub batch: usize,
    /// Channels of the coarser features.
    pub coarse: usize,
    /// Channels of the finer features.
    pub fine: usize,
    /// Rows and columns of the finer features, even.
    pub size: [usize; 2],
}

impl JoinShape {
    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Values of one picture in the result.
    fn joined(&self) -> usize {
        (self.coarse + self.fine) * self.plane()
    }
}

/// `[batch, coarse + fine, height, width]`.
#[must_use]
pub fn forward(shape: JoinShape, coarse: &[f32], fine: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(shape.batch * shape.joined());
    let [_, width] = shape.size;
    for n in 0..shape.batch {
        let values = shape.coarse * shape.plane() / 4;
        for row in coarse[n * values..(n + 1) * values].chunks_exact(width / 2) {
            for _ in 0..2 {
                out.extend(row.iter().flat_map(|&v| [v, v]));
            }
        }
        let values = shape.fine * shape.plane();
        out.extend_from_slice(&fine[n * values..(n + 1) * values]);
    }
    out
}

/// The gradient to the coarser features: sums over blocks of 2x2.
#[must_use]
pub fn backward_coarse(shape: JoinShape, gradient: &[f32]) -> Vec<f32> {
    let [_, width] = shape.size;
    let mut out = Vec::with_capacity(shape.batch * shape.coarse * shape.plane() / 4);
    for picture in gradient.chunks_exact(shape.joined()) {
        for rows in picture[..shape.coarse * shape.plane()].chunks_exact(2 * width) {
            let (above, below) = rows.split_at(width);
            let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
            out.extend(pairs.map(|(a, b)| (a[0] + a[1]) + (b[0] + b[1])));
        }
    }
    out
}

/// The gradient to the finer features.
#[must_use]
pub fn backward_fine(shape: JoinShape, gradient: &[f32]) -> Vec<f32> {
    let fine = |picture: &[f32]| picture[shape.coarse * shape.plane()..].to_vec();
    gradient.chunks_exact(shape.joined()).flat_map(fine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_doubled_and_joined_and_gradients_are_the_transpose() {
        let shape = JoinShape { batch: 2, coarse: 1, fine: 1, size: [2, 4] };
        let coarse = [1.0, 2.0, 3.0, 4.0];
        let fine: Vec<f32> = (10..26).map(|v| v as f32).collect();
        let out = forward(shape, &coarse, &fine);
        assert_eq!(out[..8], [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
        assert_eq!(out[8..16], fine[..8]);
        assert_eq!(out[16..20], [3.0, 3.0, 4.0, 4.0]);
        let gradient: Vec<f32> = (0..32).map(|v| v as f32).collect();
        assert_eq!(backward_coarse(shape, &gradient), [10.0, 18.0, 74.0, 82.0]);
        assert_eq!(backward_fine(shape, &gradient)[..8], gradient[8..16]);
    }
}
