"""``symgrad bifurcations``: the contract's keys, the known answers, and what is refused."""

import json
from typing import Any

import pytest

from symgrad.cli import main


def bifurcations(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> dict[str, Any]:
    assert main(["bifurcations", *tokens, "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert list(content)[:4] == ["status", "curves", "points", "stability"]
    for curve in content["curves"]:
        assert list(curve) == ["kind", "period", "parameter", "domain", "expressions", "verdict"]
    for point in content["points"]:
        assert {"kind", "period", "point", "state", "exact"} <= set(point)
    for row in content["stability"]:
        assert {"condition", "attractors"} <= set(row)
    return content


def test_the_reference_map_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    content = bifurcations(capsys, "w*sigmoid(x)+b", "--state", "x", "--parameters", "w,b", "--at", "w=5")
    assert [c["kind"] for c in content["curves"]] == ["fold", "flip"]
    assert content["curves"][0]["expressions"]["w"] == "1/(s*(1 - s))"
    folds = [p["point"]["b"] for p in content["points"] if p["kind"] == "fold"]
    assert folds == pytest.approx([-2.655610338630688, -2.344389661369312], abs=1e-12)
    (cusp,) = [p for p in content["points"] if p["kind"] == "cusp"]
    assert cusp["point"] == {"w": 4.0, "b": -2.0}
    assert cusp["exact"] == {"w": "4", "b": "-2"}
    assert [row["attractors"] for row in content["stability"]] == [1, 2, 1, 1, 1]


def test_the_tanh_layer(capsys: pytest.CaptureFixture[str]) -> None:
    content = bifurcations(capsys, "tanh(w*x+b)", "--state", "x", "--parameters", "w,b")
    assert [c["kind"] for c in content["curves"]] == ["fold", "flip"]
    assert [(p["kind"], p["point"]) for p in content["points"]] == [("cusp", {"w": 1.0, "b": 0.0})]


@pytest.mark.parametrize(
    ("period", "kind", "value", "exact"),
    [
        (1, "flip", 3.0, "3"),
        (2, "flip", 3.449489742783178, "1 + sqrt(6)"),
        (3, "fold", 3.82842712474619, "1 + 2*sqrt(2)"),
    ],
)
def test_the_logistic_cascade(
    capsys: pytest.CaptureFixture[str], period: int, kind: str, value: float, exact: str
) -> None:
    content = bifurcations(capsys, "r*x*(1-x)", "--state", "x", "--parameters", "r", "--period", str(period))
    found = [p for p in content["points"] if p["exact"] == {"r": exact}]
    assert [(p["kind"], p["period"]) for p in found] == [(kind, period)]
    assert found[0]["point"]["r"] == pytest.approx(value, abs=1e-14)
    assert [p["point"]["r"] for p in content["points"]] == sorted(p["point"]["r"] for p in content["points"])


def test_two_components_and_layers_in_a_chain(capsys: pytest.CaptureFixture[str]) -> None:
    henon = bifurcations(capsys, "1-a*x**2+y; b*x", "--state", "x,y", "--parameters", "a,b")
    assert [c["kind"] for c in henon["curves"]] == ["fold", "flip", "neimark-sacker"]
    chain = bifurcations(capsys, "tanh(w*x+b) | v*x", "--parameters", "w,b", "--set", "v=2")
    assert chain["points"][0]["point"] == {"w": 0.5, "b": 0.0}


def test_a_basin_line_is_shown_for_a_start(capsys: pytest.CaptureFixture[str]) -> None:
    content = bifurcations(capsys, "w*sigmoid(x)+b", "--parameters", "w,b", "--start", "0.5")
    (line,) = [c for c in content["curves"] if c["kind"] == "basin line"]
    assert line["expressions"]["b"] == "-w*sigmoid(1/2) + 1/2"
    assert line["domain"].startswith("w > 1/(")


def test_cycles_of_a_monotone_layer_are_answered_and_those_of_sin_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    monotone = bifurcations(capsys, "w*sigmoid(x)+b", "--parameters", "w,b", "--period", "2")
    assert "no bifurcations of their own" in monotone["status"]
    open_ = bifurcations(capsys, "sin(w*x)", "--parameters", "w", "--period", "2", code=3)
    assert open_["status"].startswith("Undecided")


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        (["x+1+a**2", "--parameters", "a"], "no fixed point"),
        (["tanh(w*x)", "--parameters", "v"], "--parameters names v, which does not enter; the parameters are w"),
        (["x+1", "--parameters", "w"], "does not enter"),
        (["r*x*(1-x)", "--parameters", "r", "--period", "9"], "period 9 is out of reach"),
        (["r*x*(1-x)", "--parameters", "r", "--period", "0"], "positive whole number"),
        (["v*tanh(w*x+b)", "--parameters", "w,b"], "v has no value; give e.g. --set v=1"),
        (["w*x+b+c+d", "--parameters", "w,b,c"], "one or two can vary"),
        (["w*x", "--parameters", "x"], "which is the state"),
        (["w*x"], "give e.g. --parameters w"),
        (["w*sigmoid(x)+b", "--parameters", "w,b", "--set", "w=1"], "do one of them"),
        (["w*sigmoid(x)+b", "--parameters", "w,b", "--at", "c=5"], "--at names c"),
        (["r*x*(1-x)", "--parameters", "r", "--at", "r=3"], "a line needs two --parameters"),
        (["relu(w*x+b)", "--parameters", "w,b"], "relu has a kink"),
        (["y;x+a", "--state", "x,y", "--parameters", "a", "--period", "2"], "two components"),
        (["w[k]*x", "--parameters", "w"], "does not repeat"),
        (["tanh(w*x", "--parameters", "w"], "("),
    ],
)
def test_what_cannot_be_asked_is_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], part: str) -> None:
    assert main(["bifurcations", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("symgrad: ")
    assert err.count("\n") == 1
    assert part in err


def test_a_budget_that_is_too_small_ends_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    content = bifurcations(capsys, "r*x*(1-x)", "--parameters", "r", "--period", "6", "--budget", "0.05", code=3)
    assert content["status"].startswith("Undecided: no answer in time")
