# SPDX-License-Identifier: MIT
"""The rows of docs/performance.md: what each is computed from, and what it is held to.

A row's figure comes from the medians of one run, never from two: ratios to peers and the differences between
two peers' workloads from tools/peers, the rest from bench/limits. A row without a limit is only reported.
"""

from dataclasses import dataclass
from typing import Callable, Optional

OURS = "greyhound"
LIMITS = "limits"
OLD_GO, NEW_GO = "Go 1.19", "newest Go"
NEW_GO_ALLOWANCE = 1.5  # the ratios were set against Go 1.19; its successors allocate and mark faster


class Figures:
    """The medians of a run; everything asked of it is None when it was not measured."""

    def __init__(self, peer_rows, limit_rows):
        self.peer_rows = {row["workload"]: row for row in peer_rows}
        self.limit_rows = {row["workload"]: row for row in limit_rows}
        gos = {name for row in peer_rows for name in row["peers"] if name.startswith("go")}
        ordered = sorted(gos, key=lambda name: [int(part) for part in name[2:].split(".") if part.isdecimal()])
        old = [name for name in ordered if name.startswith("go1.19")]
        new = [name for name in ordered if not name.startswith("go1.19")]
        self.names = {OLD_GO: old[-1] if old else None, NEW_GO: new[-1] if new else None}

    def of(self, workload, program, field=None):
        """`program` is a peer's column, OURS, or LIMITS for a workload of our own program."""
        row = (self.limit_rows if program == LIMITS else self.peer_rows).get(workload)
        if row is None:
            return None
        program = self.names.get(program, program)
        if field is not None:
            return row["detail"].get(program, {}).get(field)
        return row["ours"] if program in (OURS, LIMITS) else row["peers"].get(program)

    def noisy(self, workload, program):
        """Whether the repetitions lay more than a fifth of the median apart."""
        row = (self.limit_rows if program == LIMITS else self.peer_rows).get(workload)
        low, high = (row or {"range": {}})["range"].get(self.names.get(program, program), (0, 0))
        value = self.of(workload, program)
        return bool(value) and high - low > value / 5


@dataclass
class Row:
    name: str                  # what --only matches
    what: str                  # for the reader
    unit: str
    peers: tuple = ()          # the workloads it needs of tools/peers
    limits: tuple = ()         # and of bench/limits
    value: Optional[Callable] = None  # of Figures
    most: Optional[float] = None
    least: Optional[float] = None
    noisy: Callable = lambda figures: False

    def target(self):
        if self.most is not None:
            return f"≤ {self.most:g} {self.unit}"
        return "reported" if self.least is None else f"≥ {self.least:g} {self.unit}"

    def judge(self, value):
        if value is None:
            return "not measured"
        if self.most is None and self.least is None:
            return ""
        holds = value <= self.most if self.most is not None else value >= self.least
        return "met" if holds else "**missed**"


def quotient(over, under):
    return over / under if over is not None and under else None


def difference(value, less):
    return None if value is None or less is None else value - less


# --- against the peers ---------------------------------------------------------------------------


def beside(workload, peer, most, field=None):
    """Ours over the peer's, of the value or of another field of the workload."""
    label = f"{workload} {field}" if field else workload
    return Row(f"{label} / {peer}", f"{label}, of {peer}", "×", peers=(workload,),
               value=lambda f: quotient(f.of(workload, OURS, field), f.of(workload, peer, field)), most=most,
               noisy=lambda f: field is None and (f.noisy(workload, OURS) or f.noisy(workload, peer)))


def beside_go(workload, most, field=None):
    return [beside(workload, OLD_GO, most, field), beside(workload, NEW_GO, most * NEW_GO_ALLOWANCE, field)]


def above_off():
    return Row("latency-1g max over latency-1g-off", "latency-1g max, above the same with collection off", "ms",
               peers=("latency-1g", "latency-1g-off"), most=1,
               value=lambda f: difference(f.of("latency-1g", OURS, "max"), f.of("latency-1g-off", OURS, "max")))


MAPS_WITH_POINTERS = ("int-anysmall", "int-ptr", "int-any", "string-int", "string-any")

PEER_ROWS = [
    beside("alloc-8-noscan", "mimalloc", 1), *beside_go("alloc-8-noscan", 0.25),
    beside("box-int", "mimalloc", 1), *beside_go("box-int", 0.25),
    *beside_go("alloc-16-ptr", 0.25),
    beside("alloc-64-ptr", "mimalloc", 2), *beside_go("alloc-64-ptr", 0.25),
    *beside_go("binary-trees-18", 0.3),
    beside("binary-trees-18", "bdwgc", 0.4),
    beside("binary-trees-18", "mimalloc", 1.5),
    beside("binary-trees-18-400", "mimalloc", 1),
    *beside_go("mark-1g", 0.33),
    *beside_go("mark-1g-shuffled", 0.25),
    *[beside(workload, peer, 0.5) for workload in ("mark-topdown", "mark-random-order", "gcbench")
      for peer in (OLD_GO, NEW_GO, "bdwgc")],
    *beside_go("latency-1g", 0.1, "p999"),
    *beside_go("latency-1g", 0.1, "max"),
    above_off(),
    *[row for keys in MAPS_WITH_POINTERS for row in beside_go(f"map-gc-1e6-{keys}", 0.4)],
]


# --- on our own ----------------------------------------------------------------------------------


def own(workload, what, unit, field=None, **limit):
    name = f"{workload} {field}" if field else workload
    return Row(name, what, unit, limits=(workload,), value=lambda f: f.of(workload, LIMITS, field),
               noisy=lambda f: field is None and f.noisy(workload, LIMITS), **limit)


def storm(workload, who, overshoot=None, assist=None, share=None):
    return [own(workload, f"{who}: worst cycle beyond its goal", "%", most=overshoot),
            own(workload, f"{who}: an assist or wait, p99.9", "µs", "assist_p999_us", most=assist),
            own(workload, f"{who}: least share of any 20 ms that a mutator got", "%", "least_share", least=share)]


OWN_ROWS = [
    own("hold-64m", "hold of a mutator, 64 MiB live, p99.9", "µs", most=50),
    own("hold-4g", "hold of a mutator, 4 GiB live, p99.9", "µs", most=50),
    own("hold-64m", "hold of a mutator, 64 MiB live, longest", "µs", "max"),
    own("hold-4g", "hold of a mutator, 4 GiB live, longest", "µs", "max"),
    Row("hold-4g p99 / hold-64m p99", "hold p99 at 4 GiB, of that at 64 MiB", "×", limits=("hold-64m", "hold-4g"),
        value=lambda f: quotient(f.of("hold-4g", LIMITS, "p99"), f.of("hold-64m", LIMITS, "p99")), most=1.2),
    own("deep-stack", "hold by a deep stack full of pointers, CPU a MiB", "ms"),
    own("deep-stack", "the same where one word of eight is one, at later scans", "ms", "eighth_again"),
    own("root-words", "a stack word resolved, cold heap of 1 GiB, CPU", "ns"),
    own("rounds", "root-scan rounds until quiet, p99", "rounds", most=4),
    own("rounds", "root-scan rounds until quiet, most", "rounds", "max"),
    *storm("storm", "allocation storm on 2 cores", 10, 100, 40),
    *storm("storm-2", "the same with 2 mutators"),
    *[own(f"crowd-{threads}", f"{threads} threads that allocate on 2 cores: the heap beyond its goal, at worst", "%",
          most=20) for threads in (4, 16, 64)],
    own("spiral", "the collector's share of 2 cores, what lives being twice the memory limit", "%", most=50),
    own("metadata", "metadata, of the heap", "%", most=3),
    own("rss-drop", "RSS of live, after nine of ten trees went", "×", most=1.3),
    own("rss-random", "RSS of live, after nine of ten objects went", "×"),
    own("barrier", "store with the barrier off, of one without", "×", most=1.02),
    own("sweep", "sweeping, CPU a GiB", "ms", most=5),
    own("sweep", "sweeping, of the collector's CPU", "%", "percent_of_gc", most=5),
    own("cpu-profile", "a CPU profile at 100 samples a second, of CPU time", "%", most=1),
    own("heap-profile", "a heap profile with a sample every 512 KiB, of CPU time", "%", most=1),
]
GROWTH = Row("growth", "collector CPU as the heap grows", "", limits=("growth",))

ROWS = PEER_ROWS + OWN_ROWS + [GROWTH]
