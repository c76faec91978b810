//! Optimisation as users meet it: a picture, a preview, Ctrl-C, one sentence for mistakes.

mod desk;

use std::process::{Command, Stdio};
use std::time::Duration;

use desk::Desk;
use texnet_infer::Image;

/// Settings of a run that takes a second.
const SMALL: &str = "--size 64x32 --set sizes=2 --set sliced.levels=2 --set sliced.bank=24";

impl Desk {
    fn size(&self, name: &str) -> [usize; 2] {
        let image = texnet_io::read(&self.path(name)).expect(name).to_image();
        [image.width(), image.height()]
    }
}

#[test]
fn a_picture_is_painted_at_the_size_asked_for_and_again_with_the_same_bytes() {
    let desk = Desk::new();
    let told = desk.ok(&format!("optimise spots.png -o out.png --iterations 8 --json {SMALL}"));
    let told: serde_json::Value = serde_json::from_str(told.trim()).expect("JSON");
    assert_eq!((told["output"].as_str(), told["steps"].as_u64()), (Some("out.png"), Some(16)));
    assert!(told["score"].as_f64().is_some_and(|score| score > 0.0));
    assert_eq!(desk.size("out.png"), [64, 32]);
    desk.ok(&format!("optimize spots.png spots.png -o deep.tiff --bits 16 --iterations 2 -q {SMALL}"));
    assert_eq!(desk.size("deep.tiff"), [64, 32]);
    for (seed, same) in [(0, true), (1, false)] {
        desk.ok(&format!("optimise spots.png --iterations 8 --threads 1 -q --seed {seed} {SMALL}"));
        assert_eq!(desk.bytes("spots-optimised.png") == desk.bytes("out.png"), same);
    }
}

#[test]
fn captions_are_left_out_unless_pictures_are_wanted_whole() {
    let desk = Desk::new();
    let spots = texnet_io::read(&desk.path("spots.png")).expect("spots").to_image();
    let pixel = |y, x| if y < 48 { spots.pixel(y, x) } else { [f32::from(x < 40); 3] };
    desk.write("captioned.png", Image::from_fn(54, 64, pixel), 8, false);
    desk.ok(&format!("optimise spots.png --iterations 2 -q {SMALL}"));
    for (whole, same) in [("", true), ("--whole", false)] {
        let output = desk.run(&format!("optimise captioned.png -o out.png --iterations 2 {whole} {SMALL}"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.contains("6 pixels at the bottom") == same, "{told}");
        assert_eq!(desk.bytes("out.png") == desk.bytes("spots-optimised.png"), same);
    }
}

#[test]
fn as_many_steps_are_made_as_fit_into_the_time() {
    let desk = Desk::new();
    let told = desk.ok(&format!("optimise spots.png --minutes 0.02 --json {SMALL}"));
    let told: serde_json::Value = serde_json::from_str(told.trim()).expect("JSON");
    assert!(told["steps"].as_u64().is_some_and(|steps| steps >= 2 && steps.is_multiple_of(2)), "{told}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_what_it_has_and_says_so() {
    let desk = Desk::new();
    let child = desk
        .command(&format!("optimise spots.png -o out.png --preview now.png --iterations 100000 {SMALL}"))
        .env("TEXNET_SAVE_EVERY_MS", "20")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !desk.path("now.png").is_file() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(interrupt.success());
    let output = child.wait_with_output().expect("an ended program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("out.png is the picture as it was then"), "{errors}");
    assert_eq!([desk.size("out.png"), desk.size("now.png")], [[64, 32]; 2]);
}

#[test]
fn mistakes_get_one_sentence_and_leave_everything_as_it_was() {
    let desk = Desk::new();
    std::fs::write(desk.path("noise.png"), b"no picture").expect("a file");
    std::fs::write(desk.path("old.png"), b"old").expect("a file");
    let spots = desk.bytes("spots.png");
    desk.mistakes(
        "optimise",
        &[
            ("missing.png", "missing.png"),
            ("noise.png", "noise.png"),
            ("spots.png -o nowhere/out.png", "writable"),
            ("spots.png -o old.xyz", "old.xyz"),
            ("spots.png -o ./spots.png", "exemplar itself"),
            ("spots.png -o old.png --preview spots.png", "exemplar itself"),
            ("spots.png -o old.png --size 250", "256x256"),
            ("spots.png -o old.png --size 8", "--size"),
            ("spots.png -o old.png --size 65536", "train"),
            ("spots.png -o old.png --teacher eye", "sliced"),
            ("spots.png -o old.png --teacher vgg19 --vgg spots.png", "spots.png"),
            ("spots.png -o old.png --teacher vgg19 --vgg nothing.pth", "nothing.pth"),
            ("spots.png -o old.png --set colour=1", "colour"),
            ("spots.png -o old.png --set sizes=9", "sizes"),
            ("spots.png -o old.png --device gpu", "device"),
            ("spots.png -o old.png --minutes 0", "minutes"),
            ("spots.png -o old.png --iterations 0", "iterations"),
            ("spots.png -o old.png --scale 0.1", "--scale"),
        ],
    );
    assert!(desk.bytes("spots.png") == spots && desk.bytes("old.png") == b"old");
}
