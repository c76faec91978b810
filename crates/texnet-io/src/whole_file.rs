//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::Builder;

/// Lets `fill` write a temporary file beside `path` and gives it that name when it is complete; whatever goes
/// wrong before, the temporary file is removed and an existing file stays as it was.
///
/// # Errors
/// Those of `fill`, and those of the file system.
pub fn write_whole<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let target = target(path)?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = builder().tempfile_in(folder)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|e| e.error)?;
    Ok(())
}

/// The file that a name stands for, links followed; only a regular file may be replaced.
fn target(path: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(path).is_err() {
        // There is nothing yet; a name that cannot be taken shows when the file is made.
        return Ok(path.to_owned());
    }
    let refused = |what: &str| io::Error::other(format!("the target {what}: name another file"));
    let target = fs::canonicalize(path).map_err(|_| refused("is a link that leads nowhere"))?;
    if !fs::metadata(&target)?.is_file() {
        return Err(refused("exists and is no regular file"));
    }
    Ok(target)
}

/// Temporary files with the permissions of any new file, not those of secrets.
fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".texnet-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
