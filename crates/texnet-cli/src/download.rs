//! A large file from the network, in pieces that outlive an interruption.
//!
//! What has come lies in a partial file; the next run asks the server for the rest (RFC 9110, section 14) and starts
//! over where a server sends the whole. Whether it is the right file is for the caller to say. A thread of its own
//! talks to the server, so that Ctrl-C is heard while the network is silent.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use indicatif::ProgressBar;
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::report::{Interrupted, Report};

/// Longest silence of a server.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often Ctrl-C is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// Chunks that wait to be written.
const WAITING: usize = 16;

/// What the thread that talks to the server tells the one that writes.
enum Message {
    /// The bytes that follow begin here in the file, and end there, if that is known.
    Begin {
        at: u64,
        end: Option<u64>,
    },
    Bytes(Vec<u8>),
    End,
}

/// Completes a partial file, or begins it.
pub(crate) fn fetch(url: &str, part: &Path, name: &str, report: &Report) -> Result<()> {
    let mut file = File::options().create(true).append(true).open(part).with_context(unwritable(part))?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        bail!("another texnet is fetching {}: wait for it", part.display());
    }
    let have = file.metadata().with_context(unwritable(part))?.len();
    let (sender, receiver) = sync_channel(WAITING);
    let address = url.to_owned();
    std::thread::spawn(move || {
        let end = talk(&address, have, &sender);
        // Nobody listens any more after Ctrl-C.
        let _ = sender.send(end.map(|()| Message::End));
    });
    let bar = report.bar(0, name.to_owned());
    let received = receive(&receiver, &mut file, part, &bar, report);
    bar.finish_and_clear();
    let synced = file.sync_all().with_context(unwritable(part));
    received.and(synced).map_err(|error| with_what_is_kept(error, part))
}

fn unwritable(part: &Path) -> impl Fn() -> String {
    move || format!("{} cannot be written: is there room, and is the folder yours?", part.display())
}

/// Says how to go on; a partial file without a byte is not worth keeping.
pub(crate) fn with_what_is_kept(error: Error, part: &Path) -> Error {
    let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
    let interrupted = error.is::<Interrupted>();
    let what = if interrupted { "interrupted".to_owned() } else { format!("{error:#}") };
    let sentence = if have == 0 {
        // It is as good as not there, whether it goes or stays.
        let _ = fs::remove_file(part);
        what
    } else {
        let mib = have as f64 / f64::from(1 << 20);
        let part = part.display();
        format!("{what}; {mib:.1} MiB are kept in {part}, and the same command goes on from there")
    };
    if interrupted { error.context(sentence) } else { anyhow!(sentence) }
}

/// Writes what comes.
fn receive(
    receiver: &Receiver<Result<Message>>,
    file: &mut File,
    part: &Path,
    bar: &ProgressBar,
    report: &Report,
) -> Result<()> {
    loop {
        report.check()?;
        let message = match receiver.recv_timeout(GLANCE) {
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => bail!("the connection ended without a word"),
            Ok(message) => message?,
        };
        match message {
            Message::Begin { at, end } => {
                file.set_len(at).with_context(unwritable(part))?;
                bar.set_length(end.unwrap_or(0));
                bar.set_position(at);
            }
            Message::Bytes(bytes) => {
                file.write_all(&bytes).with_context(unwritable(part))?;
                bar.inc(bytes.len() as u64);
            }
            Message::End => return Ok(()),
        }
    }
}

/// Asks for the file from byte `have` on, and passes on what the server sends.
fn talk(url: &str, have: u64, sender: &SyncSender<Result<Message>>) -> Result<()> {
    let agent = agent(url)?;
    let response = ask(&agent, url, have)?;
    match response.status().as_u16() {
        200 => {
            let end = number(response.headers(), header::CONTENT_LENGTH.as_str());
            pass_on(response, 0, end, sender)
        }
        206 => {
            let (start, end) =
                content_range(response.headers()).context("the server sent an unclear part")?;
            ensure!(start == Some(have), "the server sent another part than it was asked for");
            pass_on(response, have, end, sender)
        }
        // The part is all there is, or more than that, and then it is of another file.
        416 if have > 0 => match content_range(response.headers()) {
            Some((_, Some(end))) if end == have => Ok(()),
            _ => talk(url, 0, sender),
        },
        404 | 410 => bail!(
            "there is nothing at {url} (the server says {}): name another source with --url",
            response.status()
        ),
        _ => bail!(
            "the server of {url} says {}: try again later, or name another source with --url",
            response.status()
        ),
    }
}

fn agent(url: &str) -> Result<Agent> {
    let config = Agent::config_builder()
        .user_agent(concat!("texnet/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE));
    let secure = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let config = if secure { config.tls_config(tls()?) } else { config };
    Ok(config.build().into())
}

/// Servers are checked against the system's certificates, so that those of a company's proxy count.
fn tls() -> Result<TlsConfig> {
    // An error only says that there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let found = rustls_native_certs::load_native_certs().certs;
    ensure!(!found.is_empty(), "this system has no certificates to check servers against: install them");
    let roots = found.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
    Ok(TlsConfig::builder().root_certs(RootCerts::from(roots)).build())
}

fn ask(agent: &Agent, url: &str, have: u64) -> Result<Response<Body>> {
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    request.call().map_err(|error| match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            anyhow!("'{url}' is no address ({error}): name one that begins with https://")
        }
        error => anyhow!(
            "{url} cannot be reached ({error}): connect to the network, \
             or fetch it elsewhere and name the file with --vgg"
        ),
    })
}

fn pass_on(
    response: Response<Body>,
    at: u64,
    end: Option<u64>,
    sender: &SyncSender<Result<Message>>,
) -> Result<()> {
    let gone = || anyhow!("nobody listens");
    sender.send(Ok(Message::Begin { at, end })).map_err(|_| gone())?;
    let mut body = response.into_body().into_reader();
    let mut have = at;
    loop {
        let mut bytes = vec![0; CHUNK];
        let read = body.read(&mut bytes).context("the connection broke")?;
        if read == 0 {
            break;
        }
        bytes.truncate(read);
        have += read as u64;
        sender.send(Ok(Message::Bytes(bytes))).map_err(|_| gone())?;
    }
    ensure!(end.is_none_or(|end| end == have), "the connection ended before the file did");
    Ok(())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Where a part begins, if it says so, and how long the whole is, if that is known.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.parse().ok());
    Some((start, whole.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_parts_are_read() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, text.parse().expect("a header"));
            content_range(&headers)
        };
        assert_eq!(of("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(of("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(of("bytes */10"), Some((None, Some(10))));
        assert_eq!(of("rows 5-9/10"), None);
        assert_eq!(content_range(&HeaderMap::new()), None);
    }
}
