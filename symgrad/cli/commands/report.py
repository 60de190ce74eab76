"""``symgrad report``: run analyses and write their reports."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Operand, Option, one_of, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.catalogue import Entry, Result

UNUSABLE, DEFECT = 2, 70
SCALE = Option("--scale", "quick|full", "how finely to compute (default full)", one_of("quick", "full"), "full")
OUT = Option("--out", "DIR", "the folder to write to (default reports)", default="reports")
JOBS = Option("--jobs", "N", "how many analyses to run at once (default 1)", positive_whole_number, 1)


def report(arguments: argparse.Namespace) -> Answer:
    """Answer with the files written; a report that fails leaves the previous one as it was."""
    from pathlib import Path
    from time import perf_counter

    from symgrad.catalogue import SCALES, entries, run_reports

    began = perf_counter()
    chosen = entries(arguments.operands)
    if not chosen:
        raise InputError("there are no analyses here to report; name a file of your own, e.g. symgrad report mine.py")
    shown = sys.stderr.isatty() and not arguments.quiet
    progress = _progress(len(chosen)) if shown else None
    out = Path(arguments.out)
    results = run_reports(chosen, SCALES[arguments.scale], out, jobs=arguments.jobs, progress=progress)
    failed = [result for result in results if result.failure is not None]
    for result in failed:
        print(f"symgrad: {result.name}: {result.failure}", file=sys.stderr)
    rows = [_row(result) for result in results]
    written = f"{len(results) - len(failed)} of {len(results)} reports written to {out}"
    content = {"status": f"{written} in {perf_counter() - began:.1f} s.", "scale": arguments.scale, "reports": rows}
    return Answer(content, code=_code(chosen, failed))


def _row(result: "Result") -> dict[str, object]:
    return {
        "name": result.name,
        "path": None if result.path is None else str(result.path),
        "seconds": round(result.seconds, 1),
        "failure": result.failure,
    }


def _code(chosen: "tuple[Entry, ...]", failed: "list[Result]") -> int:
    """Return 0, or who is to blame: symgrad for an analysis of its own, the user for another file."""
    from symgrad.catalogue import home

    own = {entry.name for entry in chosen if entry.path.parent == home()}
    if not failed:
        return 0
    return DEFECT if any(result.name in own for result in failed) else UNUSABLE


def _progress(total: int) -> "Callable[[Result], None]":
    """Return a function that says on standard error which report is done."""
    done: list[str] = []

    def say(result: "Result") -> None:
        done.append(result.name)
        outcome = "failed" if result.failure else "written"
        print(f"[{len(done)}/{total}] {result.name}: {outcome}, {result.seconds:.1f} s", file=sys.stderr)

    return say


COMMAND = Command(
    name="report",
    summary="run analyses and write their reports with figures",
    options=(SCALE, OUT, JOBS),
    run=report,
    operand=Operand("[NAME|FILE …]", "analyses by name, or files of your own; all if none is named", 0, None),
    example="symgrad report four_regimes --scale quick --out /tmp/look",
)
