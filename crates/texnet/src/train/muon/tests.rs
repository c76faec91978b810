use super::*;

const ROWS: usize = 3;
const COLUMNS: usize = 5;

/// Numbers without order in `[-0.5, 0.5)`.
fn some(step: [usize; 2], modulus: usize, shift: f32) -> Vec<f32> {
    let value = |i: usize, j: usize| ((i * step[0] + j * step[1]) % modulus) as f32 / modulus as f32 - shift;
    (0..ROWS * COLUMNS).map(|n| value(n / COLUMNS, n % COLUMNS)).collect()
}

fn close(a: &[f32], b: &[f32]) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} is not {b:?}");
}

#[test]
fn a_step_is_that_of_float64() {
    // By torch in float64, with the matrix itself multiplied in every round.
    let expected = [
        -0.2167, -0.1012, 0.1810, 0.3787, -0.1307, 0.3501, -0.5989, 0.0159, 0.1985, 0.4139, 0.1250, 0.2627,
        -0.4634, -0.0014, 0.2184,
    ];
    let (mut weights, mut average) = (some([5, 2], 7, 0.4), vec![0.0; ROWS * COLUMNS]);
    let gradient = some([7, 3], 11, 0.5);
    let (w, a) = (&mut weights, &mut average);
    step(vec![Matrix { rows: ROWS, weights: w, average: a, gradient: &gradient }], 0.9, 0.1);
    close(&weights, &expected);
    close(&average, &gradient.iter().map(|g| 0.1 * g).collect::<Vec<_>>());
}

#[test]
fn rows_are_orthonormal_whatever_led() {
    let mut matrix = some([7, 3], 11, 0.5);
    matrix[..COLUMNS].iter_mut().for_each(|v| *v *= 30.0);
    let result = orthogonal(&matrix, ROWS);
    for i in 0..ROWS {
        for j in 0..ROWS {
            let [a, b] = [i, j].map(|k| &result[k * COLUMNS..][..COLUMNS]);
            // Singular values from 0.68 to 1.21 allow no more.
            let wanted = if i == j { 0.46..1.47 } else { -0.51..0.51 };
            assert!(wanted.contains(&dot(a, b)), "{i} {j}: {}", dot(a, b));
        }
    }
}

#[test]
fn the_size_of_a_gradient_does_not_matter_and_none_moves_nothing() {
    let matrix = some([7, 3], 11, 0.5);
    let larger: Vec<f32> = matrix.iter().map(|v| 1024.0 * v).collect();
    close(&orthogonal(&matrix, ROWS), &orthogonal(&larger, ROWS));
    let (mut weights, mut average) = (matrix.clone(), vec![0.0; matrix.len()]);
    let gradient = vec![0.0; matrix.len()];
    let matrix_of = Matrix { rows: ROWS, weights: &mut weights, average: &mut average, gradient: &gradient };
    step(vec![matrix_of], 0.9, 0.1);
    close(&weights, &matrix);
}

#[test]
fn a_direction_is_found_at_a_constant_length() {
    let target = some([5, 2], 7, 0.4);
    let (mut weights, mut average) = (some([7, 3], 11, 0.5), vec![0.0; ROWS * COLUMNS]);
    let before = length(&weights);
    for n in 0..400 {
        let cosine = dot(&weights, &target) / (length(&weights) * length(&target));
        // Of the cosine, with its sign turned.
        let gradient: Vec<f32> = weights
            .iter()
            .zip(&target)
            .map(|(w, t)| (cosine * w / length(&weights) - t / length(&target)) / length(&weights))
            .collect();
        let (w, a) = (&mut weights, &mut average);
        let matrix_of = Matrix { rows: ROWS, weights: w, average: a, gradient: &gradient };
        step(vec![matrix_of], 0.9, 0.02 * 0.98_f32.powi(n));
    }
    let cosine = dot(&weights, &target) / (length(&weights) * length(&target));
    assert!(cosine > 0.999, "{cosine}");
    assert!((length(&weights) / before - 1.0).abs() < 1e-4);
}
