"""Every line of the textbook derivations is proved and every slip refuted, in a checkout and where they are shipped."""

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from symgrad import Scale
from symgrad.catalogue import registry, sources
from symgrad.catalogue.loading import load_file
from symgrad.claims import open_document
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.report import Table

FOLDER = Path(__file__).resolve().parents[2] / "analyses"
NAMES = ("recurrent", "activations", "newton", "hessian")


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the names of the analyses free for copies of them."""
    monkeypatch.setattr(registry, "_registered", {})


def imported(path: Path) -> ModuleType:
    """Return the module of an analysis."""
    return sys.modules[load_file(path).run.__module__]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_proved_and_every_slip_refuted_at_a_point(name: str) -> None:
    found = imported(FOLDER / "derivations.py").read(f"derivations_{name}")
    assert len(found.lines) >= 15
    assert len(found.slips) >= 3
    for item in found.lines:
        assert item.evidence.verdict is Verdict.PROVED, (item.link.line, item.link.text, item.evidence.method)
    for item in found.slips:
        assert item.evidence.verdict is Verdict.REFUTED, (item.link.line, item.link.text, item.evidence.method)
        assert item.evidence.witness, item.link.text


def test_there_is_a_file_for_each_derivation_and_no_other() -> None:
    assert {path.name for path in FOLDER.glob("derivations_*.md")} == {f"derivations_{name}.md" for name in NAMES}
    for name in NAMES:
        assert not open_document((FOLDER / f"derivations_{name}.md").read_text()).problems


def test_the_files_are_no_analyses_and_are_found_beside_a_shipped_one(tmp_path: Path) -> None:
    shipped = tmp_path / "_analyses"
    shipped.mkdir()
    for path in FOLDER.glob("derivations*"):
        shutil.copy(path, shipped)
    assert [entry.name for entry in sources.entries([shipped])] == ["derivations"]
    assert imported(shipped / "derivations.py").read("derivations_hessian").title == "The Hessian of a deep product"


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "derivations.py", tmp_path)
    (tmp_path / "derivations_newton.md").write_text("# Broken\n```symgrad\nx = (x\n```\n## A common slip\n")
    with pytest.raises(InputError, match=r"derivations_newton\.md, line 3, column"):
        imported(tmp_path / "derivations.py").read("derivations_newton")


def test_a_quick_report_shows_every_line_and_every_slip_of_its_derivation() -> None:
    analysis = load_file(FOLDER / "derivations.py")
    tables = [block for block in analysis.run(Scale.QUICK).blocks if isinstance(block, Table)]
    (row,) = tables[0].rows
    assert row == ("The Hessian of a deep product", len(tables[1].rows), len(tables[1].rows), 3, 3)
    assert {line[2] for line in tables[1].rows} == {"proved"}
    assert {line[2] for line in tables[2].rows} == {"refuted"}
