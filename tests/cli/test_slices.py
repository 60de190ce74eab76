"""``--slice``: per-layer parameters tied to swept names, on the command line."""

import json
import math
from typing import Any

import pytest

from symgrad.cli import main

NET = ["w*x", "--untied", "w", "--state", "x", "--depth", "6", "--start", "1"]
LOSS = ["--loss", "(x-1)**2"]


def answer(capsys: pytest.CaptureFixture[str], command: str, *tokens: str) -> dict[str, Any]:
    assert main([command, *tokens, "--json"]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def number(signed: dict[str, Any]) -> float:
    return float(signed["sign"] * math.exp(signed["log_abs"]))


def test_the_gradient_in_a_swept_name_is_the_sum_over_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    sliced = answer(
        capsys, "evaluate", *NET, *LOSS, "--slice", "u=w[1..3], v=w[4..6]", "--set", "u=1.5", "--set", "v=0.5"
    )
    each = answer(capsys, "evaluate", *NET, *LOSS, "--set", "w=[1.5,1.5,1.5,0.5,0.5,0.5]", "--wrt", "w")
    assert sliced["state"] == each["state"]
    slopes = [number(g) for g in each["gradient"]["w"]]
    assert number(sliced["gradient"]["u"]) == pytest.approx(sum(slopes[:3]), rel=1e-13)
    assert number(sliced["gradient"]["v"]) == pytest.approx(sum(slopes[3:]), rel=1e-13)


@pytest.mark.parametrize("given", ["w=[9,9,2,9,3,4]", "w=[2,3,4]"])
def test_layers_beside_the_slice_keep_their_values(capsys: pytest.CaptureFixture[str], given: str) -> None:
    """One value for each layer, or one for each that is left: u^2 * 2 * v * 3 * 4."""
    tokens = [*NET, "--slice", "u=w[1..2], v=w[4]", "--set", "u=1.5", "--set", "v=0.5", "--set", given]
    assert answer(capsys, "evaluate", *tokens)["state"] == [27.0]


def test_values_beside_a_slice_of_another_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["w*x + b", "--untied", "w,b", "--depth", "3", "--start", "1", "--slice", "u=w[1]+w[3]"]
    tokens += ["--set", "u=2", "--set", "w=10", "--set", "b=[1,2,3]"]
    assert answer(capsys, "evaluate", *tokens)["state"] == [2 * (10 * (2 * 1 + 1) + 2) + 3]


def test_regimes_sweep_the_names_of_a_slice(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = [*NET, "--slice", "u=w[1..3],v=w[4..6]", "--axis", "u=-2:2:5", "--axis", "v=-2:2:5"]
    assert answer(capsys, "regimes", *tokens)["shares"]["zero"] == pytest.approx(9 / 25)


SLICE = ["--slice", "u=w[1..3],v=w[4..6]"]


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        (["--slice", "u=w[1..3],v=w[3..6]"], "w[1..3] and w[3..6] share a layer"),
        (["--slice", "u=w[1..7]"], "there are layers 1 to 6 only"),
        (["--slice", "u=b[1..6]"], "b has no value per layer"),
        (["--slice", "x=w[1..6]"], "x, which is a component of the state"),
        (["--slice", "w=w[1..6]"], "w, which is a parameter"),
        (["--slice", "u=w[1..4]", "--set", "u=1"], "no value was given for w[5..6]"),
        ([*SLICE, "--set", "u=1"], "the parameter v has no value"),
        ([*SLICE, "--set", "u=1", "--set", "v=1", "--set", "w=1"], "ties all its layers to u, v"),
        (["--slice", "u=w[1..4]", "--set", "u=1", "--set", "w=[1,2,3]"], "one for each of the 2 that --slice leaves"),
        (["--slice", "u=w[1..4]", "--set", "u=1", "--set", "w=1", "--wrt", "w"], "take u, or tie layers of w"),
        (["--slice", "u=w[1..4]", "--slice", "v=w[5]"], "--slice was given twice"),
        (["--slice", "u"], "--slice: this is no slice"),
    ],
)
def test_a_slice_that_cannot_be_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tokens: list[str], part: str
) -> None:
    assert main(["evaluate", *NET, *tokens]) == 2
    out, err = capsys.readouterr()
    assert part in err
    assert out == ""
    assert err.count("\n") == 1
