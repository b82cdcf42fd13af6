# SPDX-License-Identifier: MIT
"""What tools/peers and tools/report share: programs that run one workload a process and print one JSON line
(bench/peers/README.md says how they are asked), measured in turn, and the command line of such a tool.

Every function may end the run: Failure is a sentence for the user (status 1), a usage error ends with 2.
"""

import difflib
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
PROCESS_LIMIT_S = 600
MOST_REPS = 1000

# What users set for their own programs must not reach ours or a peer's.
TUNING = re.compile(r"^(GOGC|GODEBUG|GOMEMLIMIT|GOMAXPROCS|GOEXPERIMENT|GOAMD64|GREYHOUND_(GC|MEMLIMIT|DEBUG|BUG)"
                    r"|MIMALLOC_.*|GC_.*|LD_PRELOAD|MALLOC_.*)$")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not TUNING.match(name)}


class Failure(Exception):
    """A sentence for the user that ends the run with status 1."""


def say(text):
    """A sentence on standard error; that nobody can read it changes nothing."""
    try:
        print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass


def usage_error(text):
    say(text)
    sys.exit(2)


def nearest(word, choices):
    return max(choices, key=lambda choice: difflib.SequenceMatcher(None, word, choice).ratio())


# --- options -------------------------------------------------------------------------------------


def parse_options(words, options, patterns=("--only",)):
    """{option: value} of `words`, by a table of options as --help shows it; `patterns` come compiled."""
    takes_value = {option.split()[0]: " " in option for option in options}
    given, rest = {}, list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == "-h":
            name = "--help"
        if name not in takes_value:
            usage_error(f"unknown option '{name}'; the nearest is '{nearest(name, takes_value)}'")
        if takes_value[name] and not equals:
            if not rest:
                usage_error(f"{name} needs a value")
            value = rest.pop(0)
        elif equals and not takes_value[name]:
            usage_error(f"{name} takes no value")
        if takes_value[name] and not value:
            usage_error(f"{name} needs a value, not ''")
        if takes_value[name] and name in given:
            usage_error(f"{name} is given more than once, with '{given[name]}' and '{value}'; it takes one value")
        given[name] = value
    for name in patterns:
        given[name] = compiled(name, given.get(name, ""))
    reps = given.get("--reps", "3" if "--quick" in given else "5")
    if not re.fullmatch("[0-9]{1,9}", reps) or not 1 <= int(reps) <= MOST_REPS:
        usage_error(f"--reps needs a whole number from 1 to {MOST_REPS}, not '{reps}'")
    given["--reps"] = int(reps)
    if "--out" in given:
        check_writable(given["--out"])
    return given


def check_writable(path):
    """Before hours of measuring. Leaves nothing behind, and what is there alone."""
    try:
        if os.path.exists(path):
            # A full device refuses even nothing; a folder is not opened.
            with open(path, "ab", buffering=0) as file:
                file.write(b"")
        if not os.path.exists(path) or os.path.isfile(path):
            beside = temporary_beside(path)
            try:
                with open(beside, "xb") as file:
                    file.write(bytes(1 << 16))
            finally:
                if os.path.exists(beside):
                    os.remove(beside)
    except OSError as error:
        usage_error(f"--out: cannot write {path}: {error.strerror}")


def temporary_beside(path):
    return os.path.join(os.path.dirname(os.path.realpath(path)), f".greyhound.{os.getpid()}.tmp")


def compiled(option, text):
    try:
        return re.compile(text)
    except re.error as error:
        usage_error(f"{option}: '{text}' is not a regular expression: {error}")


def print_help(usage, text, options):
    print(f"usage: {usage}\n\n" + text.split("\n", 2)[2])
    for option, meaning in options.items():
        print(f"  {option:<19} {meaning}")


def write_out(text, path):
    """To standard output, or into a file: the whole of it or nothing, whatever interrupts."""
    if path is None:
        sys.stdout.write(text)
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return
    beside = temporary_beside(path)
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, os.path.realpath(path))
    except BaseException as error:
        if os.path.exists(beside):
            os.remove(beside)
        if isinstance(error, OSError):
            raise Failure(f"{path}: cannot be written: {error.strerror}") from error
        raise


def run_tool(main):
    """Ends the process as `main` says, and with a sentence where it cannot go on."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that goes away is nothing to report
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGHUP, lambda number, _: sys.exit(128 + number))
    try:
        status = main()
        sys.stdout.flush()
    except Failure as failure:
        say(str(failure))
        status = 1
    except KeyboardInterrupt:
        say("interrupted")
        status = 130
    except OSError as error:
        say(f"standard output: cannot be written: {error.strerror}" if error.filename is None else str(error))
        os._exit(2)  # or Python would try to write what is left, and say so in its own way
    sys.exit(status)


# --- programs ------------------------------------------------------------------------------------


def build_targets(section, configure_again, *targets):
    """Builds C++ programs into BUILD/bin, with the packages of a section of tools/packages.txt."""
    # An argument makes greyhound_configure run CMake again: a peer may have been installed since.
    again = "-DGREYHOUND_BENCH=ON" if configure_again else ""
    script = (f". tools/setup.sh; greyhound_setup {section}; greyhound_configure release {again}; "
              f"greyhound_build release {' '.join(targets)}")
    if subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, stdout=sys.stderr).returncode != 0:
        raise Failure(f"the C++ programs of bench did not build: {' '.join(targets)}")


class Program:
    def __init__(self, name, path):
        self.name, self.path = name, path
        self.version = self.ask("--version")[0]
        self.workloads = self.ask("--list")

    def ask(self, option):
        done = subprocess.run([self.path, option], capture_output=True, text=True, env=ENVIRONMENT)
        if done.returncode != 0 or not done.stdout.strip():
            raise Failure(f"{self.path} {option} failed: {done.stderr.strip()}")
        return done.stdout.split("\n")[:-1]

    def run(self, workload, quick):
        """One measured repetition: the program's one JSON line."""
        command = [self.path, "--run", workload] + (["--quick"] if quick else [])
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=PROCESS_LIMIT_S)
        except subprocess.TimeoutExpired as expired:
            raise Failure(f"{self.name} {workload}: no result within {PROCESS_LIMIT_S} s") from expired
        if done.returncode != 0:
            reason = done.stderr.strip().split("\n")[-1] or "no message"
            raise Failure(f"{self.name} {workload}: exit {done.returncode}: {reason}")
        try:
            row = json.loads(done.stdout)
            # A negative one is a figure: the difference of two runs, say, that noise turned round.
            if row["workload"] != workload or not math.isfinite(row["value"]):
                raise ValueError("it is not this workload's figure")
            return row
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(f"{self.name} {workload}: bad JSON line {done.stdout.strip()!r}: {error}") from error


# --- measuring -----------------------------------------------------------------------------------


class Progress:
    """One line that follows the run, on a terminal only."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, text):
        if self.shown:
            left = ""
            if self.done:
                left = f", {(time.monotonic() - self.start) / self.done * (self.total - self.done):.0f} s left"
            sys.stderr.write(f"\r\033[K[{self.done + 1}/{self.total}{left}] {text}")
            sys.stderr.flush()
        self.done += 1

    def clear(self):
        if self.shown:
            sys.stderr.write("\r\033[K")


def measure(programs, workloads, reps, quick):
    """{workload: {program name: [JSON line of each repetition]}}, and the failures."""
    plan = [(rep, at, name) for rep in range(reps) for at, name in enumerate(workloads)]
    samples = {name: {} for name in workloads}
    failures = []
    progress = Progress(sum(name in p.workloads for _, _, name in plan for p in programs))
    for rep, at, name in plan:
        having = [p for p in programs if name in p.workloads]
        turn = (rep + at) % len(having)
        for program in having[turn:] + having[:turn]:
            progress.step(f"repetition {rep + 1} of {reps}: {name} on {program.name}")
            try:
                samples[name].setdefault(program.name, []).append(program.run(name, quick))
            except Failure as failure:
                progress.clear()
                say(str(failure))
                failures.append(str(failure))
    progress.clear()
    return samples, failures


def figure(value):
    return float(f"{value:.5g}")


def middle(lines, key):
    return figure(statistics.median(line[key] for line in lines))


def make_row(name, samples, ours_name):
    """A workload's medians over its repetitions, and ours over each of the others'."""
    values = {program: middle(lines, "value") for program, lines in samples.items()}
    ours = values.pop(ours_name, None)
    units = {line["unit"] for lines in samples.values() for line in lines}
    if len(units) != 1:
        raise Failure(f"{name}: the programs disagree about its unit: {', '.join(sorted(units))}")
    detail = {
        program: {key: middle(lines, key) for key in lines[0]
                  if all(isinstance(line.get(key), (int, float)) for line in lines) and key != "value"}
        for program, lines in samples.items()}
    spread = {program: [figure(min(line["value"] for line in lines)), figure(max(line["value"] for line in lines))]
              for program, lines in samples.items()}
    ratio = {program: figure(ours / value) for program, value in values.items() if ours is not None and value > 0}
    return {"workload": name, "unit": units.pop(), "ours": ours, "peers": values, "ratio": ratio,
            "range": spread, "detail": detail}


# --- the machine and the figures -----------------------------------------------------------------


def first_match(path, pattern, default="unknown"):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return default
    return match.group(1) if match else default


def busy_cores():
    """How many cores others use, over half a second of our doing nothing."""
    def busy_and_all():
        times = [int(word) for word in first_match("/proc/stat", r"^cpu +([\d ]+)", "0 0 0 0 0").split()]
        return sum(times[:8]) - sum(times[3:5]), sum(times[:8])

    busy, total = busy_and_all()
    time.sleep(0.5)
    busy_now, total_now = busy_and_all()
    return figure((busy_now - busy) / max(1, total_now - total) * os.cpu_count())


def describe_machine(programs):
    return {
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": figure(int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)", "0")) / 2**20),
        "kernel": os.uname().release,
        "huge_pages": first_match("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]"),
        "busy_cores_at_start": busy_cores(),
        "versions": {program.name: program.version for program in programs},
    }


def shown(value):
    return "-" if value is None else f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
