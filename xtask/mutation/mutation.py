"""Mutation testing of `core`, with all mutants compiled at once.

cargo-mutants says what the mutants are (`cargo mutants --list --json`). Instead of compiling
each, as it does, every function gets all of its mutants as branches, and the environment says
which one is taken: one build, and a run of the tests that come through the function for each.

What does not compile that way is left out function by function and compiled alone.

    mutation.py prepare [--near]   list, generate, build, see which test comes through what
    mutation.py run [--shard K/N] [--only REGEX] [--again] [--minutes M] [--jobs J]
    mutation.py alone [--only REGEX] [--minutes M]
    mutation.py report [--missed REGEX]
    mutation.py all

Results stay in $BOWLINE_MUTATION (a folder); `run` goes on where the last one stopped, and with
`--again` plays those that nothing noticed once more.
"""

import argparse, json, os, random, re, resource, select, shutil, signal, subprocess, sys, threading, time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("BOWLINE_MUTATION", ROOT / "target/mutation"))
TREE, ALONE, PLAN = STATE / "all", STATE / "alone", STATE / "all.json"
RESULTS = STATE / "results.jsonl"
SKIPPED = STATE / "skipped.json"
ENV = dict(os.environ, CARGO_PROFILE_DEV_DEBUG="0", CARGO_PROFILE_TEST_DEBUG="0",
           PROPTEST_MAX_SHRINK_ITERS="0", RUST_BACKTRACE="0")
for name in ["CARGO_TARGET_DIR", "BOWLINE_MUTATION"]:
    ENV.pop(name, None)
SUITES = [("bowline-core", "core"), ("bowline-sim", "sim")]


# ---------------------------------------------------------------------------------------- sources

def listed():
    """The mutants as cargo-mutants lists them, with a name that adding a test does not change."""
    out = subprocess.run(["cargo", "mutants", "--list", "--package", "bowline-core", "--json"], cwd=ROOT, check=True,
                         capture_output=True, text=True)
    mutants, seen = json.loads(out.stdout), Counter()
    for mutant in mutants:
        where = mutant["function"]["function_name"] if mutant["function"] else "-"
        key = f"{mutant['file']}: " + mutant["name"].split(": ", 1)[1] + f" [{where}]"
        seen[key] += 1
        mutant["key"] = f"{key} #{seen[key]}"
        del mutant["diff"]
    return mutants


class Text:
    def __init__(self, path):
        self.text = path.read_text()
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def at(self, place):
        return self.starts[place["line"] - 1] + place["column"] - 1

    def span(self, span):
        return self.at(span["start"]), self.at(span["end"])


TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|r(\#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\])'|\w+|.""", re.S)


def body_of(text, start, end):
    """Where the body of the function in `text[start:end]` opens."""
    depth, after = 0, False
    for token in TOKEN.finditer(text, start, end):
        word = token.group()
        if word in ("(", "["):
            depth += 1
        elif word in (")", "]"):
            depth -= 1
        elif depth == 0 and word == "fn":
            after = True
        elif depth == 0 and after and word == "{":
            return token.start()
    return None


def lay_out(tree):
    """A workspace of core and sim alone; all else that their tests read is linked."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry.name in ("core", "sim"):
            shutil.copytree(entry, tree / entry.name)
        elif entry.name not in ("Cargo.toml", "Cargo.lock", ".git", "target", ".cargo"):
            (tree / entry.name).symlink_to(entry)
    shutil.copy(ROOT / "Cargo.lock", tree)
    manifest = (ROOT / "Cargo.toml").read_text()
    shared = manifest[: manifest.index("\n[package]")]
    shared = re.sub(r"members = .*", 'members = ["core", "sim"]', shared, count=1)
    shared = re.sub(r"default-members = .*\n", "", shared)
    # Who plays thousands of mutants gets the minutes of one slow build back.
    fast = "" if tree == ALONE else "opt-level = 1\n"
    (tree / "Cargo.toml").write_text(shared + "\n[profile.dev]\ndebug = false\n" + fast)


CHOICE = """
#[doc(hidden)]
pub mod mutation {
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    static CHOSEN: OnceLock<u32> = OnceLock::new();
    static TRACE: OnceLock<Option<std::sync::Mutex<std::fs::File>>> = OnceLock::new();
    static HIT: [AtomicBool; FUNCTIONS] = [const { AtomicBool::new(false) }; FUNCTIONS];
    pub fn at(function: usize) -> u32 {
        let chosen = *CHOSEN.get_or_init(|| {
            std::env::var("BOWLINE_MUTANT").ok().and_then(|t| t.parse().ok()).unwrap_or(u32::MAX)
        });
        if chosen == u32::MAX && !HIT[function].load(Ordering::Relaxed) {
            HIT[function].store(true, Ordering::Relaxed);
            let trace = TRACE.get_or_init(|| {
                let file = std::fs::OpenOptions::new().append(true).create(true)
                    .open(std::env::var("BOWLINE_TRACE").ok()?);
                file.ok().map(std::sync::Mutex::new)
            });
            if let Some(file) = trace {
                let _ = file.lock().map(|mut file| file.write_all(format!("{function}\\n").as_bytes()));
            }
        }
        chosen
    }
}
"""


def generate(mutants, skipped):
    """Writes core with all mutants in it; says which function each is in, and what lines it takes."""
    by_file = defaultdict(list)
    for number, mutant in enumerate(mutants):
        mutant["id"] = number
        by_file[mutant["file"]].append(mutant)
    function, lines, functions = 0, {}, {}
    for name, here in by_file.items():
        source = Text(ROOT / name)
        spans = {source.span(m["function"]["span"]) for m in here if m["function"]}
        outer = sorted(s for s in spans if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in spans))
        out, done = [], 0
        for start, end in outer:
            opens = body_of(source.text, start, end)
            constant = opens is None or re.search(r"\bconst fn\b", source.text[start:opens])
            inside = []
            for m in here:
                a, b = source.span(m["span"])
                if not constant and opens <= a and b <= end:
                    m["fn"] = function
                    if m["key"] not in skipped:
                        inside.append((m, a, b))
            if not inside:
                function += 1
                continue
            out.append(source.text[done:opens] + "{ match crate::mutation::at(%d) {\n" % function)
            first = sum(piece.count("\n") for piece in out)
            body = source.text[opens:end]
            for m, a, b in inside:
                line = sum(piece.count("\n") for piece in out)
                piece = f"{m['id']} => return {source.text[opens:a]} {m['replacement']} {source.text[b:end]},\n"
                out.append(piece)
                lines.setdefault(name, []).append((line + 1, line + piece.count("\n"), m["id"]))
            out.append("_ => {} }\n" + body + "\n}")
            functions.setdefault(name, []).append((first, sum(piece.count("\n") for piece in out) + 1, function))
            done = end
            function += 1
        out.append(source.text[done:])
        write(TREE / name, "".join(out))
    root = (ROOT / "core/src/lib.rs").read_text() + CHOICE.replace("FUNCTIONS", str(max(function, 1)))
    # A mutant may divide by zero before the compiler's eyes: that is for the tests to find.
    allowed = "#![allow(warnings, missing_docs, arithmetic_overflow, unconditional_panic, unconditional_recursion)]\n"
    write(TREE / "core/src/lib.rs", with_attribute(root, allowed))
    return lines, functions


def with_attribute(source, attribute):
    """The source with an attribute of the whole crate, behind the lines that describe it."""
    lines = source.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if not line.startswith("//!"))
    return "".join([*lines[:first], attribute, *lines[first:]])


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


# ------------------------------------------------------------------------------------------ build

def cargo(arguments, tree, target="build-all"):
    command = ["cargo", *arguments, "--offline", "--message-format=json"]
    done = subprocess.run(command, cwd=tree, env=dict(ENV, CARGO_TARGET_DIR=str(STATE / target)), capture_output=True,
                          text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [m["message"] for m in messages if m.get("reason") == "compiler-message" and m["message"]["level"] == "error"]
    programs = {}
    for m in messages:
        if m.get("reason") == "compiler-artifact" and m.get("executable") and m["profile"]["test"]:
            package = "sim" if "/sim" in m["package_id"].split("#")[0] else "core"
            programs[f"{package}/{m['target']['name']}"] = m["executable"]
    if done.returncode and not errors:
        sys.exit(done.stderr)
    return errors, programs


def settle(mutants):
    """Leaves out what does not compile, until the rest does."""
    skipped = json.loads(SKIPPED.read_text()) if SKIPPED.exists() else {}
    keys = {m["key"] for m in mutants}
    skipped = {key: why for key, why in skipped.items() if key in keys}
    while True:
        lines, functions = generate(mutants, skipped)
        started = time.time()
        errors, _ = cargo(["check", "-p", "bowline-core"], TREE)
        before = len(skipped)
        for error in errors:
            for span in error["spans"]:
                if span["is_primary"]:
                    leave_out(mutants, (lines, functions), span, error, skipped)
        print(f"check: {len(errors)} errors, {len(skipped)} left out, {time.time() - started:.0f} s", flush=True)
        SKIPPED.write_text(json.dumps(skipped, indent=1))
        if not errors:
            return
        if len(skipped) == before:
            for error in errors:
                print(error["rendered"])
            sys.exit("these errors are in no mutant")


def leave_out(mutants, tables, span, error, skipped):
    lines, functions = tables
    line, code = span["line_start"], (error.get("code") or {}).get("code", "?")
    for first, last, number in lines.get(span["file_name"], []):
        if first <= line <= last:
            skipped.setdefault(mutants[number]["key"], f"{code} {error['message'][:90]}")
            return
    for first, last, function in functions.get(span["file_name"], []):
        if first - 40 <= line <= last:
            print("function", function, error["rendered"][:300])
            for m in mutants:
                if m.get("fn") == function:
                    skipped.setdefault(m["key"], f"function {code} {error['message'][:90]}")
            return


# -------------------------------------------------------------------------------------------- run

def limits(seconds):
    """Before a test: in time of its processor, since the machine may be busy; and in memory."""
    def apply():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        os.setpgid(0, 0)
    return apply


def play(program, names, seconds, env):
    """Runs tests of one program until the first fails: how it ended, which, and what it took."""
    command = [program["path"], "--test-threads=1", "--exact", *names]
    child = subprocess.Popen(command, cwd=TREE / program["folder"], env=dict(ENV, **env), stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, preexec_fn=limits(int(seconds) + 1))
    text, how = b"", None
    end = time.time() + 1200
    while how is None:
        ready, _, _ = select.select([child.stdout], [], [], max(0, end - time.time()))
        piece = os.read(child.stdout.fileno(), 65536) if ready else b""
        text += piece
        if b"FAILED" in text:
            before = text[: text.index(b"FAILED")].decode(errors="replace")
            how = ("failed", before.rsplit("test ", 1)[-1].split(" ")[0])
        elif not ready:
            how = ("timeout", "?")
        elif not piece:
            how = ("", "")
    try:
        if how[0]:
            os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if not how[0]:
        last = text.decode(errors="replace").rsplit("\ntest ", 1)[-1].split(" ")[0]
        ran_out = child.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
        how = ("passed", "") if child.returncode == 0 else ("timeout" if ran_out else "failed", last)
    return *how, used.ru_utime + used.ru_stime


def trace(programs, longest):
    """Which functions each test comes through, and how long it takes; but those that take longer."""
    jobs = []
    for name, path in programs.items():
        program = {"path": path, "folder": name.split("/")[0]}
        out = subprocess.run([path, "--list", "--format", "terse"], capture_output=True, text=True,
                             cwd=TREE / program["folder"]).stdout
        jobs += [(name, program, line[: -len(": test")]) for line in out.splitlines() if line.endswith(": test")]

    def one(job):
        name, program, test = job
        to = STATE / "trace" / f"{threading.get_ident()}"
        to.parent.mkdir(exist_ok=True)
        to.unlink(missing_ok=True)
        how, _, seconds = play(program, [test], longest, {"BOWLINE_TRACE": str(to)})
        hit = sorted({int(line) for line in to.read_text().split()}) if to.exists() else []
        return {"program": name, "test": test, "how": how, "seconds": seconds, "hit": hit}

    with ThreadPoolExecutor(2) as pool:
        tests = list(pool.map(one, jobs))
    for bad in [t for t in tests if t["how"] != "passed"]:
        why = "left out, too long:" if bad["how"] == "timeout" else "without a mutant, not passed:"
        print(why, bad["program"], bad["test"])
    return [t for t in tests if t["how"] == "passed"]


def prepare(options):
    STATE.mkdir(parents=True, exist_ok=True)
    mutants = listed()
    lay_out(TREE)
    settle(mutants)
    started = time.time()
    which = ["--lib", "--tests", "-p", "bowline-core", "-p", "bowline-sim"]
    if options.near:
        which = ["--lib", "-p", "bowline-core"]
    errors, programs = cargo(["test", "--no-run", *which], TREE)
    if errors:
        sys.exit("\n".join(e["rendered"] for e in errors[:5]))
    print(f"built in {time.time() - started:.0f} s: {sorted(programs)}", flush=True)
    started = time.time()
    tests = trace(programs, options.longest)
    print(f"{len(tests)} tests traced in {time.time() - started:.0f} s", flush=True)
    skipped = json.loads(SKIPPED.read_text())
    for m in mutants:
        m["skipped"] = skipped.get(m["key"])
    PLAN.write_text(json.dumps({"mutants": mutants, "programs": programs, "tests": tests}))


def batches(tests, mutant, longest):
    """Tests that come through a mutant's function: its own module's, then quick ones, then each long one."""
    reached = [t for t in tests if mutant["fn"] in t["hits"] and t["seconds"] < longest]
    module = mutant["file"].removeprefix("core/src/").split("/")[0].removesuffix(".rs") + "::"

    def stage(test):
        if test["seconds"] > 0.5:
            return (2 + test["program"].startswith("sim"), test["seconds"], test["program"])
        near = test["program"] == "core/bowline_core" and test["test"].startswith(module)
        return (0 if near else 1 + 2 * test["program"].startswith("sim"), 0, test["program"])

    groups = defaultdict(list)
    for test in reached:
        groups[stage(test)].append(test)
    return [groups[key] for key in sorted(groups)]


def judge(plan, mutant, longest):
    if mutant["skipped"] or "fn" not in mutant:
        return None
    groups = batches(plan["tests"], mutant, longest)
    if not groups:
        return {"how": "missed", "by": "no test comes here"}
    for batch in groups:
        name = batch[0]["program"]
        program = {"path": plan["programs"][name], "folder": name.split("/")[0]}
        seconds = 3 + 3 * sum(t["seconds"] for t in batch)
        how, by, _ = play(program, [t["test"] for t in batch], seconds, {"BOWLINE_MUTANT": str(mutant["id"])})
        if how != "passed":
            return {"how": "caught" if how == "failed" else "timeout", "by": f"{name} {by}"}
    return {"how": "missed", "by": f"{sum(map(len, groups))} tests come here"}


def unviable(mutant):
    """Whether it is the mutant itself that does not compile, and not its standing beside others."""
    returned = (mutant["function"] or {}).get("return_type", "")
    return bool(mutant["skipped"]) and not mutant["skipped"].startswith("function ") and "impl " not in returned


def results():
    known = {}
    if RESULTS.exists():
        for line in RESULTS.read_text().splitlines():
            one = json.loads(line)
            # Other tests, or other parts of them, may have been asked later and seen nothing.
            if known.get(one["key"], one)["how"] in ("missed", one["how"]):
                known[one["key"]] = one
    return known


def run(options):
    plan = json.loads(PLAN.read_text())
    for t in plan["tests"]:
        t["hits"] = set(t["hit"])
    known = results()
    todo = list(plan["mutants"])
    random.Random(4).shuffle(todo)
    if options.shard:
        k, n = map(int, options.shard.split("/"))
        todo = todo[k::n]
    if options.only:
        todo = [m for m in todo if re.search(options.only, m["key"])]
    todo = [m for m in todo if m["key"] not in known or (options.again and known[m["key"]]["how"] == "missed")]
    todo = [m for m in todo if not m["skipped"] and "fn" in m]
    end, lock, count = time.time() + 60 * options.minutes, threading.Lock(), Counter()

    def one(mutant):
        if time.time() > end:
            return
        started = time.time()
        found = judge(plan, mutant, options.longest)
        found.update(key=mutant["key"], name=mutant["name"], seconds=round(time.time() - started, 2))
        with lock:
            count[found["how"]] += 1
            with RESULTS.open("a") as file:
                file.write(json.dumps(found) + "\n")
            if sum(count.values()) % 50 == 0:
                print(f"{sum(count.values())} of {len(todo)}: {dict(count)}", flush=True)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, todo))
    print("done", dict(count), flush=True)


# ------------------------------------------------------------------------------------------ alone

def alone(options):
    """What cannot stand beside others is compiled by itself."""
    plan, known = json.loads(PLAN.read_text()), results()
    todo = [m for m in plan["mutants"] if (m["skipped"] or "fn" not in m) and m["key"] not in known]
    todo = [m for m in todo if not unviable(m)]
    todo = [m for m in todo if not options.only or re.search(options.only, m["key"])]
    lay_out(ALONE)
    end = time.time() + 60 * options.minutes
    for m in todo:
        if time.time() > end:
            break
        source = Text(ALONE / m["file"])
        a, b = source.span(m["span"])
        write(ALONE / m["file"], source.text[:a] + " " + m["replacement"] + " " + source.text[b:])
        found = by_itself(m)
        write(ALONE / m["file"], source.text)
        found.update(key=m["key"], name=m["name"])
        print(found["how"], m["name"], flush=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps(found) + "\n")


def by_itself(m):
    errors, _ = cargo(["check", "-p", "bowline-core"], ALONE, "build-alone")
    if errors:
        return {"how": "unviable", "by": errors[0]["message"][:100]}
    errors, programs = cargo(["test", "--no-run", "--lib", "--tests", "-p", "bowline-core"], ALONE, "build-alone")
    if errors:
        return {"how": "caught", "by": f"a test does not compile: {errors[0]['message'][:80]}"}
    for name, path in sorted(programs.items()):
        how, by, _ = play({"path": path, "folder": "core"}, [], 120, {})
        if how != "passed":
            return {"how": "caught" if how == "failed" else "timeout", "by": f"{name} {by}"}
    return {"how": "missed", "by": "alone"}


# ----------------------------------------------------------------------------------------- report

def report(options):
    plan, known = json.loads(PLAN.read_text()), results()
    table, total = defaultdict(Counter), Counter()
    for m in plan["mutants"]:
        how = "unviable" if unviable(m) else known.get(m["key"], {"how": "not run"})["how"]
        module = m["file"].removeprefix("core/src/").split("/")[0].removesuffix(".rs")
        table[module][how] += 1
        total[how] += 1
        if options.missed and how == "missed" and re.search(options.missed, m["name"]):
            print(m["name"].removeprefix("core/src/"), "--", known[m["key"]]["by"])
    heads = ["caught", "timeout", "missed", "unviable", "not run"]
    print("| module | " + " | ".join(heads) + " | score |\n|" + " --- |" * (len(heads) + 2))
    for module, counts in [*sorted(table.items()), ("all", total)]:
        good = counts["caught"] + counts["timeout"]
        viable = good + counts["missed"]
        score = f"{100 * good / viable:.1f} %" if viable else "-"
        print(f"| {module} | " + " | ".join(str(counts[h]) for h in heads) + f" | {score} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["all", "prepare", "run", "alone", "report"])
    parser.add_argument("--shard")
    parser.add_argument("--only")
    parser.add_argument("--missed")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--longest", type=float, default=1, help="leaves out tests that take more seconds")
    parser.add_argument("--near", action="store_true", help="prepare: the unit tests alone")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    parts = {"prepare": prepare, "run": run, "alone": alone, "report": report}
    for part in parts if options.what == "all" else [options.what]:
        parts[part](options)


if __name__ == "__main__":
    main()
