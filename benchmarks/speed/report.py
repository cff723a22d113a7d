"""Results as a table, a chart, a list of targets and a profile; the README shows the table and the chart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.speed import shares
from benchmarks.speed.machine import ROOT
from benchmarks.speed.picture import draw
from benchmarks.speed.rows import SHIPPED, Beside, Row, Runs, rows
from benchmarks.speed.targets import targets, verdict

from fiberscope import gallery
from fiberscope.gallery.numbers import short_number

_BEGIN, _END = "<!-- speed:begin -->", "<!-- speed:end -->"
_WORDS = "How many times fiberscope’s time other ways to metamers, directions, walks and Jacobians take"
_CHART = ROOT / "docs" / "images" / "speed.png"


def write(results: Mapping, out: Path, *, readme: Path | None) -> None:
    """Write speed.md, speed_targets.md, speed_profile.md and the chart; with a README also into it and its pictures."""
    runs = Runs(results)
    table = table_of(results)
    (out / "speed.md").write_text(table, encoding="utf-8")
    (out / "speed_targets.md").write_text(targets_of(results), encoding="utf-8")
    (out / "speed_profile.md").write_text(profile_of(results), encoding="utf-8")
    chart = _CHART if readme else out / "speed.png"
    if any(run["section"] in {row.section for row in rows()} for run in runs.all()):
        gallery.save_png(draw(runs), chart)
    if readme:
        text = readme.read_text(encoding="utf-8")
        between = re.escape(_BEGIN) + ".*?" + re.escape(_END)
        picture = f"![{_WORDS}]({chart.relative_to(ROOT)})\n\n"
        fresh = re.sub(between, lambda _: f"{_BEGIN}\n{picture}{table}{_END}", text, flags=re.DOTALL)
        readme.write_text(fresh, encoding="utf-8")


def table_of(results: Mapping) -> str:
    """How many times fiberscope's time each other way takes, on the shipped classifier's latent map."""
    runs = Runs(results)
    counts = runs.threads()
    head = ["", "fiberscope", "the other", *(f"× at {_threads(count)}" for count in counts), ""]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    group = ""
    for row in rows():
        found = {count: _found(row, runs, SHIPPED, count) for count in counts}
        last = found[counts[-1]] if counts else None
        if last is None:
            continue
        if row.group != group:
            group = row.group
            lines.append(f"| **{group}** " + "| " * (len(head) - 1) + "|")
        cells = [
            row.words,
            _time(last.ours),
            _time(last.theirs),
            *(_ratio(found[count]) for count in counts),
            last.remark,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _footnote(results, runs), ""])


def targets_of(results: Mapping) -> str:
    """Each target with what was measured, and under the table why those are missed that are."""
    runs = Runs(results)
    counts = runs.threads()
    head = ["aimed at, on two cores", *(f"{_threads(count)}" for count in counts)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    reasons = []
    for target in targets():
        found = [verdict(target, runs, count) for count in counts]
        if any(each and not each.met for each in found):
            reasons.append(f"- *{target.wanted.removeprefix('the same: ')}*: {target.why}")
        cells = [
            "not measured" if each is None else f"{'met' if each.met else '**missed**'}: {each.measured}"
            for each in found
        ]
        lines.append("| " + " | ".join([target.wanted, *cells]) + " |")
    if reasons:
        lines += [
            "",
            "Why those are missed that are; where the time goes is in [speed_profile.md](speed_profile.md):",
            "",
        ]
    return "\n".join([*lines, *reasons, "", _footnote(results, runs), ""])


def profile_of(results: Mapping) -> str:
    """Shares of the time of each kind of work, and how much of it is calls rather than arithmetic."""
    runs = Runs(results)
    head = ["", "threads", "ms an image", *shares.PARTS, "Jacobians an image", "torch operations an image"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for run in runs.all():
        if run["section"] == "shares":
            lines += [_profile_row(run, work, found) for work, found in run["figures"].items()]
    return "\n".join([*lines, "", _footnote(results, runs), ""])


def _profile_row(run: Mapping, work: str, found: Mapping) -> str:
    images, jacobians = found["images"], found["Jacobians an image"]
    cells = [
        f"{run['network']}: {work}",
        str(run["threads"]),
        short_number(1e3 * found["seconds"] / images),
        *(f"{found['parts'][part] / found['seconds']:.0%}" for part in shares.PARTS),
        "" if jacobians is None else f"{jacobians:.1f}",
        f"{found['torch operations'] / images:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _found(row: Row, runs: Runs, network: str, threads: int) -> Beside | None:
    figures = runs.figures(row.section, network, threads)
    return row.pick(figures) if figures else None


def _footnote(results: Mapping, runs: Runs) -> str:
    machine, versions = results["machine"], results["versions"]
    commits = ", ".join(sorted({run["commit"] for run in runs.all()}))
    size = results["size"]
    caution = "" if size == "full" else f" Not a full run ({size}): for looking at only."
    return (
        f"Shipped MNIST classifier, latent of 8, float32; median of repeats and their range, seconds at "
        f"{_threads(runs.threads()[-1])}. {machine['processor']}, {machine['cores']} cores, "
        f"torch {versions['torch']}, plenoptic {versions['plenoptic'] or 'not installed'}, commit {commits}.{caution}"
    )


def _threads(count: int) -> str:
    return {1: "one thread", 2: "two threads"}.get(count, f"{count} threads")


def _time(seconds: float) -> str:
    return f"{short_number(seconds)} s" if seconds >= 1 else f"{short_number(1e3 * seconds)} ms"


def _ratio(found: Beside | None) -> str:
    if found is None:
        return ""
    if found.ratio is None:
        return "never"
    middle, low, high = (short_number(value, digits=2) for value in found.ratio)
    return middle if low == high else f"{middle} ({low} to {high})"
