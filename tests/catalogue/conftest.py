"""Small analyses in a folder that stands in for symgrad's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symgrad.catalogue import registry, sources

TEMPLATE = '''
import numpy as np

from symgrad.catalogue import Scale, analysis
from symgrad.evidence import Evidence, Verdict
from symgrad.report import Figure, Line, Panel, Report, Text


@analysis(question="{question}", reference="Nobody (1900), sec. 1")
def run(scale: Scale) -> Report:
    """{finding}"""
    x = np.linspace(0.0, 1.0, scale.points)
    {body}
    return Report(
        Figure(Panel([Line(x, x**2, "$x^2$")], "$x$", "$y$"), "A parabola of {name}."),
        Text(f"{{scale.points}} points."),
        Evidence("x**2 >= 0", Verdict.PROVED, "a square"),
    )
'''

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes an analysis file and returns its path."""

    def write(name: str, *, folder: str = "named", question: str = "", finding: str = "", body: str = "pass") -> Path:
        path = tmp_path / folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        words = {"question": question or f"What does {name} do?", "finding": finding or f"Nothing but {name}."}
        path.write_text(TEMPLATE.format(name=name, body=body, **words))
        return path

    return write


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write) -> Path:
    """Return a checkout in which symgrad's own analyses are alpha and beta."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(sources, "_PACKAGE", tmp_path / "symgrad")
    write("alpha", folder="analyses")
    write("beta", folder="analyses")
    return tmp_path


@pytest.fixture(autouse=True)
def registry_as_it_was() -> Iterator[None]:
    """Take out of the registry what a test put in."""
    before = dict(registry._registered)
    yield
    registry._registered.clear()
    registry._registered.update(before)
