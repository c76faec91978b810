//! Reflection at the borders of a photograph, the border itself not repeated.

/// Which of `size` columns stands at `x` when the picture is continued by reflection.
#[must_use]
pub(crate) fn index(x: i64, size: usize) -> usize {
    let last = size as i64 - 1;
    if last == 0 {
        return 0;
    }
    let folded = x.rem_euclid(2 * last);
    folded.min(2 * last - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::index;

    #[test]
    fn reflection_turns_at_both_borders_without_repeating_them() {
        let row: Vec<usize> = (-4..8).map(|x| index(x, 4)).collect();
        assert_eq!(row, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!([-1, 0, 1].map(|x| index(x, 1)), [0, 0, 0]);
    }
}
