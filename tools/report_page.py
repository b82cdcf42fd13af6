# SPDX-License-Identifier: MIT
"""The page that tools/report writes, in Markdown, and its plot, in SVG. Only form: report_targets.py has the
figures. What stands between the notes markers belongs to people and is copied from page to page as it is."""

import os
from dataclasses import dataclass

from interleaved import Failure, shown, write_out
from report_plot import growth_svg
from report_targets import LIMITS, OURS

NOTES_BEGIN, NOTES_END = "<!-- notes:begin -->", "<!-- notes:end -->"

HEADER = """# Performance

What Greyhound is held to, and how far it gets, misses included. `tools/report` measures and writes this page; only
what stands between the notes markers is by hand. Peers' figures are from one interleaved run of `tools/peers`, each
workload in a process of its own per peer, order rotated; [bench/peers/README.md](../bench/peers/README.md) specifies
them, [bench/limits](../bench/limits) our own. Medians; a ratio is ours over the other's, so below 1 we are
ahead. A `~` marks repetitions that lie more than a fifth of their median apart: do not quote it.
"""


def notes_of(path, committed):
    """The hand-written section of the page at `path`, else of the committed one. Refuses a file that is no
    such page, so that nothing is overwritten by a slip."""
    for candidate in filter(None, (path, committed)):
        try:
            with open(candidate, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            continue
        if text.count(NOTES_BEGIN) == 1 and text.count(NOTES_END) == 1:
            return text.split(NOTES_BEGIN)[1].split(NOTES_END)[0]
        if text.strip() and candidate == path:
            raise Failure(f"{path} has no single pair of {NOTES_BEGIN} and {NOTES_END}; it would be overwritten")
    return "\n"


def table(head, lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines]) + "\n"


def mark(noisy):
    return "~" if noisy else ""


@dataclass
class Page:
    rows: list
    figures: object
    peers: dict          # what tools/peers gave, or None
    peers_given: bool    # from a file, so perhaps of another time and machine
    machine: dict        # as it was while our own program ran
    commit: str
    date: str
    reps: int
    quick: bool
    notes: str

    def write(self, path):
        plot = None
        points = self.growth_points()
        if path is not None and len(points) > 1:
            plot = os.path.splitext(path)[0] + "-growth.svg"
            write_out(growth_svg(points), plot)
        text = self.text(os.path.basename(plot) if plot else None)
        write_out(text, path)

    def text(self, plot):
        parts = [HEADER, "## The machine\n", self.machines()]
        if self.rows:
            parts += ["## Targets\n", self.verdict() + "\n", self.targets()]
        if self.figures.limit_rows:
            parts += ["## Our own figures\n", self.own_figures()]
        if self.growth_points():
            parts += ["## Growth\n", self.growth(plot)]
        if self.peers:
            parts += ["## Medians beside the peers\n", self.medians()]
        return "\n".join(parts) + f"\n{NOTES_BEGIN}{self.notes}{NOTES_END}\n"

    # --- the machine

    def machines(self):
        lines = [f"Measured on {self.date}, commit {self.commit}, repetitions: {self.reps}"
                 + (", **quick: shorter loops and smaller heaps, no figures to quote**." if self.quick else ".")]
        described = [("", self.machine)] if self.figures.limit_rows or not self.peers else []
        if self.peers:
            kind = f"repetitions: {self.peers['reps']}{', quick' if self.peers['quick'] else ''}"
            origin = "Peers, from a run given as a file" if self.peers_given else "Peers"
            described.append((f"{origin} ({kind}): ", self.peers["machine"]))
        for name, machine in described:
            lines.append(f"- {name}{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, Linux "
                         f"{machine['kernel']},\n  transparent huge pages: {machine['huge_pages']}; others kept "
                         f"{machine['busy_cores_at_start']:.2g} cores busy at the start")
        if self.peers:
            versions = self.peers["machine"]["versions"]
            lines.append("- " + ", ".join(name if name == version else f"{name} {version}"
                                          for name, version in versions.items()))
        return lines[0] + "\n\n" + "\n".join(lines[1:]) + "\n"

    # --- the tables

    def judged(self):
        for row in self.rows:
            value = row.value(self.figures)
            yield row, value, row.judge(value)

    def verdict(self):
        verdicts = [verdict for row, _, verdict in self.judged() if row.target() != "reported"]
        counts = {word: verdicts.count(word) for word in ("met", "**missed**", "not measured")}
        text = f"{counts['met']} of {len(verdicts)} targets met, {counts['**missed**']} missed"
        return text + (f", {counts['not measured']} not measured." if counts["not measured"] else ".")

    def targets(self):
        lines = []
        for row, value, verdict in self.judged():
            figure = "" if value is None else f"{shown(value)}{mark(row.noisy(self.figures))} {row.unit}"
            lines.append([row.what, row.target(), figure, verdict])
        return table(["row", "target", "measured", "met?"], lines)

    def own_figures(self):
        lines = []
        for name, row in self.figures.limit_rows.items():
            if name.startswith("growth-"):
                continue
            fields = ", ".join(f"{field} {shown(value)}" for field, value in row["detail"][LIMITS].items()
                               if field not in ("rss_kb", "user_s"))
            lines.append([name, row["unit"], shown(row["ours"]) + mark(self.figures.noisy(name, LIMITS)), fields])
        return table(["workload", "unit", "median", "beside it"], lines)

    def medians(self):
        peers = [name for name in self.peers["machine"]["versions"] if name != OURS]
        lines = []
        for row in self.peers["rows"]:
            name = row["workload"]
            cells = [name, row["unit"], shown(row["ours"]) + mark(self.figures.noisy(name, OURS))]
            for peer in peers:
                value = row["peers"].get(peer)
                ratio = row["ratio"].get(peer)
                cells.append("" if value is None else shown(value) + mark(self.figures.noisy(name, peer))
                             + ("" if ratio is None else f" ({ratio:.2f})"))
            lines.append(cells)
        return table(["workload", "unit", "Greyhound", *(f"{peer} (ratio)" for peer in peers)], lines)

    # --- growth

    def growth_points(self):
        """[(MiB live, ns of collector CPU a cycle and live object, ns a byte allocated)], by size."""
        return sorted((int(row["detail"][LIMITS]["live_mib"]), row["ours"], row["detail"][LIMITS]["ns_per_byte"])
                      for name, row in self.figures.limit_rows.items() if name.startswith("growth-"))

    def growth(self, plot):
        lines = [[f"{mib:,}", shown(per_object), shown(per_byte)]
                 for mib, per_object, per_byte in self.growth_points()]
        text = ("CPU time of the collector (marking, assists, sweeping) at 512 MiB/s of garbage, `gc_percent` 100, as\n"
                "the live heap grows as far as memory goes. Both lines should be level.\n\n")
        if plot:
            text += f"![Collector CPU by live heap]({plot})\n\n"
        return text + table(["MiB live", "ns a live object and cycle", "ns a byte allocated"], lines)
