# The contributor's manual: every command of the project, and when to use it.
# `just` lists them. Without `just`, type what stands under the recipe's name.

# Lists the recipes.
default:
    @just --list --unsorted

# Plays a Region's failure and the way home, in a simulated world.
demo *ARGUMENTS:
    cargo run --release -- demo {{ARGUMENTS}}

# Before a commit: formatting, lints, tests, a campaign, fuzzing, documentation. No lab; a quarter of an hour.
check:
    cargo xtask test --quick

# Before a push: everything CI checks, the lab included. The first run builds the lab's tools.
test:
    cargo xtask test

# The whole story on real parts: a Region dies, the way home, a switchover, a failover by hand. Most of an hour.
story:
    cargo xtask story

# The same stage to try by hand; it prints what to export and what to type.
stage:
    cargo xtask lab up --story

# As CI runs it: like `test`, with build results kept in the cache folder.
ci:
    .ci/run

# Puts the code into the shape that `check` asks for.
format:
    cargo fmt --all

# Feeds every parser what nobody would write, for so many seconds each; `just fuzz 5` before a push.
fuzz SECONDS="600":
    cargo xtask fuzz --seconds {{SECONDS}}

# Breaks Bowline on purpose, bug by bug, and tells which promise noticed.
mutants *ARGUMENTS:
    cargo xtask mutants {{ARGUMENTS}}

# A million round trips of whole nodes under all faults; it goes on where it was stopped.
campaign *ARGUMENTS:
    cargo xtask campaign {{ARGUMENTS}}

# Every mutant that cargo-mutants knows of core, against the quick tests: hours the first time.
mutants-core *ARGUMENTS:
    cargo xtask mutants --core {{ARGUMENTS}}

# How long, deep and tested the code is; the limits are in tests/tidy.rs and tests/tidy/.
tidy:
    cargo xtask tidy

# The documentation of all crates, in the browser.
docs:
    cargo doc --workspace --no-deps --open

# Builds the lab's tools into the cache folder ($BOWLINE_CACHE, else ~/.cache/bowline): once per version.
tools:
    cargo xtask tools

# Starts three clusters on loopback, leaves them running, and prints what to export.
lab-up:
    cargo xtask lab up

# The lab's processes with state and memory, and which API servers are ready.
lab-status:
    cargo xtask lab status

# Ends the lab and removes its files.
lab-down:
    cargo xtask lab down

# Only the tests that need the lab; NAME picks some by a part of their name.
lab-test NAME="":
    cargo xtask tools
    cargo test --workspace --tests -- --ignored --test-threads=1 {{NAME}}

# After changing imports in lab/controlplane, or Kubernetes' version there: brings go.sum up to date.
lab-tidy:
    cd lab/controlplane && go mod tidy && gofmt -l . && go vet .

# The replacements are derived from the release's own go.mod. Afterwards change KUBERNETES in
# lab/src/install/recipes.rs to the same, and run `just test`.
#
# Takes another Kubernetes release into the lab, say v1.36.4.
lab-bump VERSION:
    #!/usr/bin/env bash
    set -euo pipefail
    cd lab/controlplane
    version={{VERSION}}
    go mod edit -require="k8s.io/kubernetes@$version"
    module=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
    awk '/=> .\/staging\// { print $1 }' "$module" | while read -r name; do
        go mod edit -replace="$name=$name@v0.${version#v1.}"
    done
    go mod tidy
