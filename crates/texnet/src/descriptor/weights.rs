//! Where VGG-19's weights lie on this machine. Nothing here touches the network.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The variable of the environment that names a file of weights.
pub const VGG19_VARIABLE: &str = "TEXNET_VGG";
/// torchvision's public file, ImageNet's first version; a state dict of 548 MiB.
pub const VGG19_URL: &str = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth";
/// What is known of its SHA-256, in hexadecimal: the first 32 bits, which its name carries.
pub const VGG19_SHA256: &str = "dcbb9e9d";
/// Its name in the cache.
const CACHED: &str = "vgg19-dcbb9e9d.pth";

/// Why there are no weights.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WeightsError {
    /// A path that was given names no file.
    #[error("{path} ({given}) is no file: name a file of VGG-19's weights")]
    NoFile {
        /// The path.
        path: String,
        /// Who gave it: `--vgg` or `TEXNET_VGG`.
        given: &'static str,
    },
    /// Nothing was given, and the cache is empty.
    #[error(
        "VGG-19's weights are not on this machine: get them once with 'texnet weights vgg19' (548 MiB), \
         or name a file with --vgg or {VGG19_VARIABLE}"
    )]
    Missing,
}

/// The file of weights to use: the one given, or that of `TEXNET_VGG`, or that of the cache.
///
/// # Errors
/// What was given names no file, or nothing was given and the cache holds none.
pub fn find_vgg19(given: Option<&Path>) -> Result<PathBuf, WeightsError> {
    find(given, |name| std::env::var_os(name))
}

/// Where `texnet weights` puts VGG-19's weights, and where they are found again: in texnet's folder of the user's cache.
///
/// `None` where the user has neither a cache nor a home.
#[must_use]
pub fn vgg19_in_cache() -> Option<PathBuf> {
    cached(|name| std::env::var_os(name))
}

fn find(given: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, WeightsError> {
    let asked = given.map(|path| (path.to_owned(), "--vgg"));
    // An empty variable is one that is not set.
    let set = || variable(VGG19_VARIABLE).filter(|path| !path.is_empty());
    let asked = asked.or_else(|| set().map(|path| (path.into(), VGG19_VARIABLE)));
    match asked {
        Some((path, _)) if path.is_file() => Ok(path),
        Some((path, given)) => Err(WeightsError::NoFile { path: path.display().to_string(), given }),
        None => cached(variable).filter(|path| path.is_file()).ok_or(WeightsError::Missing),
    }
}

fn cached(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(cache_folder(variable)?.join("texnet").join(CACHED))
}

/// The user's cache, by the custom of the system.
fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path would name another folder in every directory: the XDG specification ignores it as well.
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        Some(folder("HOME")?.join("Library/Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with weights in its cache and two more files, and an environment in which it is home.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().expect("a temporary folder"));
            for name in ["given.pth", "set.pth"] {
                std::fs::write(home.path(name), "").expect("a writable folder");
            }
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn variable(&self, set: Option<&str>) -> impl Fn(&str) -> Option<OsString> {
            let set = set.map(|name| if name.is_empty() { OsString::new() } else { self.path(name).into() });
            let home = self.0.path().as_os_str().to_owned();
            move |name| match name {
                VGG19_VARIABLE => set.clone(),
                "HOME" | "LOCALAPPDATA" => Some(home.clone()),
                _ => None,
            }
        }
    }

    #[test]
    fn what_is_given_wins_over_the_variable_and_that_over_the_cache() {
        let home = Home::new();
        let given = home.path("given.pth");
        assert_eq!(find(Some(&given), home.variable(Some("set.pth"))), Ok(given));
        assert_eq!(find(None, home.variable(Some("set.pth"))), Ok(home.path("set.pth")));
        assert_eq!(find(None, home.variable(None)), Err(WeightsError::Missing));
        let cached = cached(home.variable(None)).expect("a home");
        std::fs::create_dir_all(cached.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(&cached, "").expect("a writable folder");
        assert_eq!(find(None, home.variable(None)), Ok(cached.clone()));
        assert_eq!(find(None, home.variable(Some(""))), Ok(cached));
    }

    #[test]
    fn a_name_that_was_given_must_be_that_of_a_file() {
        let home = Home::new();
        let sentence =
            |given: Option<&Path>, set| find(given, home.variable(set)).expect_err("refused").to_string();
        assert!(sentence(Some(&home.path("no.pth")), Some("set.pth")).contains("no.pth (--vgg)"));
        assert!(sentence(None, Some("no.pth")).contains("no.pth (TEXNET_VGG)"));
        assert!(sentence(Some(home.0.path()), None).contains("is no file"));
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn the_cache_is_that_of_xdg() {
        let of = |xdg: &'static str| {
            move |name: &str| match name {
                "XDG_CACHE_HOME" => Some(xdg.into()),
                "HOME" => Some("/me".into()),
                _ => None,
            }
        };
        assert_eq!(cached(of("/c")), Some("/c/texnet/vgg19-dcbb9e9d.pth".into()));
        assert_eq!(cached(of("relative")), Some("/me/.cache/texnet/vgg19-dcbb9e9d.pth".into()));
        assert_eq!(cached(|_| None), None);
    }
}
