//! Any bytes as a film: it ends, or it is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use texnet_io::film::FilmReader;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut film) = FilmReader::new(bytes) else { return };
    let [height, width] = film.format().size;
    // Larger pictures only cost time.
    if height * width < 1 << 16 {
        while let Ok(Some(picture)) = film.next_picture() {
            assert!(picture.data().iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
});
