"""Analyses are run, one after another or in processes of their own, and their reports are written.

Only the calling process writes, so a worker that dies leaves nothing half done; it fails alone, in one line.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from symgrad.catalogue.loading import failure_line, load_file
from symgrad.catalogue.registry import Analysis
from symgrad.catalogue.scales import Scale
from symgrad.catalogue.sources import Entry, entries, home
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.report import Page

_Task = tuple[Path, Scale, str]


@dataclass(frozen=True)
class Result:
    """What became of one analysis.

    Parameters
    ----------
    name : of the analysis
    path : the Markdown written; None when it failed, and then the previous report is as it was
    failure : why it failed, in one line; None when it did not
    seconds : wall time from its start to its answer
    """

    name: str
    path: Path | None
    failure: str | None
    seconds: float


def run_reports(
    analyses: Sequence[Entry | Analysis],
    scale: Scale,
    out: Path,
    *,
    jobs: int = 1,
    progress: Callable[[Result], None] | None = None,
) -> tuple[Result, ...]:
    """Run the analyses and write OUT/NAME.md with OUT/figures/NAME-*.svg|png; a second run gives the same bytes.

    When symgrad's own analyses are all among them, the gallery OUT/README.md is written too.

    Parameters
    ----------
    analyses : entries (imported here, so that a broken file fails alone) or imported analyses
    jobs : how many run at once; above 1 each runs in a spawned process of its own
    progress : called with each result as it comes

    Returns
    -------
    One result per analysis, in the order given.

    Raises
    ------
    InputError : jobs is not a positive integer, two analyses share a name, or the folder cannot be written
    """
    from symgrad.report import prepare, publish

    if not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs must be a positive integer, got {jobs!r}; give e.g. 2")
    names = [item.name for item in analyses]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two analyses are called {twice[0]!r}; a report is named by its analysis, leave one out")
    own = {entry.name for entry in entries()}
    whole = bool(own) and own <= set(names)
    prepare(out, [*names, "README"] if whole else names)
    results: dict[int, Result] = {}
    alts: dict[str, str] = {}
    for index, answer, seconds in _answers(analyses, scale, jobs):
        if isinstance(answer, str):
            result = Result(names[index], None, answer, seconds)
        else:
            try:
                result = Result(names[index], publish(answer, out), None, seconds)
            except InputError as error:
                result = Result(names[index], None, str(error), seconds)
            alts |= {picture.name: picture.alt for picture in answer.pictures}
        results[index] = result
        if progress is not None:
            progress(result)
    if whole:
        _write_gallery(analyses, out, alts)
    return tuple(results[index] for index in range(len(names)))


def _answers(
    analyses: Sequence[Entry | Analysis], scale: Scale, jobs: int
) -> Iterator[tuple[int, "Page | str", float]]:
    """Yield for each analysis, as it comes: its index, its page or why there is none, and its seconds."""
    apart: dict[int, _Task] = {}
    for index, item in enumerate(analyses):
        command = _command(item.name, item.path, scale)
        if jobs > 1 and item.path is not None and not _problem(item):
            apart[index] = (item.path, scale, command)
            continue
        began = perf_counter()
        source = item.path if isinstance(item, Entry) else item
        yield index, _problem(item) or _answer(source, scale, command), perf_counter() - began
    yield from _answers_apart(apart, jobs)


def _problem(item: Entry | Analysis) -> str:
    return item.problem if isinstance(item, Entry) else ""


def _answer(source: Analysis | Path, scale: Scale, command: str) -> "Page | str":
    """Return the page of one analysis, imported from its file if need be, or the line that says why there is none."""
    from symgrad.report import Heading, Report, render

    path = source if isinstance(source, Path) else source.path
    try:
        analysis = load_file(source) if isinstance(source, Path) else source
        report = analysis.run(scale)
        if not isinstance(report, Report):
            raise InputError(f"{analysis.name} returned {type(report).__name__}; an analysis returns a Report")
        texts = (analysis.name, analysis.question, analysis.finding, analysis.reference)
        return render(report, Heading(*texts, command))
    except (Exception, SystemExit) as error:
        return failure_line(error, path.resolve() if path else None)


def _command(name: str, path: Path | None, scale: Scale) -> str:
    """Return what a reader types to make the report again."""
    what = name if path is None or path.parent == home() else path.name
    return f"symgrad report {what}" + (f" --scale {scale.name}" if scale != Scale.FULL else "")


def _answers_apart(tasks: dict[int, _Task], jobs: int) -> Iterator[tuple[int, "Page | str", float]]:
    """Answer from spawned processes, at most ``jobs`` at a time; none is left when this ends, however it ends."""
    context = get_context("spawn")
    waiting = list(tasks.items())
    running: dict[Any, tuple[int, Any, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, task = waiting.pop(0)
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_serve, args=(there, *task))
                process.start()
                there.close()
                running[here] = (index, process, perf_counter())
            for connection in wait(list(running)):
                index, process, began = running.pop(connection)
                yield index, _received(connection, process), perf_counter() - began
    finally:
        for _, process, _ in running.values():
            process.terminate()
        for connection, (_, process, _) in running.items():
            process.join()
            connection.close()


def _serve(connection: Connection, path: Path, scale: Scale, command: str) -> None:
    """Answer one analysis, in a process of its own."""
    try:
        connection.send(_answer(path, scale, command))
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _received(connection: Any, process: Any) -> "Page | str":
    """Return what a process answered, or that it ended without an answer."""
    try:
        answer: Page | str = connection.recv()
    except EOFError:
        process.join()
        return f"its process ended with exit code {process.exitcode} and no answer; run it alone with --jobs 1"
    finally:
        connection.close()
    process.join()
    return answer


def _write_gallery(analyses: Sequence[Entry | Analysis], out: Path, alts: dict[str, str]) -> None:
    """Write README.md from every analysis that has a report, of this run or, where it failed now, an earlier one."""
    from symgrad.report import GalleryEntry, Page, figure_files, gallery, publish

    shown = []
    for item in analyses:
        if item.question and (out / f"{item.name}.md").is_file():
            picture = next((path.name for path in figure_files(out, item.name)), None)
            alt = alts.get(picture or "", f"First figure of {item.name}.")
            shown.append(GalleryEntry(item.name, item.question, item.finding, picture, alt))
    publish(Page("README", gallery(shown)), out)
