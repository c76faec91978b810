//! Dressing films: every picture, in order, with its sound, and on from where a run was stopped.

mod desk;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use desk::Desk;
use texnet_infer::{GeneratorSpec, Image, Model, Precision};
use texnet_io::film::{Chroma, FilmFormat, FilmReader, FilmWriter};

/// A desk with an untrained style network.
fn desk() -> Desk {
    let desk = Desk::new();
    let style = Model::untrained(GeneratorSpec::paper_style(3), 2).expect("a valid spec");
    std::fs::write(desk.path("style.safetensors"), style.to_bytes(Precision::F32)).expect("a model");
    desk
}

const FORMAT: FilmFormat =
    FilmFormat { size: [36, 44], rate: [25, 1], aspect: [1, 1], chroma: Chroma::Quarter, full_range: false };

/// A disc on its way across a ground; a still when it does not move.
fn film(pictures: usize, speed: f32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FilmWriter::new(&mut bytes, FORMAT).expect("a header");
    for i in 0..pictures {
        let picture = Image::from_fn(36, 44, |y, x| {
            let away = (y as f32 - 18.0).hypot(x as f32 - 8.0 - speed * i as f32);
            if away < 7.0 { [0.9, 0.3, 0.2] } else { [0.2, 0.4, 0.3 + 0.01 * x as f32] }
        });
        writer.write(&picture).expect("a picture");
    }
    bytes
}

fn pictures(bytes: &[u8]) -> Vec<Image> {
    let mut reader = FilmReader::new(bytes).expect("a film");
    assert_eq!(reader.format(), FORMAT);
    std::iter::from_fn(|| reader.next_picture().expect("a stream")).collect()
}

impl Desk {
    fn keep(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a file");
    }
}

#[test]
fn a_film_keeps_its_length_and_a_still_stands_still() {
    let desk = desk();
    desk.keep("still.y4m", &film(7, 0.0));
    desk.ok("stylise style.safetensors still.y4m -o out.y4m");
    let dressed = pictures(&desk.bytes("out.y4m"));
    assert_eq!(dressed.len(), 7);
    assert!(dressed.iter().all(|picture| *picture == dressed[0]));
    assert!(dressed[0] != pictures(&desk.bytes("still.y4m"))[0]);
    assert!(!desk.path("out.y4m.run").exists(), "nothing is left behind");
    desk.keep("moving.y4m", &film(5, 4.0));
    desk.ok("stylise style.safetensors moving.y4m --blend 0");
    let same = pictures(&desk.bytes("moving-style.y4m"));
    for (ours, wanted) in same.iter().zip(pictures(&desk.bytes("moving.y4m"))) {
        // Chroma is halved once more.
        let mean = ours.data().iter().zip(wanted.data()).map(|(a, b)| (a - b).abs()).sum::<f32>() / 4752.0;
        assert!(mean < 0.02, "{mean}");
    }
}

#[test]
fn a_grey_film_becomes_one_in_colour() {
    let desk = desk();
    let mut bytes = Vec::new();
    let mut writer =
        FilmWriter::new(&mut bytes, FilmFormat { chroma: Chroma::None, ..FORMAT }).expect("a header");
    writer.write(&Image::from_fn(36, 44, |y, x| [(x + y) as f32 / 80.0; 3])).expect("a picture");
    desk.keep("grey.y4m", &bytes);
    desk.ok("stylise style.safetensors grey.y4m -o out.y4m");
    let picture = pictures(&desk.bytes("out.y4m")).remove(0);
    assert!(picture.plane(0).iter().zip(picture.plane(2)).any(|(r, b)| (r - b).abs() > 0.1));
}

#[test]
fn streams_are_the_same_as_files_on_any_number_of_threads() {
    let desk = desk();
    desk.keep("film.y4m", &film(5, 4.0));
    desk.ok("stylise style.safetensors film.y4m -o out.y4m --threads 3");
    let mut command = desk.command("stylise style.safetensors - --threads 1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(&film(5, 4.0)).expect("a film");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success() && output.stdout == desk.bytes("out.y4m"));
}

/// Killed without warning, and stopped by Ctrl-C: both go on, and end with the same bytes.
#[cfg(unix)]
#[test]
fn a_stopped_film_goes_on_where_it_was() {
    let desk = desk();
    desk.keep("film.y4m", &film(300, 0.1));
    desk.ok("stylise style.safetensors film.y4m -o whole.y4m");
    for signal in ["-KILL", "-INT"] {
        let mut child = desk
            .command("stylise style.safetensors film.y4m -o cut.y4m --threads 1 -q")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let first = desk.path("cut.y4m.run/00000000-00000048.y4m");
        while !first.exists() && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the film was too short to be stopped");
        let output = child.wait_with_output().expect("an end");
        if signal == "-INT" {
            assert_eq!(output.status.code(), Some(130));
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(told.contains("--resume"), "{told}");
        }
        assert!(!desk.path("cut.y4m").exists());
        let errors = desk.refused("stylise style.safetensors film.y4m -o cut.y4m --resume --seed 3");
        assert!(errors.contains("other options"), "{errors}");
        desk.ok("stylise style.safetensors film.y4m -o cut.y4m --resume");
        assert!(desk.bytes("cut.y4m") == desk.bytes("whole.y4m"), "{signal}");
        std::fs::remove_file(desk.path("cut.y4m")).expect("a film");
    }
}

#[test]
fn mistakes_are_one_sentence() {
    let desk = desk();
    desk.keep("film.y4m", &film(2, 0.0));
    desk.keep("deep.y4m", b"YUV4MPEG2 W16 H16 F25:1 C420p10\n");
    desk.keep("empty.y4m", b"YUV4MPEG2 W16 H16 F25:1 C420\n");
    desk.mistakes(
        "stylise style.safetensors",
        &[
            ("missing.y4m", "missing.y4m"),
            ("deep.y4m", "8 bits"),
            ("empty.y4m", "no pictures"),
            ("film.y4m -o film.y4m", "written over"),
            ("film.y4m -o film.png", "no film"),
            ("film.y4m -o nowhere/film.y4m", "writable"),
            ("film.y4m -o out.y4m --resume", "no run"),
            ("spots.png --resume", "films"),
            ("film.y4m --max-size 20", "--brush"),
        ],
    );
    desk.keep("film.mp4", b"whatever");
    let alone = desk.command("stylise style.safetensors film.mp4").env("PATH", "").output().expect("a run");
    let errors = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(alone.status.code() == Some(2) && errors.contains("install"), "{errors}");
}

fn ffmpeg(desk: &Desk, arguments: &str) -> Option<Output> {
    let words = arguments.split_whitespace().map(|word| match word.contains('.') {
        true => desk.path(word).into_os_string(),
        false => word.into(),
    });
    Command::new("ffmpeg").args(["-nostdin", "-y", "-hide_banner"]).args(words).output().ok()
}

#[test]
fn a_film_of_any_codec_keeps_its_sound_and_goes_on_where_it_was_stopped() {
    let desk = desk();
    let made = ffmpeg(
        &desk,
        "-f lavfi -i testsrc=size=64x48:rate=24:duration=5 -f lavfi -i sine=duration=5 -shortest film.mkv",
    );
    let Some(made) = made else {
        eprintln!("skipped: ffmpeg is not on the PATH");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    desk.ok("stylise style.safetensors film.mkv -o whole.mp4");
    let told = ffmpeg(&desk, "-i whole.mp4 -map 0 -c copy -f null -").expect("ffmpeg");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("Audio:") && told.contains("64x48") && told.contains("frame=  120"), "{told}");
    let mut child = desk
        .command("stylise style.safetensors film.mkv -o cut.mp4 --threads 1 -q")
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !desk.path("cut.mp4.run/00000000-00000048.mkv").exists() {
        std::thread::sleep(Duration::from_millis(2));
        assert!(child.try_wait().expect("a child").is_none(), "the film was too short to be stopped");
    }
    child.kill().expect("a running program");
    child.wait().expect("an ended program");
    desk.ok("stylise style.safetensors film.mkv -o cut.mp4 --resume");
    assert!(desk.bytes("cut.mp4") == desk.bytes("whole.mp4"));
}
