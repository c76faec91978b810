//! The program as users meet it: files in, files out, exit codes, one sentence for every mistake.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use texnet_infer::{Content, GeneratorSpec, Image, Model, Precision, calibrate};
use texnet_io::{Band, Format, Photo, Picture, WriteError};

/// A folder with a small texture network, a small style network and a photograph.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        let texture = Model::untrained(GeneratorSpec::paper(3), 1).expect("a valid spec");
        desk.keep("texture.safetensors", &calibrate::calibrate(&texture, 0).to_bytes(Precision::F32));
        let style = Model::untrained(GeneratorSpec::paper_style(3), 2).expect("a valid spec");
        desk.keep("style.safetensors", &style.to_bytes(Precision::F16));
        desk.photo("photo.png", 90, 70, 8, true);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a writable folder");
    }

    fn photo(&self, name: &str, width: usize, height: usize, bits: u8, alpha: bool) {
        let format = Format::from_path(Path::new(name)).expect("a known ending");
        let picture = Picture {
            width,
            height,
            format,
            bits,
            alpha,
            icc: Some(b"profile".to_vec()),
            quality: 90,
            band: height,
        };
        let image =
            Image::from_fn(height, width, |y, x| [x as f32 / width as f32, y as f32 / height as f32, 0.5]);
        let band = Band { image, alpha: alpha.then(|| vec![0.2; width * height]) };
        texnet_io::write(&self.path(name), &picture, |_| Ok::<_, WriteError>(band.clone()))
            .expect("a photograph");
    }

    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_texnet"));
        command.current_dir(self.0.path()).args(arguments.split(' '));
        command.output().expect("the program starts")
    }

    /// Standard output of a run that succeeds.
    fn ok(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "texnet {arguments}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The sentence of a run that is refused.
    fn refused(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "texnet {arguments}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        errors
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn picture(&self, name: &str) -> Photo {
        texnet_io::read(&self.path(name)).expect(name)
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.0.path()).expect("the folder").count()
    }
}

#[test]
fn a_texture_is_painted_at_any_size_in_every_format() {
    let desk = Desk::new();
    desk.ok("sample texture.safetensors --size 33x21");
    assert_eq!(desk.picture("texture.png").size(), [21, 33]);
    for name in ["a.jpg", "a.tiff", "a.webp", "a.png"] {
        desk.ok(&format!("sample texture.safetensors -o {name} --size 64 --quiet"));
        assert_eq!(desk.picture(name).size(), [64, 64], "{name}");
    }
    desk.ok("sample texture.safetensors -o deep.png --size 8 --bits 16");
    assert_eq!(desk.picture("deep.png").bits(), 16);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let desk = Desk::new();
    for threads in [1, 2, 16] {
        desk.ok(&format!(
            "sample texture.safetensors -o {threads}.png --size 300x280 --seed 7 --threads {threads}"
        ));
        assert!(desk.bytes("1.png") == desk.bytes(&format!("{threads}.png")), "{threads} threads");
    }
    desk.ok("sample texture.safetensors -o other.png --size 300x280 --seed 8");
    assert!(desk.bytes("1.png") != desk.bytes("other.png"), "another seed is another picture");
}

#[test]
fn a_window_is_that_part_of_the_picture() {
    let desk = Desk::new();
    desk.ok("sample texture.safetensors -o whole.png --window -50,-20,100,60");
    desk.ok("sample texture.safetensors -o part.png --window -13,4,31,17");
    let [whole, part] = ["whole.png", "part.png"].map(|name| desk.picture(name).to_image());
    let crop = Image::from_fn(17, 31, |y, x| whole.pixel(24 + y, 37 + x));
    assert_eq!(part, crop);
}

#[test]
fn a_numbered_set_has_consecutive_seeds() {
    let desk = Desk::new();
    desk.ok("sample texture.safetensors -o set.png --size 40 --seed 4 --count 3");
    desk.ok("sample texture.safetensors -o alone.png --size 40 --seed 6");
    assert!(desk.bytes("set-3.png") == desk.bytes("alone.png"));
    assert!(desk.bytes("set-1.png") != desk.bytes("set-2.png"));
}

#[test]
fn a_tile_repeats_and_a_size_that_cannot_is_refused_with_one_that_can() {
    let desk = Desk::new();
    desk.ok("sample texture.safetensors -o tile.png --size 48x32 --tile");
    desk.ok("sample texture.safetensors -o twice.png --size 48x32 --tile --window 0,0,96,64");
    let [tile, twice] = ["tile.png", "twice.png"].map(|name| desk.picture(name).to_image());
    assert_eq!(twice, Image::from_fn(64, 96, |y, x| tile.pixel(y % 32, x % 48)));
    let sentence = desk.refused("sample texture.safetensors --size 50x32 --tile");
    assert!(
        sentence.contains("50x32") && sentence.contains("48x32") || sentence.contains("52x32"),
        "{sentence}"
    );
}

#[test]
fn a_photograph_keeps_its_size_alpha_depth_and_profile() {
    let desk = Desk::new();
    desk.photo("deep.tiff", 50, 61, 16, true);
    desk.ok("stylise style.safetensors photo.png");
    let dressed = desk.picture("photo-style.png");
    assert_eq!((dressed.size(), dressed.bits(), dressed.icc()), ([70, 90], 8, Some(&b"profile"[..])));
    let mut alpha = [0.0; 90];
    dressed.alpha_row(69, &mut alpha);
    assert!(dressed.has_alpha() && alpha.iter().all(|a| (a - 0.2).abs() < 1e-6));
    desk.ok("stylise style.safetensors deep.tiff -o deep.png");
    let dressed = desk.picture("deep.png");
    assert_eq!((dressed.size(), dressed.bits(), dressed.has_alpha()), ([61, 50], 16, true));
    desk.ok("stylise style.safetensors photo.png -o small.jpg --max-size 45 --noise 0.3 --seed 9");
    assert_eq!(desk.picture("small.jpg").size(), [35, 45]);
}

#[test]
fn a_model_is_described_to_people_and_to_programs() {
    let desk = Desk::new();
    let lines = desk.ok("info texture.safetensors");
    assert!(lines.contains("texture network") && lines.contains("multiples of 4 pixels"), "{lines}");
    let json: serde_json::Value =
        serde_json::from_str(&desk.ok("info style.safetensors --json")).expect("JSON");
    assert_eq!(json["kind"], "style");
    assert_eq!(json["granularity"], 4);
    let json = desk.ok("sample texture.safetensors -o a.png --size 8 --json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["output"], &json["width"]), (&"a.png".into(), &8.into()));
}

#[test]
fn mistakes_get_one_sentence_and_leave_nothing_behind() {
    let desk = Desk::new();
    desk.keep("noise.bin", &[7; 300]);
    desk.keep("cut.safetensors", &desk.bytes("texture.safetensors")[..900]);
    desk.keep("cut.png", &desk.bytes("photo.png")[..90]);
    let before = desk.files();
    let cases = [
        ("sample missing.safetensors", "missing.safetensors"),
        ("sample noise.bin", "noise.bin"),
        ("sample cut.safetensors", "cut.safetensors"),
        ("sample photo.png", "photo.png"),
        ("import texture.safetensors", "texture.safetensors"),
        ("sample texture.safetensors -o a.xyz", "a.xyz"),
        ("sample texture.safetensors -o no/folder.png", "no/folder.png"),
        ("sample texture.safetensors -o a.jpg --size 70000x8", "65535"),
        ("sample texture.safetensors -o a.jpg --bits 16", "16 bits"),
        ("sample texture.safetensors --size 0", "pixels"),
        ("sample texture.safetensors --size 5x", "pixels"),
        ("sample texture.safetensors --window 1,2,3", "X,Y,WIDTH,HEIGHT"),
        ("sample texture.safetensors --window 9223372036854775807,0,8,8", "window"),
        ("sample texture.safetensors --scale-noise NaN", "number"),
        ("sample style.safetensors", "photograph"),
        ("stylise texture.safetensors photo.png", "texture network"),
        ("stylise style.safetensors cut.png", "cut.png"),
        ("stylise style.safetensors texture.safetensors", "texture.safetensors"),
        ("stylise style.safetensors missing.png", "missing.png"),
        ("frobnicate", "frobnicate"),
    ];
    for (arguments, word) in cases {
        let sentence = desk.refused(arguments);
        assert!(sentence.contains(word), "texnet {arguments}: {sentence}");
    }
    assert_eq!(desk.files(), before, "nothing is left behind");
}

#[test]
fn an_existing_file_is_replaced_only_by_a_whole_one() {
    let desk = Desk::new();
    desk.keep("a.png", b"old");
    desk.refused("sample style.safetensors -o a.png");
    assert_eq!(desk.bytes("a.png"), b"old");
    desk.ok("sample texture.safetensors -o a.png --size 16");
    assert_eq!(desk.picture("a.png").size(), [16, 16]);
    std::fs::create_dir(desk.path("folder.png")).expect("a folder");
    desk.refused("sample texture.safetensors -o folder.png --size 16");
}

#[test]
fn pictures_are_scored_in_a_table_for_people_and_line_by_line_for_programs() {
    let desk = Desk::new();
    desk.photo("same.png", 90, 70, 8, false);
    desk.photo("deep.tiff", 64, 30, 16, true);
    let table = desk.ok("score photo.png same.png deep.tiff --quiet");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert_eq!(lines[0].join(" "), "picture swd swd0 swd1 swd2 swd3 spec fit cover repeat copy seam");
    assert!(lines.iter().all(|line| line.len() == 12), "{table}");
    assert_eq!(lines[1][..7].join(" "), "same.png 0.00 0.00 0.00 0.00 0.00 0.00");
    assert_eq!((lines[1][10], lines[2][0], lines[2][5]), ("1.00", "deep.tiff", "-"));
    let widths: Vec<usize> = table.lines().map(str::len).collect();
    assert!(widths.iter().all(|&width| width == widths[0]), "columns are aligned:\n{table}");

    let json = desk.ok("score photo.png same.png photo.png deep.tiff --json");
    let objects: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(objects.len(), 4, "{json}");
    assert_eq!((&objects[0]["picture"], &objects[0]["copy"]), (&"same.png".into(), &1.0.into()));
    assert_eq!(objects[2]["swd_octaves"].as_array().map(Vec::len), Some(3));
    assert_eq!((&objects[3]["pictures"], &objects[3]["diversity"]), (&2.into(), &0.0.into()));
    assert!(desk.ok("score photo.png same.png photo.png").ends_with("(higher is more diverse)\n"));
}

#[test]
fn pictures_that_cannot_be_scored_get_one_sentence_before_the_work_begins() {
    let desk = Desk::new();
    desk.photo("dot.png", 1, 1, 8, false);
    desk.keep("cut.png", &desk.bytes("photo.png")[..90]);
    let cases = [
        ("score photo.png missing.png", "missing.png"),
        ("score missing.png photo.png", "missing.png"),
        ("score photo.png photo.png cut.png", "cut.png"),
        ("score photo.png dot.png", "dot.png: the picture is 1x1"),
        ("score dot.png photo.png", "dot.png: the picture is 1x1"),
        ("score photo.png photo.png dot.png", "24x24"),
        ("score photo.png", "PICTURES"),
    ];
    for (arguments, word) in cases {
        let output = desk.run(arguments);
        assert!(output.stdout.is_empty(), "texnet {arguments} begins to work");
        let sentence = desk.refused(arguments);
        assert!(sentence.contains(word), "texnet {arguments}: {sentence}");
    }
}

#[test]
fn shells_and_manuals_are_served() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(desk.ok(&format!("completions {shell}")).contains("stylise"), "{shell}");
    }
    assert!(desk.ok("man").contains(".TH texnet"));
    desk.ok("man .");
    assert!(String::from_utf8_lossy(&desk.bytes("texnet-sample.1")).contains("seamless"));
    let help = desk.ok("score --help");
    let columns = ["swd ", "spec ", "fit ", "cover ", "repeat ", "copy ", "seam ", "diversity "];
    assert!(columns.iter().all(|column| help.contains(column)), "{help}");
}

#[test]
fn every_built_in_model_paints_and_a_file_of_the_same_name_comes_first() {
    let desk = Desk::new();
    let names = desk.ok("sample --list");
    assert!(names.lines().count() > 0);
    for line in names.lines() {
        let (name, style) = line.split_once(' ').unwrap_or((line, ""));
        match style {
            "" => desk.ok(&format!("sample {name} --size 40 --quiet")),
            _ => desk.ok(&format!("stylise {name} photo.png --max-size 40 -o {name}.png --quiet")),
        };
        if !style.is_empty() {
            assert!(desk.refused(&format!("sample {name}")).contains("stylise"));
            continue;
        }
        assert_eq!(desk.picture(&format!("{name}.png")).size(), [40, 40]);
        assert!(desk.ok(&format!("info {name}")).contains("sliced"));
    }
    let error = desk.refused("sample granite");
    assert!(error.contains("built-in") && error.contains(names.lines().next().expect("a name")), "{error}");
    let first = names.lines().next().expect("a name");
    desk.keep(first, &desk.bytes("texture.safetensors"));
    assert!(!desk.ok(&format!("info {first}")).contains("sliced"));
}
