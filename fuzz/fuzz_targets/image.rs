//! Any bytes as a photograph: what is decoded can be read in every corner.
#![no_main]

use libfuzzer_sys::fuzz_target;
use texnet_infer::Content;

fuzz_target!(|bytes: &[u8]| {
    // Larger pictures only cost time: their size is in the header, where the limit is checked.
    let Ok(photo) = texnet_io::decode(bytes) else { return };
    let [height, width] = photo.size();
    let mut rgb = [(); 3].map(|()| vec![0.0; width]);
    for y in [0, height / 2, height - 1] {
        photo.read_row(y, 0, rgb.each_mut().map(Vec::as_mut_slice));
        assert!(rgb.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
        photo.alpha_row(y, &mut rgb[0]);
    }
    if height * width < 1 << 16 {
        let small = photo.reduced(5);
        assert!(small.size().into_iter().all(|side| (1..=5).contains(&side)));
    }
});
