"""``symgrad list`` and ``symgrad report``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from symgrad.catalogue.registry import forget
from symgrad.cli import main

GOOD = '''"""A planted analysis."""

import symgrad as sg


@sg.analysis(question="Is one one?", reference="Peano (1889)")
def {name}(scale: sg.Scale) -> sg.Report:
    """One is one."""
    return sg.Report(sg.Text("One is {what}."))
'''


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "planted_analysis.py"
    file.write_text(GOOD.format(name="planted_analysis", what="one"), encoding="utf-8")
    yield file
    forget(file)


def test_list_states_question_and_finding_of_every_analysis(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["analyses"]
    assert {"four_regimes", "cliff_surface", "deep_product", "newton_and_gradient_steps"} <= {r["name"] for r in rows}
    assert all(row["question"] and row["finding"] and row["problem"] is None for row in rows)
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(row["question"] in shown for row in rows)


def test_a_report_is_written_where_asked(planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["report", str(planted), "--out", str(out), "--scale", "quick", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["status"].startswith(f"1 of 1 reports written to {out}")
    assert content["reports"][0]["path"] == str(out / "planted_analysis.md")
    assert "One is one." in (out / "planted_analysis.md").read_text(encoding="utf-8")


def test_a_report_that_fails_leaves_the_previous_one(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["report", str(planted), "--out", str(out)]) == 0
    before = (out / "planted_analysis.md").read_bytes()
    source = GOOD.format(name="planted_analysis", what="two").replace("    return", "    1 / 0\n    return")
    planted.write_text(source, encoding="utf-8")
    capsys.readouterr()
    assert main(["report", str(planted), "--out", str(out), "--json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"].startswith("0 of 1 reports written")
    assert "ZeroDivisionError" in shown.err
    assert shown.err.count("\n") == 1
    assert (out / "planted_analysis.md").read_bytes() == before


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        (["no_such_analysis"], "no analysis is called 'no_such_analysis'"),
        (["nowhere/at/all.py"], "there is no file"),
        (["--scale", "huge"], "choose one of quick, full"),
        (["--jobs", "0"], "positive whole number"),
        (["--out", "/proc/nowhere"], "cannot write reports"),
    ],
)
def test_what_cannot_be_reported_is_refused(capsys: pytest.CaptureFixture[str], tokens: list[str], part: str) -> None:
    assert main(["report", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1


def test_progress_is_shown_on_a_terminal_only(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = ["report", str(planted), "--out", str(tmp_path / "out")]
    assert main(tokens) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main([*tokens, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert main(tokens) == 0
    assert "[1/1] planted_analysis: written" in capsys.readouterr().err
