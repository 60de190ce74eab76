"""Reports are written by one call: the same bytes however they are made, and one failure harms no other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from symgrad.catalogue import Scale, analysis, entries, find, load, run_reports
from symgrad.errors import InputError
from symgrad.report import Report, Text

ROOT = Path(__file__).resolve().parents[2]
TINY = Scale("tiny", 5)


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_reports_and_the_gallery_have_the_same_bytes_however_they_are_made(own: Path) -> None:
    once, again, apart = own / "once", own / "again", own / "apart"
    seen: list[str] = []
    results = run_reports(entries(), TINY, once, progress=lambda result: seen.append(result.name))
    assert [result.failure for result in results] == [None, None]
    assert [result.path for result in results] == [once / "alpha.md", once / "beta.md"]
    assert seen == ["alpha", "beta"]
    assert set(state(once)) == {
        "README.md",
        "alpha.md",
        "beta.md",
        "figures/alpha-1.svg",
        "figures/beta-1.svg",
    }
    run_reports(load(), TINY, again)
    run_reports(load(), TINY, again)
    run_reports(entries(), TINY, apart, jobs=2)
    assert state(once) == state(again) == state(apart)
    text = (once / "alpha.md").read_text()
    assert "# What does alpha do?" in text
    assert "**Nothing but alpha.**" in text
    assert "Made by `symgrad report alpha --scale tiny`." in text
    readme = (once / "README.md").read_text()
    assert "[![A parabola of alpha.](figures/alpha-1.svg)](alpha.md)" in readme


def test_a_failing_analysis_is_one_line_and_its_previous_report_stays(own: Path, write: Any) -> None:
    out = own / "reports"
    run_reports(entries(), TINY, out)
    before = state(out)
    write("alpha", folder="analyses", body="1 / 0", question="Changed?")
    write("beta", folder="analyses", finding="Improved.")
    first, second = run_reports(entries(), TINY, out)
    assert first.failure == f"{own}/analyses/alpha.py:13: ZeroDivisionError: division by zero"
    assert first.path is None
    assert second.failure is None
    after = state(out)
    assert after["alpha.md"] == before["alpha.md"]
    assert after["figures/alpha-1.svg"] == before["figures/alpha-1.svg"]
    assert b"**Improved.**" in after["beta.md"]
    assert b"figures/alpha-1.svg" in after["README.md"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise SystemExit(4)", r"odd.py:13: SystemExit: 4"),
        ("raise ValueError('two\\nlines')", r"odd.py:13: ValueError: two lines"),
        ("return None", "odd returned NoneType; an analysis returns a Report"),
        ("Line([0], [1, 2])", r"odd.py:13: Line needs one-dimensional arrays of one length"),
    ],
)
def test_every_way_to_fail_is_one_line(write: Any, tmp_path: Path, body: str, says: str) -> None:
    (result,) = run_reports(entries((write("odd", body=body),)), TINY, tmp_path / "out")
    assert result.path is None
    assert result.failure is not None
    assert says in result.failure
    assert "\n" not in result.failure
    assert state(tmp_path / "out") == {}


def test_a_process_that_dies_fails_alone(write: Any, tmp_path: Path) -> None:
    dying = write("dying", body="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    first, second = run_reports(entries((dying, write("well"))), TINY, tmp_path / "out", jobs=2)
    assert first.failure == "its process ended with exit code -9 and no answer; run it alone with --jobs 1"
    assert second.failure is None


def test_some_reports_make_no_gallery(own: Path, write: Any) -> None:
    named = write("gamma")
    run_reports(entries(("alpha", named)), TINY, own / "out")
    assert set(state(own / "out")) == {"alpha.md", "figures/alpha-1.svg", "gamma.md", "figures/gamma-1.svg"}
    assert "Made by `symgrad report gamma.py --scale tiny`." in (own / "out" / "gamma.md").read_text()


def test_a_broken_file_fails_alone(own: Path) -> None:
    (own / "analyses" / "broken.py").write_text("1 1")
    results = run_reports(entries(), TINY, own / "out")
    assert [bool(result.failure) for result in results] == [False, False, True]
    assert "broken" not in (own / "out" / "README.md").read_text()


def test_an_analysis_of_a_session_runs_too(tmp_path: Path) -> None:
    source = "@analysis(question='Now?', reference='Nobody')\ndef now(scale):\n    'Yes.'\n    return Report(Text('!'))"
    exec(compile(source, "<stdin>", "exec"), {"analysis": analysis, "Report": Report, "Text": Text})
    (result,) = run_reports([find("now")], TINY, tmp_path, jobs=2)
    assert result.path == tmp_path / "now.md"


@pytest.mark.parametrize(("options", "says"), [({"jobs": 0}, "jobs must be"), ({"jobs": 1.5}, "jobs must be")])
def test_bad_options_are_refused_before_anything_runs(own: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        run_reports(entries(), TINY, own / "out", **options)
    with pytest.raises(InputError, match="leave one out"):
        run_reports([*entries(), *entries()], TINY, own / "out")
    assert not (own / "out").exists()


def test_foreign_files_are_refused_before_anything_runs(own: Path) -> None:
    out = own / "out"
    out.mkdir()
    (out / "README.md").write_text("my project")
    with pytest.raises(InputError, match="was not written by symgrad"):
        run_reports(entries(), TINY, out)
    assert state(out) == {"README.md": b"my project"}


SLOW = """
import sys
from pathlib import Path
from symgrad.catalogue import Scale, entries, run_reports

if __name__ == "__main__":
    out, jobs, *names = sys.argv[1:]
    run_reports(entries(names), Scale("tiny", 5), Path(out), jobs=int(jobs))
"""


@pytest.mark.parametrize(("how", "jobs"), [(signal.SIGINT, 2), (signal.SIGKILL, 1)])
def test_cut_off_while_computing_the_previous_reports_stay(write: Any, tmp_path: Path, how: int, jobs: int) -> None:
    out, started = tmp_path / "out", tmp_path / "started"
    names = ("slow", "slower")
    run_reports(entries([write(name) for name in names]), TINY, out)
    before = state(out)
    wait = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(60)"
    slow = [str(write(name, body=wait, finding="Changed.")) for name in names]
    script = tmp_path / "script.py"
    script.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(script), str(out), str(jobs), *slow],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    assert process.wait(20) != 0
    assert state(out) == before
    assert sorted(path.name for path in out.iterdir()) == ["figures", "slow.md", "slower.md"]
    worker = int(started.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
