//! The program `bowline`: hands its arguments to the command line's module, and exits as it says.

use std::process::ExitCode;

fn main() -> ExitCode {
    bowline::cli::main()
}
