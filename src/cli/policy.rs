//! `bowline policy`: checks policies, and prints the schema for editors. Changes nothing.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bowline_core::policy::{self, Policy, Problems};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

/// `bowline policy`.
#[derive(Clone, Debug, Args)]
pub struct PolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What `bowline policy` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check policies: every error at once, with its place and what to do.
    Validate {
        /// Files to check; `-` reads standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How to print.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print the JSON Schema of a policy, for editors.
    Schema,
}

/// How `bowline policy validate` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: valid policies on standard output, problems on standard error.
    #[default]
    Text,
    /// One JSON document on standard output.
    Json,
}

/// What came of it, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well; maybe with warnings.
    Valid,
    /// At least one policy is refused.
    Refused,
}

/// Runs `bowline policy`; `out` is for data, `err` for everything else.
///
/// # Errors
/// A file that cannot be read, or an output that cannot be written. A policy that is refused is no
/// error but an [`Outcome`].
pub fn run(args: &PolicyArgs, out: &mut impl Write, err: &mut impl Write) -> Result<Outcome> {
    match &args.command {
        PolicyCommand::Schema => {
            writeln!(out, "{:#}", policy::json_schema())?;
            Ok(Outcome::Valid)
        }
        PolicyCommand::Validate { files, output: Output::Text } => text(files, out, err),
        PolicyCommand::Validate { files, output: Output::Json } => document(files, out),
    }
}

/// The policies of a file, or what is wrong with it; with what is worth a look.
struct Checked {
    policies: Vec<Policy>,
    problems: Problems,
}

impl Checked {
    fn outcome(&self) -> Outcome {
        if self.problems.errors() == 0 { Outcome::Valid } else { Outcome::Refused }
    }
}

/// Checks files together: what one lists, another may not.
fn check(files: &[PathBuf]) -> Result<Vec<Checked>> {
    let named = |file: &PathBuf| Ok((file.display().to_string(), read(file)?));
    let texts = files.iter().map(named).collect::<Result<Vec<_>>>()?;
    let checked = |loaded: Result<policy::Loaded, Problems>| match loaded {
        Ok(policy::Loaded { policies, warnings }) => Checked { policies, problems: warnings },
        Err(problems) => Checked { policies: Vec::new(), problems },
    };
    Ok(policy::load_all(&texts).into_iter().map(checked).collect())
}

pub(super) fn read(file: &Path) -> Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text)
}

fn text(files: &[PathBuf], out: &mut impl Write, err: &mut impl Write) -> Result<Outcome> {
    let mut outcome = Outcome::Valid;
    for (file, checked) in files.iter().zip(check(files)?) {
        if !checked.problems.list.is_empty() {
            writeln!(err, "{}\n", checked.problems)?;
        }
        for policy in &checked.policies {
            writeln!(out, "{}: {}", file.display(), in_a_line(policy))?;
        }
        if checked.outcome() == Outcome::Refused {
            outcome = Outcome::Refused;
        }
    }
    Ok(outcome)
}

fn in_a_line(policy: &Policy) -> String {
    format!(
        "{}/{} is valid: {} to {}, {}",
        policy.namespace,
        policy.group,
        policy.home.scope.region,
        policy.standby.scope.region,
        if policy.database.is_some() { "with a database" } else { "no database" },
    )
}

fn document(files: &[PathBuf], out: &mut impl Write) -> Result<Outcome> {
    let checked = check(files)?;
    let refused = checked.iter().any(|one| one.outcome() == Outcome::Refused);
    let files: Vec<Value> = checked.iter().map(in_json).collect();
    writeln!(out, "{:#}", json!({"valid": !refused, "files": files}))?;
    Ok(if refused { Outcome::Refused } else { Outcome::Valid })
}

fn in_json(checked: &Checked) -> Value {
    let groups: Vec<Value> = checked
        .policies
        .iter()
        .map(
            |policy| json!({"namespace": policy.namespace.as_str(), "name": policy.group.as_str()}),
        )
        .collect();
    let mut file = checked.problems.to_json();
    file["groups"] = groups.into();
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");

    fn validate(files: &[&str], output: Output) -> (Outcome, String, String) {
        let files = files.iter().map(|file| Path::new(EXAMPLES).join(file)).collect();
        let args = PolicyArgs { command: PolicyCommand::Validate { files, output } };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let outcome = run(&args, &mut out, &mut err).expect("files that are there");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (outcome, text(out), text(err))
    }

    /// A file of its own in the temporary folder, removed at the end.
    struct Refused(PathBuf);

    impl Refused {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}.yaml", std::process::id()));
            let text = std::fs::read_to_string(Path::new(EXAMPLES).join("minimal.yaml"))
                .expect("an example");
            std::fs::write(&path, text.replace("quorum: 2", "quorum: 7")).expect("written");
            Self(path)
        }

        fn name(&self) -> &str {
            self.0.to_str().expect("a plain name")
        }
    }

    impl Drop for Refused {
        fn drop(&mut self) {
            drop(std::fs::remove_file(&self.0));
        }
    }

    #[test]
    fn valid_policies_are_named_on_standard_output_and_nothing_else_is_said() {
        let (outcome, out, err) = validate(&["shop.yaml", "minimal.yaml"], Output::Text);
        assert_eq!(outcome, Outcome::Valid);
        assert_eq!(err, "");
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].ends_with(
            "shop.yaml: bowline/shop is valid: eu-west-1 to eu-central-1, with a database"
        ));
        assert!(
            lines[1].ends_with("default/site is valid: eu-west-1 to eu-central-1, no database")
        );
    }

    #[test]
    fn a_refused_policy_does_not_hide_the_next() {
        let refused = Refused::new("bowline-text");
        let (outcome, out, err) = validate(&[refused.name(), "shop.yaml"], Output::Text);
        assert_eq!(outcome, Outcome::Refused);
        assert!(err.contains("error[BL1013]: spec.health.quorum"), "{err}");
        assert!(out.contains("bowline/shop is valid"), "{out}");
    }

    #[test]
    fn as_json_it_is_one_document() {
        let refused = Refused::new("bowline-json");
        let (outcome, out, err) = validate(&[refused.name(), "shop.yaml"], Output::Json);
        assert_eq!((outcome, err.as_str()), (Outcome::Refused, ""));
        let document: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(document["valid"], false);
        assert_eq!(document["files"][0]["problems"][0]["code"], "BL1013");
        assert_eq!(document["files"][1]["groups"][0]["name"], "shop");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_that_names_it() {
        let files = vec![PathBuf::from("/nowhere/shop.yaml")];
        let args = PolicyArgs { command: PolicyCommand::Validate { files, output: Output::Text } };
        let error = run(&args, &mut Vec::new(), &mut Vec::new()).expect_err("no such file");
        assert_eq!(error.to_string(), "cannot read /nowhere/shop.yaml");
    }

    #[test]
    fn the_schema_is_one_json_document() {
        let args = PolicyArgs { command: PolicyCommand::Schema };
        let mut out = Vec::new();
        assert_eq!(run(&args, &mut out, &mut Vec::new()).expect("written"), Outcome::Valid);
        let schema: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(schema["type"], "object");
    }
}
