//! Learning a style as users meet it: a model that dresses photographs, and one sentence for mistakes.

mod desk;

use desk::Desk;

/// Settings of a run that takes a second.
const SMALL: &str = "--size 32 --set scales=3 --set sliced.levels=2 --set sliced.strides=[2] --set sliced.bank=24 --set \
                     nearest.levels=1";

/// A desk with a folder of photographs.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("photos")).expect("a folder");
    desk.picture("photos/a.png", 50, 40, 8, false);
    desk.picture("photos/b.jpg", 40, 70, 8, false);
    std::fs::write(desk.path("photos/c.png"), b"no picture").expect("a file");
    std::fs::write(desk.path("photos/notes.txt"), b"no picture either").expect("a file");
    desk
}

#[test]
fn a_style_becomes_a_model_that_dresses_photographs() {
    let desk = desk();
    let output = desk.run(&format!(
        "train-style spots.png --content photos spots.png -o style.safetensors --iterations 12 --json {SMALL}"
    ));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(line["flicker"].as_f64().is_some_and(|flicker| flicker > 0.0), "{line}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("left out") && told.contains("c.png") && !told.contains("notes"), "{told}");
    for name in ["style.safetensors", "style.sheet.png", "style.run/config.toml"] {
        assert!(desk.path(name).is_file(), "{name} is missing");
    }
    assert!(!desk.path("style.png").exists(), "a style has no sample");
    desk.ok("stylise style.safetensors photos/a.png -o dressed.png");
    let dressed = texnet_io::read(&desk.path("dressed.png")).expect("a picture").to_image();
    assert_eq!((dressed.width(), dressed.height()), (50, 40));
}

#[test]
fn a_run_goes_on_where_it_was_stopped() {
    let desk = desk();
    let run = |name: &str, iterations: u32, more: &str| {
        desk.ok(&format!(
            "train-style spots.png --content photos -o {name} --iterations {iterations} -q {SMALL} {more}"
        ));
    };
    run("whole.safetensors", 20, "");
    run("again.safetensors", 20, "");
    assert!(desk.bytes("whole.safetensors") == desk.bytes("again.safetensors"));
    std::fs::remove_file(desk.path("again.safetensors")).expect("a model");
    run("again.safetensors", 20, "--resume");
    assert!(desk.bytes("whole.safetensors") == desk.bytes("again.safetensors"));
    run("other.safetensors", 20, "--content-weight 4");
    assert!(desk.bytes("whole.safetensors") != desk.bytes("other.safetensors"));
}

#[test]
fn a_strength_is_chosen_among_those_that_were_learned() {
    let desk = desk();
    let learn = |name: &str, more: &str| {
        desk.ok(&format!(
            "train-style spots.png --content photos -o {name} --iterations 12 -q {SMALL} {more}"
        ));
    };
    learn("one.safetensors", "--set strengths=[1,1]");
    learn("some.safetensors", "");
    for strength in ["0", "2"] {
        desk.ok(&format!("stylise some.safetensors photos/a.png --strength {strength} -o {strength}.png"));
    }
    assert!(desk.bytes("0.png") != desk.bytes("2.png"));
    desk.mistakes(
        "stylise",
        &[
            ("some.safetensors photos/a.png --strength 3", "0 to 2"),
            ("some.safetensors photos/a.png --strength 1 --noise 1", "cannot be used with"),
            ("one.safetensors photos/a.png --strength 1", "one strength"),
        ],
    );
}

#[test]
fn scenes_are_practised_on_where_no_photographs_are_named() {
    let desk = desk();
    desk.ok(&format!("train-style spots.png -o style.safetensors --iterations 3 -q {SMALL}"));
    desk.ok("stylise style.safetensors photos/a.png -o dressed.png");
    assert!(desk.path("dressed.png").is_file() && desk.path("style.sheet.png").is_file());
}

#[test]
fn a_residual_network_is_learned_and_dresses() {
    let desk = desk();
    desk.ok(&format!(
        "train-style spots.png --content photos -o style.safetensors --preset style-residual --iterations 3 -q {SMALL}"
    ));
    let told = desk.run("info style.safetensors").stdout;
    assert!(String::from_utf8_lossy(&told).contains("5 blocks"));
    for strength in ["0", "2"] {
        desk.ok(&format!("stylise style.safetensors photos/a.png --strength {strength} -o {strength}.png"));
    }
    assert!(desk.bytes("0.png") != desk.bytes("2.png"));
}

#[test]
fn mistakes_are_one_sentence() {
    let desk = desk();
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    desk.mistakes(
        "train-style",
        &[
            ("spots.png --content nowhere", "nowhere"),
            ("spots.png --content empty", "no photograph"),
            ("spots.png --content photos/c.png", "c.png"),
            ("missing.png --content photos", "missing.png"),
            ("spots.png --content photos --preset default", "preset of styles"),
            ("spots.png --content photos --set content.window=4", "content.window"),
            ("spots.png --content photos --set strengths=[1.5,2]", "strengths[0]"),
        ],
    );
    desk.mistakes(
        "train spots.png",
        &[("--set strengths=[0,2]", "of styles"), ("--preset style", "--content")],
    );
}
