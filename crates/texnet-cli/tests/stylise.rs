//! Dressing photographs: colours, masks, sizes, many at once.

mod desk;

use desk::Desk;
use texnet_infer::{GeneratorSpec, Image, Model, Precision};

/// A desk with an untrained style network and a photograph that knows no flat part.
fn desk() -> Desk {
    let desk = Desk::new();
    let style = Model::untrained(GeneratorSpec::paper_style(3), 2).expect("a valid spec");
    std::fs::write(desk.path("style.safetensors"), style.to_bytes(Precision::F32)).expect("a model");
    desk.picture("photo.png", 60, 52, 8, false);
    desk
}

impl Desk {
    /// The photograph with these options.
    fn dressed(&self, options: &str) -> Image {
        self.ok(&format!("stylise style.safetensors photo.png -o out.png -q {options}"));
        self.image("out.png")
    }

    fn image(&self, name: &str) -> Image {
        texnet_io::read(&self.path(name)).expect(name).to_image()
    }

    /// A grey picture.
    fn mask(&self, name: &str, size: [usize; 2], grey: impl Fn(usize, usize) -> f32) {
        let [height, width] = size;
        let format = texnet_io::Format::Png;
        let picture = texnet_io::Picture {
            width,
            height,
            format,
            bits: 8,
            alpha: false,
            icc: None,
            quality: 90,
            band: height,
        };
        let image = Image::from_fn(height, width, |y, x| [grey(y, x); 3]);
        let band = texnet_io::Band { image, alpha: None };
        texnet_io::write(&self.path(name), &picture, |_| Ok::<_, texnet_io::WriteError>(band.clone()))
            .expect("a mask");
    }
}

#[test]
fn a_blend_lies_between_the_photograph_and_the_style() {
    let desk = desk();
    let (photo, whole) = (desk.image("photo.png"), desk.dressed(""));
    assert!(photo != whole);
    assert_eq!(desk.dressed("--blend 0"), photo);
    assert_eq!(desk.dressed("--blend 1"), whole);
    let half = desk.dressed("--blend 0.5");
    let values = half.data().iter().zip(photo.data()).zip(whole.data());
    for ((half, was), is) in values.filter(|((_, _), is)| **is > 0.0 && **is < 1.0) {
        assert!((half - 0.5 * (was + is)).abs() < 1.1 / 255.0, "{half} of {was} and {is}");
    }
}

#[test]
fn a_mask_of_any_size_says_where() {
    let desk = desk();
    let (photo, whole) = (desk.image("photo.png"), desk.dressed(""));
    desk.mask("left.png", [13, 15], |_, x| if x < 7 { 1.0 } else { 0.0 });
    let half = desk.dressed("--mask left.png");
    for y in 0..52 {
        assert!((0..20).all(|x| half.pixel(y, x) == whole.pixel(y, x)), "row {y} is dressed on the left");
        assert!((40..60).all(|x| half.pixel(y, x) == photo.pixel(y, x)), "row {y} is as it was on the right");
    }
    desk.mask("grey.png", [52, 60], |_, _| 0.5);
    assert_eq!(desk.dressed("--mask grey.png --blend 0"), photo);
}

#[test]
fn colours_can_be_kept() {
    let desk = desk();
    let (photo, kept) = (desk.image("photo.png"), desk.dressed("--keep-colours"));
    assert!(kept != photo && kept != desk.dressed(""));
    let mut seen = 0;
    for (y, x) in (0..52 * 60).map(|i| (i / 60, i % 60)) {
        let ([r, g, b], [pr, pg, pb]) = (kept.pixel(y, x), photo.pixel(y, x));
        if [r, g, b].iter().all(|v| (0.01..0.99).contains(v)) {
            seen += 1;
            assert!((r - g - (pr - pg)).abs() < 1.1 / 255.0 && (g - b - (pg - pb)).abs() < 1.1 / 255.0);
        }
    }
    assert!(seen > 300, "{seen} pixels within the range");
}

#[test]
fn a_brush_changes_strokes_and_not_the_size() {
    let desk = desk();
    assert_eq!(desk.dressed("--brush 1"), desk.dressed(""));
    let [small, large] = ["0.5", "2.3"].map(|brush| desk.dressed(&format!("--brush {brush}")));
    assert!(small != large && [&small, &large].iter().all(|i| (i.width(), i.height()) == (60, 52)));
    // Strokes twice as large have smaller differences between neighbours.
    let rough = |image: &Image| -> f32 {
        let row = |y: usize| image.row(1, y).windows(2).map(|v| (v[1] - v[0]).abs()).sum::<f32>();
        (0..52).map(row).sum()
    };
    assert!(rough(&small) < rough(&desk.dressed("")), "{} {}", rough(&small), rough(&large));
}

#[test]
fn folders_are_dressed_and_what_cannot_be_read_is_left_out() {
    let desk = desk();
    std::fs::create_dir(desk.path("photos")).expect("a folder");
    desk.picture("photos/a.png", 30, 20, 8, false);
    std::fs::write(desk.path("photos/b.png"), b"no picture").expect("a file");
    desk.picture("photos/c.jpg", 20, 30, 8, false);
    std::fs::write(desk.path("photos/notes.txt"), b"no picture either").expect("a file");
    let output = desk.run("stylise style.safetensors photos photo.png -o dressed");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("b.png") && errors.contains("1 of 4"), "{errors}");
    let names = ["a.png", "c.jpg", "photo.png"];
    assert!(names.iter().all(|name| desk.path("dressed").join(name).is_file()));
    assert_eq!(std::fs::read_dir(desk.path("dressed")).expect("a folder").count(), names.len());
    desk.ok("stylise style.safetensors photo.png -o one.png");
    assert!(desk.bytes("one.png") == desk.bytes("dressed/photo.png"));
}

#[test]
fn mistakes_are_one_sentence_and_photographs_stay_as_they_are() {
    let desk = desk();
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    std::fs::create_dir(desk.path("photos")).expect("a folder");
    desk.picture("photos/photo.png", 30, 20, 8, false);
    let before = [desk.bytes("photo.png"), desk.bytes("photos/photo.png")];
    desk.mistakes(
        "stylise style.safetensors",
        &[
            ("photos", "-o"),
            ("photos -o photo.png", "is a file"),
            ("photos -o photos", "written over"),
            ("photos photo.png -o out", "both become"),
            ("empty -o out", "no pictures"),
            ("photo.png --blend 2", "0 to 1"),
            ("photo.png --brush 0", "brush"),
            ("photo.png --mask style.safetensors", "style.safetensors"),
        ],
    );
    assert!(before == [desk.bytes("photo.png"), desk.bytes("photos/photo.png")]);
}
