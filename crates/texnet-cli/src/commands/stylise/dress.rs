//! One dressed photograph: painted at any size, blended with what it was.

use std::sync::Arc;

use anyhow::Result;
use texnet_infer::image::BRIGHTNESS;
use texnet_infer::{Content, Image, Model, Plane, PlaneOptions, Resizing, Scaled, Window};

use crate::cli::Stylise;

/// A photograph in a style, row by row.
pub(super) struct Dress<'a> {
    plane: Plane<'a>,
    /// From the size that is painted to the photograph's, where they differ.
    back: Option<Arc<Resizing>>,
    /// Height and width of what is painted.
    painted: [usize; 2],
    photo: &'a dyn Content,
    mask: Option<Scaled<'a>>,
    keep_colours: bool,
    blend: f32,
}

impl<'a> Dress<'a> {
    /// `content` is the photograph at the size at which it is painted; `mask` has the photograph's.
    pub(super) fn new(
        model: &Model,
        content: &'a dyn Content,
        options: PlaneOptions,
        photo: &'a dyn Content,
        mask: Option<Scaled<'a>>,
        arguments: &Stylise,
    ) -> Result<Self> {
        let Stylise { keep_colours, blend, .. } = *arguments;
        let plane = Plane::stylised(model, content, options)?;
        let (painted, wanted) = (content.size(), photo.size());
        let back = (painted != wanted).then(|| Arc::new(Resizing::new(painted, wanted)));
        Ok(Self { plane, back, painted, photo, mask, keep_colours, blend })
    }

    /// Some rows of the result, all of them whole.
    pub(super) fn rows(&self, band: Window) -> Result<Image> {
        let mut image = self.painted(band)?;
        if self.keep_colours || self.blend < 1.0 || self.mask.is_some() {
            (0..band.height).for_each(|y| self.compose(y, band.y as usize + y, &mut image));
        }
        Ok(image)
    }

    fn painted(&self, band: Window) -> Result<Image> {
        let Some(back) = &self.back else { return Ok(self.plane.window(band)?) };
        let [height, width] = self.painted;
        let rows = band.y as usize..band.y as usize + band.height;
        let sources = back.source_rows(rows.clone());
        let window = Window { x: 0, y: sources.start as i64, width, height: sources.len() };
        let strip = Strip { image: self.plane.window(window)?, top: sources.start, height };
        Ok(Scaled::by(&strip, Arc::clone(back)).rows(rows))
    }

    /// Row `y` of a band, which is row `row` of the photograph.
    fn compose(&self, y: usize, row: usize, image: &mut Image) {
        let photo = self.photo.rows(row..row + 1);
        let mask = self.mask.as_ref().map(|mask| mask.rows(row..row + 1));
        for x in 0..image.width() {
            let (was, mut is) = (photo.pixel(0, x), image.pixel(y, x));
            if self.keep_colours {
                let brighter = brightness(is) - brightness(was);
                is = was.map(|v| v + brighter);
            }
            let share = self.blend * mask.as_ref().map_or(1.0, |mask| brightness(mask.pixel(0, x)));
            for c in 0..3 {
                image.row_mut(c, y)[x] = was[c] + share * (is[c] - was[c]);
            }
        }
    }
}

fn brightness(colour: [f32; 3]) -> f32 {
    colour.iter().zip(BRIGHTNESS).map(|(v, share)| v * share).sum()
}

/// Some rows of a picture that has more.
struct Strip {
    image: Image,
    top: usize,
    height: usize,
}

impl Content for Strip {
    fn size(&self) -> [usize; 2] {
        [self.height, self.image.width()]
    }

    fn read_row(&self, y: usize, x: usize, rgb: [&mut [f32]; 3]) {
        self.image.read_row(y - self.top, x, rgb);
    }
}
