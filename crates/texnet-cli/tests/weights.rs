//! `texnet weights` against a small server on this machine: whole, in parts, wrong, missing, cut, interrupted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Parts on request.
    Ranges,
    /// Always the whole file.
    Whole,
    /// Ends the connection after so many bytes of the body.
    Cut(usize),
    /// Sends so many bytes of the body, and then nothing for long.
    Stall(usize),
    Missing,
}

/// A server of one file that notes what it was asked for.
struct Server {
    port: u16,
    /// The `Range` of each request.
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    fn new(file: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let range = range(&stream);
                noted.lock().expect("no panic").push(range.clone());
                // The client may go away at any time.
                let _ = answer(stream, &file, manner, range.as_deref());
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<Option<String>> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Reads a request and returns its `Range`.
fn range(stream: &TcpStream) -> Option<String> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let headers: Vec<String> = lines.map(|line| line.to_ascii_lowercase()).collect();
    headers.iter().find_map(|line| line.strip_prefix("range: ").map(str::to_owned))
}

fn answer(mut stream: TcpStream, file: &[u8], manner: Manner, range: Option<&str>) -> std::io::Result<()> {
    if matches!(manner, Manner::Missing) {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start = start.filter(|_| !matches!(manner, Manner::Whole));
    let from: usize = start.unwrap_or(0);
    let whole = file.len();
    if from >= whole {
        let head = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n";
        return write!(stream, "{head}Content-Range: bytes */{whole}\r\n\r\n");
    }
    let last = whole - 1;
    match start {
        Some(_) => {
            write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{last}/{whole}\r\n")?
        }
        None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", whole - from)?;
    let body = &file[from..];
    match manner {
        Manner::Cut(bytes) => stream.write_all(&body[..bytes]),
        Manner::Stall(bytes) => {
            stream.write_all(&body[..bytes])?;
            // Until the client goes away.
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            stream.read(&mut [0]).map(|_| ())
        }
        _ => stream.write_all(body),
    }
}

/// 300 kB that differ everywhere.
fn file() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, server: &Server, digits: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_texnet"));
        let url = format!("http://127.0.0.1:{}/models/vgg19-{digits}.pth", server.port);
        command.current_dir(self.0.path()).args(["weights", "vgg19", "--url", &url]).args(more);
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }

    fn run(&self, server: &Server, digits: &str) -> Output {
        self.command(server, digits, &["-o", "a/vgg.pth"]).output().expect("the program starts")
    }

    fn ok(&self, server: &Server, digits: &str) {
        let output = self.run(server, digits);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(self.path("a/vgg.pth")).expect("the file"), file());
        assert!(!self.path("a/vgg.pth.part").exists());
    }

    fn refused(&self, server: &Server, digits: &str) -> String {
        let output = self.run(server, digits);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(!errors.contains("panicked") && errors.lines().count() == 1, "{errors}");
        errors
    }

    fn keep_part(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.path("a")).expect("a writable folder");
        std::fs::write(self.path("a/vgg.pth.part"), bytes).expect("a writable folder");
    }

    fn part(&self) -> Option<Vec<u8>> {
        std::fs::read(self.path("a/vgg.pth.part")).ok()
    }
}

#[test]
fn a_file_is_fetched_checked_and_not_fetched_again() {
    let desk = Desk::new();
    let server = Server::new(file(), Manner::Ranges);
    let digits = &hex(&file())[..8];
    desk.ok(&server, digits);
    desk.ok(&server, digits);
    assert_eq!(server.asked(), [None]);
}

#[test]
fn the_cache_is_where_it_goes_unless_told_otherwise() {
    let desk = Desk::new();
    let server = Server::new(file(), Manner::Ranges);
    let sha256 = hex(&file()).to_uppercase();
    let mut command = desk.command(&server, "x", &["--sha256", &sha256, "--json"]);
    let variable = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_CACHE_HOME" };
    let output = command.env(variable, desk.path("cache")).env("HOME", desk.path("home")).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = if cfg!(target_os = "macos") { "home/Library/Caches" } else { "cache" };
    let path = desk.path(folder).join("texnet").join("vgg19-dcbb9e9d.pth");
    assert_eq!(std::fs::read(&path).expect("the file"), file());
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["bytes"], 300_000);
    assert_eq!(result["sha256"], hex(&file()));
    assert_eq!(result["output"], path.display().to_string());
}

#[test]
fn a_partial_file_is_completed() {
    let desk = Desk::new();
    let server = Server::new(file(), Manner::Ranges);
    desk.keep_part(&file()[..100_001]);
    desk.ok(&server, &hex(&file())[..8]);
    assert_eq!(server.asked(), [Some("bytes=100001-".into())]);
}

#[test]
fn a_complete_part_is_only_checked_and_one_too_long_is_fetched_again() {
    let server = Server::new(file(), Manner::Ranges);
    for extra in [&b""[..], b"more"] {
        let desk = Desk::new();
        desk.keep_part(&[&file(), extra].concat());
        desk.ok(&server, &hex(&file())[..8]);
    }
    let asked: Vec<bool> = server.asked().iter().map(Option::is_some).collect();
    assert_eq!(asked, [true, true, false]);
}

#[test]
fn a_server_without_parts_sends_the_whole() {
    let desk = Desk::new();
    desk.keep_part(b"anything");
    desk.ok(&Server::new(file(), Manner::Whole), &hex(&file())[..8]);
}

#[test]
fn a_connection_that_breaks_leaves_what_came() {
    let desk = Desk::new();
    let digits = &hex(&file())[..8];
    let sentence = desk.refused(&Server::new(file(), Manner::Cut(123_456)), digits);
    assert!(sentence.contains("the same command goes on"), "{sentence}");
    assert_eq!(desk.part(), Some(file()[..123_456].to_vec()));
    desk.ok(&Server::new(file(), Manner::Ranges), digits);
}

#[test]
fn another_file_is_thrown_away_and_an_old_one_stays() {
    let desk = Desk::new();
    desk.keep_part(b"");
    std::fs::write(desk.path("a/vgg.pth"), "old").expect("a writable folder");
    let sentence = desk.refused(&Server::new(file(), Manner::Ranges), "0123abcd");
    assert!(sentence.contains("0123abcd") && sentence.contains(&hex(&file())[..8]), "{sentence}");
    assert_eq!(desk.part(), None);
    assert_eq!(std::fs::read(desk.path("a/vgg.pth")).expect("the file"), b"old");
}

#[test]
fn servers_that_have_nothing_or_are_not_there_are_named() {
    let desk = Desk::new();
    let sentence = desk.refused(&Server::new(file(), Manner::Missing), "0123abcd");
    assert!(sentence.contains("404") && sentence.contains("--url"), "{sentence}");
    assert_eq!(desk.part(), None);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let sentence = desk.refused(&Server { port, asked: Arc::default() }, "0123abcd");
    assert!(sentence.contains("cannot be reached"), "{sentence}");
    assert_eq!(desk.part(), None);
}

#[test]
fn a_source_without_a_digest_is_refused() {
    let desk = Desk::new();
    let server = Server::new(file(), Manner::Ranges);
    assert!(desk.refused(&server, "x").contains("--sha256"));
    assert!(server.asked().is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_came() {
    let desk = Desk::new();
    let digits = &hex(&file())[..8];
    let server = Server::new(file(), Manner::Stall(200_000));
    let mut command = desk.command(&server, digits, &["-o", "a/vgg.pth"]);
    let child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    for _ in 0..200 {
        if desk.part().is_some_and(|part| part.len() == 200_000) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("the same command goes on"), "{errors}");
    assert_eq!(desk.part(), Some(file()[..200_000].to_vec()));
    desk.ok(&Server::new(file(), Manner::Ranges), digits);
}
