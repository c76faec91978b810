//! The operations of learning against their plain references, their gradients against each other and against finite
//! differences, at every instruction level of this machine and on any number of threads.

use texnet_kernels::learn::activation;
use texnet_kernels::learn::conv::{self, ConvShape};
use texnet_kernels::learn::gram::{self, GramShape};
use texnet_kernels::learn::nearest::Search;
use texnet_kernels::learn::norm::{self, Group, NormShape};
use texnet_kernels::learn::pool::{self, Pool};
use texnet_kernels::learn::projection::{Filters, Grid, Projected, project, project_adjoint};
use texnet_kernels::learn::reference;
use texnet_kernels::learn::wide::{WideConv, WideShape};
use texnet_kernels::{Border, Level, level_name, levels};

/// Values in [-1, 1) from a linear congruential generator.
struct Values(u64);

impl Values {
    fn take(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn norm_of(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

/// Relative to the length of both.
fn assert_equal_products(a: [&[f32]; 2], b: [&[f32]; 2], what: &str) {
    let [left, right] = [a, b].map(|[x, y]| dot(x, y));
    let scale = norm_of(a[0]) * norm_of(a[1]) + norm_of(b[0]) * norm_of(b[1]);
    assert!((left - right).abs() <= 1e-6 * scale + 1e-12, "{what}: {left} and {right}");
}

fn assert_close(ours: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    for (a, b) in ours.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * scale, "{what}: {a} and {b}");
    }
}

/// What `work` returns, which must be the same bits at every level and on 1, 2 and 16 threads.
fn everywhere(what: &str, work: impl Fn(Level) -> Vec<f32> + Sync) -> Vec<f32> {
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let result = work(Level::new());
    for level in levels() {
        assert!(bits(&work(level)) == bits(&result), "{what}: {} differs", level_name(level));
    }
    for threads in [1, 2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let ours = pool.install(|| work(Level::new()));
        assert!(bits(&ours) == bits(&result), "{what}: {threads} threads differ");
    }
    result
}

const BORDERS: [Border; 4] = [Border::Circular, Border::Reflect, Border::Replicate, Border::Zero];

fn conv_shapes() -> Vec<ConvShape> {
    let sizes = [
        (1, 3, 8, [8, 8]),
        (2, 5, 11, [6, 19]),
        (1, 13, 2, [1, 1]),
        (3, 8, 16, [3, 33]),
        (1, 9, 24, [20, 64]),
        (2, 19, 11, [17, 38]),
        (1, 18, 13, [131, 134]),
    ];
    let mut shapes = Vec::new();
    for (batch, inputs, outputs, size) in sizes {
        for kernel in [1, 3] {
            shapes.extend(BORDERS.map(|border| ConvShape { batch, inputs, outputs, size, kernel, border }));
        }
    }
    shapes
}

#[test]
fn convolution_is_its_reference_and_its_gradients_are_its_transposes() {
    let mut values = Values(1);
    for shape in conv_shapes() {
        let what = format!("{shape:?}");
        let plane = shape.size[0] * shape.size[1];
        let x = values.take(shape.batch * shape.inputs * plane);
        let weight = values.take(shape.outputs * shape.inputs * shape.kernel * shape.kernel);
        let bias = values.take(shape.outputs);
        let g = values.take(shape.batch * shape.outputs * plane);
        let out = everywhere(&what, |level| conv::forward(level, shape, &x, &weight, &bias));
        let tolerance = if shape.kernel == 3 { 1e-5 } else { 2e-6 };
        assert_close(&out, &reference::conv(shape, &x, &weight, &bias), tolerance, &what);
        let linear = conv::forward(Level::new(), shape, &x, &weight, &[]);
        let to_data = everywhere(&what, |level| conv::backward_data(level, shape, &g, &weight));
        assert_equal_products([&linear, &g], [&x, &to_data], &what);
        let to_weights = everywhere(&what, |level| conv::backward_weights(level, shape, &x, &g));
        assert_equal_products([&linear, &g], [&weight, &to_weights], &what);
        let to_bias = everywhere(&what, |level| conv::backward_bias(level, shape, &g));
        let constant = conv::forward(Level::new(), shape, &vec![0.0; x.len()], &weight, &bias);
        assert_equal_products([&constant, &g], [&bias, &to_bias], &what);
    }
}

/// The middle of planes: `margin` rows and columns less on every side.
fn inside(planes: &[f32], [height, width]: [usize; 2], margin: usize) -> Vec<f32> {
    let row = |(y, row): (usize, &[f32])| {
        let kept = (margin..height - margin).contains(&(y % height));
        if kept { row[margin..width - margin].to_vec() } else { Vec::new() }
    };
    planes.chunks_exact(width).enumerate().flat_map(row).collect()
}

#[test]
fn convolution_of_many_channels_is_its_reference_both_ways() {
    let mut values = Values(11);
    for (batch, inputs, outputs, size, tolerance) in [
        (1, 16, 16, [4, 4], 2e-5),
        (3, 5, 33, [3, 6], 2e-5),
        (2, 19, 8, [17, 70], 2e-5),
        (1, 33, 70, [9, 5], 2e-5),
        (1, 512, 40, [8, 8], 1e-4),
    ] {
        let shape = ConvShape { batch, inputs, outputs, size, kernel: 3, border: Border::Zero };
        let x = values.take(batch * inputs * size[0] * size[1]);
        let weight = values.take(outputs * inputs * 9);
        let bias = values.take(outputs);
        let conv = WideConv::new(inputs, &weight, &bias);
        let whole = reference::conv(shape, &x, &weight, &bias);
        for margin in [1, 0] {
            let what = format!("{shape:?}, margin {margin}");
            let wide = WideShape { batch, size, margin, border: Border::Zero };
            let expected = inside(&whole, size, 1 - margin);
            let out = everywhere(&what, |level| conv.forward(level, wide, &x, false));
            assert_close(&out, &expected, tolerance, &what);
            let relu: Vec<f32> = out.iter().map(|v| v.max(0.0)).collect();
            assert_eq!(conv.forward(Level::new(), wide, &x, true), relu, "{what}");
            let g = values.take(out.len());
            let back = everywhere(&what, |level| conv.backward(level, wide, None, &g));
            let zero = conv.forward(Level::new(), wide, &vec![0.0; x.len()], false);
            let linear: Vec<f32> = expected.iter().zip(&zero).map(|(v, bias)| v - bias).collect();
            assert_equal_products([&linear, &g], [&x, &back], &what);
            let masked: Vec<f32> = g.iter().zip(&out).map(|(g, v)| if *v > 0.0 { *g } else { 0.0 }).collect();
            let through = conv.backward(Level::new(), wide, Some(&relu), &g);
            assert_eq!(through, conv.backward(Level::new(), wide, None, &masked), "{what}");
        }
    }
}

#[test]
fn gram_matrices_are_their_reference_and_their_gradient_is_the_transpose() {
    let mut values = Values(12);
    for (batch, channels, positions) in [(1, 3, 1), (2, 5, 35), (3, 33, 40), (1, 64, 2500), (1, 130, 600)] {
        let shape = GramShape { batch, channels, positions };
        let what = format!("{shape:?}");
        let [x, v] = [(); 2].map(|()| values.take(batch * channels * positions));
        let matrices = everywhere(&what, |level| gram::forward(level, shape, &x));
        assert_close(&matrices, &reference::gram(shape, &x), 1e-6, &what);
        for (i, value) in matrices.iter().enumerate() {
            let (a, b) = (i / channels % channels, i % channels);
            assert_eq!(*value, matrices[i / channels.pow(2) * channels.pow(2) + b * channels + a], "{what}");
        }
        let g = values.take(matrices.len());
        let back = everywhere(&what, |level| gram::backward(level, shape, &x, &g));
        // The matrix is quadratic, so central differences are exact.
        let along = |sign: f32| -> Vec<f32> {
            let moved: Vec<f32> = x.iter().zip(&v).map(|(x, v)| x + sign * v).collect();
            reference::gram(shape, &moved).iter().map(|m| sign * 0.5 * m).collect()
        };
        let change: Vec<f32> = along(1.0).iter().zip(along(-1.0)).map(|(a, b)| a + b).collect();
        assert_equal_products([&change, &g], [&v, &back], &what);
    }
}

#[test]
fn pooling_is_its_reference_and_its_gradient_is_the_transpose() {
    let mut values = Values(13);
    for (size, pool) in
        [([6, 70], Pool::Max), ([7, 9], Pool::Max), ([6, 70], Pool::Average), ([3, 5], Pool::Average)]
    {
        let what = format!("{pool:?} {size:?}");
        let x = values.take(3 * size[0] * size[1]);
        let out = everywhere(&what, |level| pool::forward(level, pool, size, &x));
        assert_close(&out, &reference::pool(pool, size, &x), 1e-6, &what);
        let g = values.take(out.len());
        let back = everywhere(&what, |level| pool::backward(level, pool, size, &x, &out, &g));
        assert_equal_products([&out, &g], [&x, &back], &what);
    }
}

/// The gradient of `f` at `x` along `direction`, by central differences.
fn slope(x: &[f32], direction: &[f32], step: f32, f: impl Fn(&[f32]) -> f64) -> f64 {
    let moved = |step: f32| -> Vec<f32> { x.iter().zip(direction).map(|(x, d)| x + step * d).collect() };
    (f(&moved(step)) - f(&moved(-step))) / (2.0 * f64::from(step))
}

#[test]
fn activation_is_its_reference_and_its_gradient_is_the_transpose() {
    let mut values = Values(14);
    for (count, slope) in [(1, 0.1), (19, 0.0), (40_003, 0.1), (40_003, 1.0)] {
        let what = format!("{count} values, slope {slope}");
        let (x, g) = (values.take(count), values.take(count));
        let out = everywhere(&what, |level| activation::forward(level, slope, &x));
        let expected: Vec<f32> = x.iter().map(|&x| if x < 0.0 { slope * x } else { x }).collect();
        assert_eq!(out, expected, "{what}");
        // Linear on either side of zero, so that its slope times the values is the result.
        let back = everywhere(&what, |level| activation::backward(level, slope, &x, &g));
        assert_equal_products([&out, &g], [&x, &back], &what);
    }
}

#[test]
fn normalisation_is_its_reference_and_passes_finite_differences() {
    let mut values = Values(2);
    for (group, slope_below) in
        [(Group::Instance, Some(0.1)), (Group::Batch, Some(0.0)), (Group::Batch, None)]
    {
        for (batch, channels, plane) in [(1, 3, 64), (2, 5, 35), (3, 2, 1100)] {
            let shape = NormShape { channels, plane, group, epsilon: 1e-5, slope: slope_below };
            let what = format!("{shape:?}");
            let x: Vec<f32> = values.take(batch * channels * plane).iter().map(|v| 3.0 * v + 5.0).collect();
            let (gamma, beta) = (values.take(channels), values.take(channels));
            let g = values.take(x.len());
            let out = everywhere(&what, |level| norm::forward(level, shape, &x, &gamma, &beta).0);
            assert_close(&out, &reference::norm(shape, &x, &gamma, &beta), 1e-5, &what);
            let moments = norm::forward(Level::new(), shape, &x, &gamma, &beta).1;
            let all = everywhere(&what, |level| {
                let back = norm::backward(level, shape, [&x, &gamma, &beta], &moments, &g);
                [back.x, back.gamma, back.beta].concat()
            });
            let (to_x, rest) = all.split_at(x.len());
            let (to_gamma, to_beta) = rest.split_at(channels);
            let direction = values.take(x.len());
            let of_x = |x: &[f32]| dot(&reference::norm(shape, x, &gamma, &beta), &g);
            let expected = slope(&x, &direction, 1e-3, of_x);
            assert!((dot(to_x, &direction) - expected).abs() < 1e-2 * norm_of(&g), "{what}");
            let direction = values.take(channels);
            let of_gamma = |gamma: &[f32]| dot(&reference::norm(shape, &x, gamma, &beta), &g);
            let expected = slope(&gamma, &direction, 1e-3, of_gamma);
            assert!((dot(to_gamma, &direction) - expected).abs() < 1e-2 * norm_of(&g), "{what}");
            let of_beta = |beta: &[f32]| dot(&reference::norm(shape, &x, &gamma, beta), &g);
            let expected = slope(&beta, &direction, 1e-3, of_beta);
            assert!((dot(to_beta, &direction) - expected).abs() < 1e-2 * norm_of(&g), "{what}");
        }
    }
}

#[test]
fn projections_are_their_reference_and_the_adjoint_is_their_transpose() {
    let mut values = Values(3);
    for (size, stride, origin) in
        [([8, 8], 1, [0, 0]), ([12, 36], 2, [1, 0]), ([4, 4], 2, [0, 1]), ([64, 128], 4, [3, 2])]
    {
        let grid = Grid { size, stride, origin };
        let picture = values.take(3 * size[0] * size[1]);
        let banks: Vec<Filters> = [(1, 3), (5, 5), (11, 7)]
            .map(|(side, count)| Filters { channels: 3, side, weights: values.take(count * 3 * side * side) })
            .into();
        let places = grid.count()[0] * grid.count()[1];
        let gradients: Vec<Vec<f32>> = banks.iter().map(|f| values.take(f.count() * places)).collect();
        let mut product = 0.0;
        for (filters, gradient) in banks.iter().zip(&gradients) {
            let what = format!("{grid:?} {}", filters.side);
            let out = everywhere(&what, |level| project(level, &picture, grid, filters));
            assert_close(&out, &reference::project(&picture, grid, filters), 2e-6, &what);
            product += dot(&out, gradient);
        }
        let projected: Vec<Projected> =
            banks.iter().zip(&gradients).map(|(filters, gradient)| Projected { filters, gradient }).collect();
        let what = format!("{grid:?}");
        let back = everywhere(&what, |level| project_adjoint(level, 3, grid, &projected));
        let ours = dot(&back, &picture);
        assert!(
            (ours - product).abs() < 1e-5 * norm_of(&back) * norm_of(&picture),
            "{what}: {ours} {product}"
        );
    }
}

/// The definition of [`Search::run`], in double precision, as the scaled distances of a query to all candidates.
fn scaled_distances(search: &Search<'_>, query: usize) -> Vec<f64> {
    let count = search.queries.len() / search.terms;
    let distance = |candidate: &[f32], query: usize| -> f64 {
        let terms = candidate.iter().enumerate();
        terms.map(|(t, c)| (f64::from(search.queries[t * count + query]) - f64::from(*c)).powi(2)).sum()
    };
    let scaled = |candidate: &[f32]| {
        let least = (0..count).map(|q| distance(candidate, q)).fold(f64::INFINITY, f64::min);
        let scale = if search.balance.is_finite() { least + f64::from(search.balance) } else { 1.0 };
        distance(candidate, query) / scale
    };
    search.candidates.chunks_exact(search.terms).map(scaled).collect()
}

#[test]
fn searches_find_what_plain_loops_find() {
    let mut values = Values(41);
    for (terms, count, candidates) in [(1, 1, 1), (5, 7, 3), (24, 37, 700)] {
        let [queries, candidates] = [count, candidates].map(|n| values.take(n * terms));
        for balance in [f32::INFINITY, 0.5, 0.01] {
            let search = Search { terms, queries: &queries, candidates: &candidates, balance };
            let found = everywhere("search", |level| search.run(level).iter().map(|&i| i as f32).collect());
            assert_eq!(found.len(), count);
            for (query, &candidate) in found.iter().enumerate() {
                let distances = scaled_distances(&search, query);
                let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
                let ours = distances[candidate as usize];
                assert!(ours <= least + 1e-4 * (1.0 + least), "{terms} {balance}: {ours} and {least}");
            }
        }
    }
}

/// All queries are near one candidate; balance gives the far one its share.
#[test]
fn balance_draws_some_query_to_every_candidate() {
    let queries = [0.1, 0.2, 0.3, 0.4];
    let found =
        |balance| Search { terms: 1, queries: &queries, candidates: &[0.0, 5.0], balance }.run(Level::new());
    assert_eq!(found(f32::INFINITY), [0, 0, 0, 0]);
    assert_eq!(found(0.01), [0, 1, 1, 1]);
    assert!(
        Search { terms: 2, queries: &[], candidates: &[0.0; 2], balance: 1.0 }.run(Level::new()).is_empty()
    );
}
