//! What commands print: a reader that is gone or a disk that is full is an error, and ends nothing by
//! itself.

use std::{
    error::Error,
    fmt,
    io::{self, Write as _, stdout},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
};

use rustix::{
    fs::{fstat, fsync},
    io::Errno,
};

/// Something that could not be printed.
#[derive(Debug)]
pub(crate) struct Unprinted(io::Error);

impl Unprinted {
    /// Returns whether the reader is gone, as behind a pipe to `head`.
    pub(crate) fn is_reader_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Unprinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output cannot be written ({})", self.0)
    }
}

impl Error for Unprinted {}

/// Prints a line, or several.
///
/// # Errors
/// When not all of it was taken.
pub(crate) fn print(text: &str) -> Result<(), Unprinted> {
    write(&format!("{text}\n")).map_err(Unprinted)
}

/// Prints the progress of work that goes on even where it cannot be printed.
pub(crate) fn tell(text: &str) {
    let _ = print(text);
}

/// Prints what cannot be had again.
///
/// # Errors
/// When not all of it was written, or stored on disk where the output is a file.
pub(crate) fn hand_over(text: &str) -> Result<(), Unprinted> {
    check_is_somewhere().map_err(Unprinted)?;
    print(text)?;
    match fsync(stdout()) {
        Err(error) if error != Errno::INVAL && error != Errno::ROFS => Err(Unprinted(error.into())),
        _ => Ok(()),
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Refuses a standard output that is closed, which the null device then stands for, or the null
/// device itself.
fn check_is_somewhere() -> io::Result<()> {
    let null = std::fs::metadata("/dev/null").ok();
    let null = null.filter(|null| null.file_type().is_char_device()).map(|null| null.rdev());
    let out = fstat(stdout())?;
    if null == Some(out.st_rdev) {
        return Err(io::Error::other("it is closed, or /dev/null"));
    }
    Ok(())
}
