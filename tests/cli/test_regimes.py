"""``symgrad regimes``: shares, exact conditions, pictures, and what cannot be swept."""

import json
from pathlib import Path
from typing import Any

import pytest

from symgrad.cli import main
from symgrad.derivation import Regime

LINEAR = ["w*x + b", "--start", "0.5", "--depth", "50"]
KEYS = ["status", "shares", "exact", "verdict", "proved_share", "disagreements", "tolerance", "depth", "axes", "figure"]


def regimes(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    assert main(["regimes", *tokens, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert list(content) == KEYS
    assert list(content["shares"]) == [regime.word for regime in Regime]
    assert sum(content["shares"].values()) == pytest.approx(1)
    return content


def test_a_plane_of_linear_layers_is_proved_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    content = regimes(capsys, *LINEAR, "--axis", "w=-2:2:5", "--axis", "b=-1:1:3")
    shares = {word: share for word, share in content["shares"].items() if share}
    assert shares == pytest.approx({"constant": 0.2, "alternating": 0.2, "exploding": 0.4, "zero": 0.2})
    assert content["verdict"] == "proved"
    assert [(row["regime"], row["condition"], row["verdict"]) for row in content["exact"]] == [
        ("vanishing", "0 < abs(w) < 1", "proved"),
        ("exploding", "abs(w) > 1", "proved"),
        ("constant", "w = 1", "proved"),
        ("alternating", "w = -1", "proved"),
        ("zero", "w = 0", "proved"),
    ]


def test_one_axis_is_enough_and_has_a_default_count(capsys: pytest.CaptureFixture[str]) -> None:
    content = regimes(capsys, *LINEAR, "--axis", "w=-2:2", "--set", "b=1")
    assert content["axes"] == [{"name": "w", "low": -2.0, "high": 2.0, "count": 201}]
    assert content["status"].endswith("of 201 points at depth 50; proved at every point.")


def test_the_name_of_a_state_component_sweeps_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    """x -> x**2 vanishes inside (-1, 1), stays at the ends and explodes beyond; at 0 a factor is 0."""
    content = regimes(capsys, "x**2", "--depth", "30", "--axis", "x=-2:2:9")
    shares = {word: round(9 * share) for word, share in content["shares"].items() if share}
    assert shares["zero"] == 1
    assert shares["vanishing"] == 2
    assert shares["exploding"] >= 4


def test_a_component_of_several_may_be_swept(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["x/2; y/3", "--state", "x,y", "--start", "1,1", "--depth", "90"]
    content = regimes(capsys, *tokens, "--axis", "y=-1:1:3")
    assert content["shares"]["vanishing"] == 1


def test_untied_weights_are_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["w*x + v", "--untied", "w", "--set", "w=[1,2,1/2,1e-20]", "--depth", "4", "--start", "1"]
    content = regimes(capsys, *tokens, "--axis", "v=-1:1:3")
    assert content["shares"]["vanishing"] == 1


def test_a_person_sees_the_regimes_that_occur(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["regimes", *LINEAR, "--axis", "w=-2:2:5", "--set", "b=1"]) == 0
    shown = capsys.readouterr().out
    assert "  exploding    40.000%" in shown
    assert "oscillating" not in shown
    assert "w = 1" in shown


@pytest.mark.parametrize(("name", "head"), [("plane.svg", b"<?xml"), ("plane.png", b"\x89PNG")])
def test_a_picture_is_drawn_where_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, head: bytes
) -> None:
    file = tmp_path / name
    tokens = [*LINEAR, "--axis", "w=-2:2:5", "--axis", "b=-1:1:3", "--figure", str(file)]
    assert regimes(capsys, *tokens)["figure"] == str(file)
    first = file.read_bytes()
    assert first.startswith(head)
    assert regimes(capsys, *tokens)["status"]
    assert file.read_bytes() == first
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        ([], "one or two axes are needed, got 0"),
        (["--axis", "w=0:1", "--axis", "b=0:1", "--axis", "x=0:1"], "one or two axes are needed, got 3"),
        (["--axis", "w=1:0", "--set", "b=1"], "low is not below high"),
        (["--axis", "w=1:1", "--set", "b=1"], "low is not below high"),
        (["--axis", "w=0:1:0", "--set", "b=1"], "the count '0'"),
        (["--axis", "w=0:nan", "--set", "b=1"], "not a finite number"),
        (["--axis", "v=0:1", "--set", "b=1"], "--axis names v, which does not occur; the parameters are b, w"),
        (["--axis", "w=0:1"], "the parameter b has no value"),
        (["--axis", "w=0:1", "--set", "b=1", "--set", "w=1"], "w is given twice; give it one --axis or one --set"),
        (["--axis", "w=0:1", "--axis", "w=2:3", "--set", "b=1"], "w is given twice"),
        (["--axis", "x=0:1", "--set", "b=1", "--set", "w=1"], "'x' has an axis, which sweeps its start, and a start"),
        (["--axis", "w=0:1:99999", "--axis", "b=0:1:99999"], "lower the counts of the axes"),
        (["--axis", "w=0:1", "--set", "b=1", "--figure", "plane.pdf"], "a picture ends in .svg or .png"),
        (["--axis", "w=0:1", "--set", "b=1", "--figure", "plane"], "a picture ends in .svg or .png"),
        (["--axis", "w=0:1", "--set", "b=1", "--figure", "/nowhere/at/all.svg"], "there is no folder"),
        (["--axis", "w=0:1", "--set", "b=1", "--figure", "/proc/plane.svg"], "cannot be written"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: list[str],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["regimes", *LINEAR, *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_grid_outside_the_domain_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["log(x) + b", "--start", "-1", "--depth", "9", "--axis", "b=0:1:3"]
    assert main(["regimes", *tokens]) == 2
    assert "the first layer b + log(x) is undefined at every point of the grid" in capsys.readouterr().err
    content = regimes(capsys, "log(x) - b", "--start", "2", "--depth", "9", "--axis", "b=5:6:3")
    assert content["shares"]["undecided"] == 1


def test_a_picture_cut_off_leaves_the_previous_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    file = tmp_path / "line.svg"
    tokens = ["regimes", *LINEAR, "--axis", "w=-2:2:5", "--set", "b=1", "--figure", str(file)]
    assert main(tokens) == 0
    before = file.read_bytes()

    def cut_off(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", cut_off)
    assert main(tokens) == 130
    assert capsys.readouterr().err == "symgrad: interrupted\n"
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
