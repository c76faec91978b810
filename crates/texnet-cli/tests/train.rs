//! Training as users meet it: a model, pictures, a folder that a stopped run goes on from, one sentence for mistakes.

mod desk;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use desk::Desk;
use texnet_infer::Image;

/// Settings of a run that takes a second.
const SMALL: &str = "--size 32 --set scales=3 --set sliced.levels=2 --set sliced.bank=24";

impl Desk {
    fn start(&self, arguments: &str) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts")
    }
}

#[test]
fn a_picture_becomes_a_model_a_sheet_and_a_sample() {
    let desk = Desk::new();
    let told = desk.ok(&format!("train spots.png -o out.safetensors --iterations 12 --json {SMALL}"));
    let told: serde_json::Value = serde_json::from_str(told.trim()).expect("JSON");
    assert_eq!(told["model"], "out.safetensors");
    for name in ["out.safetensors", "out.sheet.png", "out.png", "out.run/config.toml", "out.run/log.jsonl"] {
        assert!(desk.path(name).is_file(), "{name} is missing");
    }
    let info = desk.ok("info out.safetensors");
    assert!(info.contains("sliced") && info.contains("spots.png"), "{info}");
    desk.ok("sample out.safetensors -o tile.png --size 64 --tile");
    assert_eq!(texnet_io::read(&desk.path("tile.png")).expect("a tile").to_image().width(), 64);
}

#[test]
fn the_steps_to_come_are_named() {
    let desk = Desk::new();
    for (frozen, named) in [
        (2, "3 scales, 3 steps at 32x32, 2 more with frozen statistics ("),
        (0, "3 scales, 3 steps at 32x32 ("),
    ] {
        let arguments = format!("train spots.png -o {frozen}.safetensors --iterations 3 {SMALL}");
        let output =
            desk.run(&format!("{arguments} --set coarse_iterations=[] --set frozen_iterations={frozen}"));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(named), "{told}");
    }
}

#[test]
fn a_scale_is_advised_for_large_objects_unless_one_is_given() {
    let desk = Desk::new();
    let stripe = |i: usize| (i as f32 / 30.0).sin();
    desk.write(
        "blots.png",
        Image::from_fn(512, 512, |y, x| [0.5 + 0.4 * stripe(y) * stripe(x); 3]),
        8,
        false,
    );
    for (scale, advised) in [("", true), ("--scale 0.5", false)] {
        let output = desk.run(&format!("train blots.png --iterations 3 {scale} {SMALL}"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.contains("--scale 0.") == advised, "{told}");
    }
}

#[test]
fn sheets_show_any_model_beside_an_exemplar_and_never_replace_it() {
    let desk = Desk::new();
    desk.ok(&format!("train spots.png -o out.safetensors --iterations 3 -q {SMALL}"));
    desk.ok("sample out.safetensors --sheet spots.png -o again.png");
    assert!(desk.bytes("again.png") == desk.bytes("out.sheet.png"));
    let before = desk.bytes("spots.png");
    assert!(desk.refused("sample out.safetensors --sheet spots.png -o ./spots.png").contains("-o"));
    assert!(desk.refused("sample out.safetensors --sheet nothing.png").contains("nothing.png"));
    assert!(desk.bytes("spots.png") == before);
}

#[test]
fn the_exemplar_is_never_written_over() {
    let desk = Desk::new();
    let before = desk.bytes("spots.png");
    std::fs::create_dir(desk.path("folder")).expect("a folder");
    for path in ["spots.png", "./spots.png", "folder/../spots.png"] {
        desk.ok(&format!("train {path} --iterations 3 -q {SMALL}"));
        assert!(desk.path("spots.safetensors").is_file());
        assert!(desk.bytes("spots.png") == before, "{path}");
    }
}

/// The program is killed without warning; what it had saved is enough to end with the same bytes.
#[test]
fn a_killed_run_ends_with_the_bytes_of_one_that_was_not() {
    let desk = Desk::new();
    desk.ok(&format!("train spots.png -o whole.safetensors --iterations 60 -q {SMALL}"));
    let whole = desk.bytes("whole.safetensors");
    for delay in [30, 150, 400] {
        let arguments = format!("train spots.png -o cut.safetensors --iterations 60 -q {SMALL}");
        let mut child =
            desk.command(&arguments).env("TEXNET_SAVE_EVERY_MS", "20").spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().expect("a running program");
        child.wait().expect("an ended program");
        if !desk.path("cut.run/config.toml").is_file() {
            continue;
        }
        desk.ok("train spots.png -o cut.safetensors --resume -q");
        assert!(desk.bytes("cut.safetensors") == whole, "killed after {delay} ms");
        std::fs::remove_dir_all(desk.path("cut.run")).expect("the folder of the run");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_says_how_to_go_on() {
    let desk = Desk::new();
    let child = desk
        .command(&format!("train spots.png -o out.safetensors --iterations 100000 {SMALL}"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !desk.path("out.run/log.jsonl").is_file() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(interrupt.success());
    let output = child.wait_with_output().expect("an ended program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("--resume"), "{errors}");
    assert!(desk.path("out.run/state.safetensors").is_file());
}

#[test]
fn pictures_of_every_kind_are_learned_from() {
    let desk = Desk::new();
    desk.picture("deep.tiff", 40, 40, 16, true);
    desk.picture("wide.webp", 400, 17, 8, false);
    for name in ["deep.tiff", "wide.webp", "deep.tiff spots.png"] {
        desk.ok(&format!("train {name} -o out.safetensors --iterations 2 -q {SMALL}"));
    }
}

#[test]
fn mistakes_get_one_sentence_and_leave_everything_as_it_was() {
    let desk = Desk::new();
    desk.picture("dot.png", 1, 1, 8, false);
    desk.picture("line.png", 30_000, 10, 8, false);
    desk.ok(&format!("train spots.png -o old.safetensors --iterations 2 -q {SMALL}"));
    let old = desk.bytes("old.safetensors");
    std::fs::write(desk.path("noise.png"), b"no picture").expect("a file");
    desk.mistakes(
        "train",
        &[
            ("missing.png", "missing.png"),
            ("noise.png", "noise.png"),
            ("dot.png", "1x1"),
            ("line.png", "30000x10"),
            ("spots.png -o nowhere/out.safetensors", "writable"),
            ("spots.png -o old.safetensors --size 33", "multiple"),
            ("spots.png -o old.safetensors --preset great", "fast"),
            ("spots.png -o old.safetensors --set colour=1", "colour"),
            ("spots.png -o old.safetensors --set schedule=1", "settings"),
            ("spots.png -o old.safetensors --device gpu", "device"),
            ("spots.png -o new.safetensors --resume", "no run"),
            ("spots.png -o old.safetensors --minutes 0", "minutes"),
            ("spots.png -o old.safetensors --preset paper --vgg spots.png", "spots.png"),
        ],
    );
    assert!(desk.bytes("old.safetensors") == old);
    let mut waiting =
        desk.start(&format!("train spots.png -o old.safetensors --iterations 100000 -q {SMALL}"));
    std::thread::sleep(Duration::from_millis(300));
    waiting.kill().expect("a running program");
    waiting.wait().expect("an ended program");
    assert!(desk.bytes("old.safetensors") == old, "a model is replaced only by a whole one");
}
