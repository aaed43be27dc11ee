//! Tools that the Python package index has, each with what it needs in a virtual environment of
//! its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Progress, build};

/// The least version that the packages ask for is 3.10; pip says so of an older one.
const PYTHON: &str = "python3";

/// Installs `package` into a virtual environment in the folder `into`. Its Python runs from
/// wherever the folder is moved to; its scripts do not.
pub(super) fn install(package: &str, into: &Path, progress: Progress<'_>) -> Result<()> {
    let environment = into.join("venv");
    let mut make = Command::new(PYTHON);
    make.args(["-m", "venv"]).arg(&environment);
    let without = || format!("{package} needs {PYTHON} with its module venv: install it first");
    build(&mut make, progress).with_context(without)?;
    progress(&format!("fetching {package} from the Python package index"));
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
    build(&mut pip, progress)
}
