"""A report appears whole or not at all, whenever the process is cut off."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symgrad.errors import InputError
from symgrad.report import Page, PictureFile, prepare, publish
from symgrad.report.markdown import MARK

ROOT = Path(__file__).resolve().parents[2]


def page(text: str, *pictures: str, name: str = "demo") -> Page:
    files = tuple(PictureFile(f"{name}-{number}", text.encode(), "") for number in pictures)
    return Page(name, f"{MARK}{name}.py -->\n{text}", files)


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_report_replaces_its_predecessor_and_touches_nothing_else(tmp_path: Path) -> None:
    publish(page("old", "1.svg", "2.svg", "3.png"), tmp_path)
    publish(page("other", "1.svg", name="demo_two"), tmp_path)
    (tmp_path / "figures" / "demo-notes.txt").write_text("mine")
    (tmp_path / "figures" / "demo-1-old.svg").write_text("mine")
    others = {
        name: content for name, content in state(tmp_path).items() if not name.endswith(("demo.md", "demo-1.svg"))
    }
    assert publish(page("new", "1.png"), tmp_path) == tmp_path / "demo.md"
    after = state(tmp_path)
    assert after.pop("demo.md").endswith(b"new")
    assert after.pop("figures/demo-1.png") == b"new"
    assert after == {name: others[name] for name in others if name not in ("figures/demo-2.svg", "figures/demo-3.png")}
    assert set(after) == {
        "demo_two.md",
        "figures/demo_two-1.svg",
        "figures/demo-notes.txt",
        "figures/demo-1-old.svg",
    }


KILLING = """
import os, signal, sys
from pathlib import Path
from symgrad.report import Page, PictureFile, publish
from symgrad.report.markdown import MARK

def cut_off(out, call, count):
    steps = 0

    def dying(function):
        def wrapper(*args, **options):
            nonlocal steps
            steps += 1
            if steps == count + 1:
                os.kill(os.getpid(), getattr(signal, call))
            return function(*args, **options)
        return wrapper

    os.replace = dying(os.replace)
    Path.write_bytes = dying(Path.write_bytes)
    Path.unlink = dying(Path.unlink)
    new = tuple(PictureFile(f"demo-{number}.svg", b"new", "") for number in (1, 2))
    publish(Page("demo", MARK + "demo.py -->\\nnew", new), out)

for line in sys.stdin:
    out, call, count = line.rstrip().split("|")
    child = os.fork()
    if not child:
        try:
            cut_off(Path(out), call, int(count))
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Forks a process for each line, which publishes and is cut off: symgrad is imported once for all of them."""
FILES = 3
"""Writing takes one step per file and one to declare them complete; every later step only moves files into place."""
CutOff = Callable[[Path, str, int], int]


@pytest.fixture(scope="module")
def cut_off() -> Iterator[CutOff]:
    with subprocess.Popen(
        [sys.executable, "-c", KILLING],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def run(folder: Path, how: str, step: int) -> int:
            print(folder, how, step, sep="|", file=asked, flush=True)
            return int(answered.readline())

        yield run
        asked.close()


@pytest.mark.parametrize("step", [0, 2, FILES])
def test_killed_before_everything_is_written_the_previous_report_stays(
    tmp_path: Path, cut_off: CutOff, step: int
) -> None:
    publish(page("old", "1.svg", "2.svg", "3.svg"), tmp_path)
    before = state(tmp_path)
    assert cut_off(tmp_path, "SIGKILL", step) == -9
    after = state(tmp_path)
    assert {name: after[name] for name in before} == before
    assert list(tmp_path.glob(".symgrad*"))
    prepare(tmp_path, ())
    assert state(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.md", "figures"]


@pytest.mark.parametrize("step", [FILES + 1, FILES + 2, FILES + 3, FILES + 4])
def test_killed_after_that_the_next_run_of_any_report_finishes_it(tmp_path: Path, cut_off: CutOff, step: int) -> None:
    publish(page("old", "1.svg", "2.svg", "3.svg"), tmp_path)
    assert cut_off(tmp_path, "SIGKILL", step) == -9
    publish(page("second", name="second"), tmp_path)
    after = state(tmp_path)
    assert set(after) == {"demo.md", "second.md", "figures/demo-1.svg", "figures/demo-2.svg"}
    assert after["demo.md"].endswith(b"new")
    assert after["figures/demo-1.svg"] == after["figures/demo-2.svg"] == b"new"
    assert not list(tmp_path.glob(".symgrad*"))


@pytest.mark.parametrize(("step", "text"), [(1, b"old"), (FILES + 2, b"new")])
def test_interrupted_from_the_keyboard_nothing_is_half_done_and_no_debris_stays(
    tmp_path: Path, cut_off: CutOff, step: int, text: bytes
) -> None:
    publish(page("old", "1.svg", "2.svg"), tmp_path)
    assert cut_off(tmp_path, "SIGINT", step) != 0
    after = state(tmp_path)
    assert set(after) == {"demo.md", "figures/demo-1.svg", "figures/demo-2.svg"}
    assert all(content.endswith(text) for content in after.values())
    assert not list(tmp_path.glob(".symgrad*"))


def test_a_failing_disk_leaves_the_previous_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(page("old", "1.svg"), tmp_path)
    before = state(tmp_path)

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        publish(page("new", "1.svg"), tmp_path)
    monkeypatch.undo()
    assert state(tmp_path) == before


def test_a_file_symgrad_did_not_write_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "demo.md").write_text("my notes")
    with pytest.raises(InputError, match="was not written by symgrad"):
        publish(page("new", "1.svg"), tmp_path)
    with pytest.raises(InputError, match="was not written by symgrad"):
        prepare(tmp_path, ["other", "demo"])
    assert state(tmp_path) == {"demo.md": b"my notes"}


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another --out folder"):
        publish(page("new"), tmp_path / "file" / "reports")
    for out in (tmp_path / "file", tmp_path / "file" / "reports", Path("/proc/reports")):
        with pytest.raises(InputError, match="choose another --out folder"):
            prepare(out, ())
