//! Flicker: how far a dressed photograph is from itself after the photograph has moved (the warp error of video
//! stylisation, with a motion that is known).

use texnet_infer::{Image, Model, Plane, PlaneError, PlaneOptions, Window, calibrate};

/// Photographs that are looked at, at most.
const PHOTOGRAPHS: usize = 4;
/// Rows and columns that they move by: no multiple of what a coarse pixel covers.
const MOTION: [usize; 2] = [3, 5];

/// The root mean squared difference of values in `[0, 1]` between what a style network makes of photographs, moved by a
/// few pixels, and what it makes of the moved photographs, on the same noise.
///
/// # Errors
/// When the model is no style network.
pub fn flicker(model: &Model, photographs: &[Image]) -> Result<f32, PlaneError> {
    if !model.spec().content {
        return Err(PlaneError::TakesNoContent);
    }
    let (mut sum, mut count) = (0.0, 0.0);
    for photograph in photographs.iter().take(PHOTOGRAPHS) {
        let [before, after] = pair(model, photograph)?;
        let [down, across] = MOTION;
        for y in 0..after.height().saturating_sub(down) {
            for c in 0..3 {
                let [was, is] = [before.row(c, y + down), after.row(c, y)];
                let differences = was.iter().skip(across).zip(is).map(|(a, b)| f64::from(a - b).powi(2));
                sum += differences.sum::<f64>();
                count += was.len().saturating_sub(across) as f64;
            }
        }
    }
    Ok((sum / f64::max(count, 1.0)).sqrt() as f32)
}

/// Dressed before and after.
fn pair(model: &Model, photograph: &Image) -> Result<[Image; 2], PlaneError> {
    let [height, width] = [photograph.height(), photograph.width()];
    let [down, across] = MOTION;
    let size = [height.saturating_sub(down).max(1), width.saturating_sub(across).max(1)];
    let part = |y0: usize, x0: usize| {
        Image::from_fn(size[0], size[1], |y, x| {
            photograph.pixel((y + y0).min(height - 1), (x + x0).min(width - 1))
        })
    };
    let (first, second) = (part(0, 0), part(down, across));
    let frozen =
        if model.is_calibrated() { model.clone() } else { calibrate::calibrate_on(model, &first, 0, 1.0) };
    let dressed = |photograph: &Image| {
        let plane = Plane::stylised(&frozen, photograph, PlaneOptions::default())?;
        plane.window(Window::sized(size[1], size[0]))
    };
    Ok([dressed(&first)?, dressed(&second)?])
}

#[cfg(test)]
mod tests {
    use texnet_infer::GeneratorSpec;

    use super::*;

    #[test]
    fn one_colour_does_not_flicker_and_noise_does() {
        let photograph = Image::from_fn(40, 50, |y, x| [(x + y) as f32 / 90.0; 3]);
        let model = Model::untrained(GeneratorSpec::coarse_wide_style(3), 1).expect("a network");
        let mut plain = model.weights().clone();
        plain.get_mut("head.weight").expect("weights").data.fill(0.0);
        let plain = Model::new(model.spec().clone(), plain, model.summary.clone()).expect("a network");
        let of = |model: &Model| flicker(model, std::slice::from_ref(&photograph)).expect("a style");
        assert_eq!(of(&plain), 0.0);
        assert!(of(&model) > 0.05);
        let texture = Model::untrained(GeneratorSpec::coarse_wide(3), 1).expect("a network");
        assert!(flicker(&texture, &[photograph]).is_err());
    }
}
