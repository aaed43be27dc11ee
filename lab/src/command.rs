//! Children that end in time: every command of the lab and of xtask runs against a deadline.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::procfs;

/// What a command that was captured left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

/// Runs `command` with the streams it was given. Fails if it cannot be started, does not end
/// before `limit` (then it and its descendants are killed), or ends with a failure.
pub fn run(command: &mut Command, limit: Duration) -> Result<()> {
    run_telling(command, limit, &|_| {})
}

/// Like [`run`], and says every half minute for how long the command has run.
pub fn run_telling(command: &mut Command, limit: Duration, tell: &dyn Fn(Duration)) -> Result<()> {
    let name = describe(command);
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let mut passed = Duration::ZERO;
    while passed + BEAT < limit && wait(&mut child, BEAT)?.is_none() {
        passed += BEAT;
        tell(passed);
    }
    let left = limit.saturating_sub(passed);
    let status = wait_or_kill(&mut child, left).with_context(|| name.clone())?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}

/// How often a long command is told of.
const BEAT: Duration = Duration::from_secs(30);

/// Runs `command` without input and gives what it wrote, whether it succeeded or not.
pub fn capture(command: &mut Command, limit: Duration) -> Result<Output> {
    let name = describe(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let status = wait_or_kill(&mut child, limit).with_context(|| name)?;
    Ok(Output { status, stdout: text(stdout), stderr: text(stderr) })
}

/// Runs `command` and gives its standard output; a failure carries its standard error.
pub fn stdout(command: &mut Command, limit: Duration) -> Result<String> {
    let output = capture(command, limit)?;
    if !output.status.success() {
        bail!("{}: {}: {}", describe(command), output.status, output.stderr.trim());
    }
    Ok(output.stdout)
}

/// The program and its arguments as one line, shortened.
pub fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let mut line = name;
    for argument in command.get_args().take(6) {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Waits for `child` until `limit` has passed; `None` if it still runs then.
pub fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    if let Some(status) = child.try_wait()? {
        return Ok(Some(status));
    }
    let ends = Instant::now() + limit;
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    loop {
        let left = Timespec::try_from(ends.saturating_duration_since(Instant::now()))?;
        let mut watched = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut watched, Some(&left)) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(child.wait()?)),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for `child`; after `limit` it and its descendants are killed, which is an error.
pub fn wait_or_kill(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    if let Some(status) = wait(child, limit)? {
        return Ok(status);
    }
    for pid in procfs::descendants(child.id()) {
        // One that ended meanwhile is what was wanted.
        let _gone = Pid::from_raw(pid as i32).map(|pid| kill_process(pid, Signal::KILL));
    }
    child.kill()?;
    child.wait()?;
    bail!("did not end in time and was killed");
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A stream that breaks gives what came before.
        let _broken = stream.map(|mut s| s.read_to_end(&mut bytes));
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{Look, until};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_command_is_captured_with_its_failure() {
        let output = capture(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(9));
        let output = output.unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(output.status.code(), Some(3));
        let error = stdout(&mut shell("echo why >&2; false"), Duration::from_secs(9)).unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_its_descendants() {
        let began = Instant::now();
        let file = std::env::temp_dir().join(format!("bowline-hangs-{}", std::process::id()));
        let script = format!("sleep 77 & echo $! > {}; wait", file.display());
        let error = run(&mut shell(&script), Duration::from_millis(500)).unwrap_err();
        assert!(format!("{error:#}").contains("did not end"), "{error:#}");
        assert!(began.elapsed() < Duration::from_secs(20));
        let child: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        let gone = || {
            let left = procfs::look(child).filter(|seen| seen.state != 'Z');
            Ok(left.map_or(Look::There(()), |seen| Look::NotYet(format!("{seen:?}"))))
        };
        until("the child's end", Duration::from_secs(5), gone).unwrap();
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("/no/such/program"), Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().contains("cannot start program"), "{error}");
    }
}
