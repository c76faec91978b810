//! Windows of a pyramid: which scale is computed how, from the coarsest to the finest.

use super::Painting;
use super::direct::DirectScale;
use super::region::{self, Extent, FIRST_TILED, Region};
use super::rolling::{RollingScale, Workspaces};
use super::source::{Placed, Source, content_pyramid};
use crate::fold::{FoldedScale, fold};
use crate::model::Model;

enum Scale {
    Direct(DirectScale),
    Rolling(RollingScale),
}

/// A pyramid, folded.
pub(crate) struct Pyramid {
    folded: Vec<FoldedScale>,
    scales: Vec<Scale>,
    workspaces: Workspaces,
}

impl Pyramid {
    pub(crate) fn new(model: &Model) -> Self {
        let folded = fold(model);
        let scale = |(i, scale): (usize, &FoldedScale)| match i < FIRST_TILED {
            true => Scale::Direct(DirectScale::from(scale)),
            false => Scale::Rolling(RollingScale::new(scale, model.spec().input_channels())),
        };
        let scales = folded.iter().enumerate().map(scale).collect();
        Self { folded, scales, workspaces: Workspaces::default() }
    }

    /// The raw output over a region, or a little more.
    pub(crate) fn run(&self, painting: &Painting<'_>, region: Region) -> Placed {
        let extents = region::extents(&self.folded, region);
        let sources = sources(painting, &extents);
        let mut coarse: Option<Placed> = None;
        for ((scale, source), &extent) in self.scales.iter().zip(&sources).zip(&extents) {
            coarse = Some(match (scale, &coarse) {
                (Scale::Rolling(scale), Some(coarse)) => scale.run(source, coarse, extent, &self.workspaces),
                (Scale::Direct(scale), coarse) => scale.run(source, coarse.as_ref(), extent),
                (Scale::Rolling(_), None) => unreachable!("the coarsest scale is direct"),
            });
        }
        coarse.expect("a spec has at least one scale")
    }
}

fn sources(painting: &Painting<'_>, extents: &[Extent]) -> Vec<Source> {
    let contents: Vec<Option<Placed>> = match painting.content {
        None => extents.iter().map(|_| None).collect(),
        Some(content) => {
            let pyramid = content_pyramid(content, content_region(painting, extents), extents.len());
            pyramid.into_iter().map(Some).collect()
        }
    };
    contents.into_iter().enumerate().map(|(i, content)| painting.source(i, content)).collect()
}

/// What all scales together read of the photograph, in whole pixels of the coarsest.
fn content_region(painting: &Painting<'_>, extents: &[Extent]) -> Region {
    let spec = &painting.spec;
    let fine = |(i, extent): (usize, &Extent)| extent.input.map(|span| span.times(spec.ratio(i) as i64));
    let granularity = spec.granularity() as i64;
    let union = extents.iter().enumerate().map(fine).reduce(Region::union).expect("at least one scale");
    union.map(|span| span.divided(granularity).times(granularity))
}
