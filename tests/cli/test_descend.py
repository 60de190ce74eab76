"""symgrad descend: the path, its catapults and its fate, and one line for what cannot be asked."""

import json
from typing import Any

import numpy as np
import pytest

from symgrad.cli import main
from symgrad.cli.commands.descend import RULES
from symgrad.phenomena.descent import questions

WALL = ["w*sigmoid(x)+b", "--state", "x", "--loss", "(sigmoid(x)-0.7)**2", "--start", "0.5", "--depth", "50"]
LINEAR = ["w*x + b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "3"]


def ask(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    assert main(["descend", *tokens, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_path_over_the_wall(capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--at", "w=5,b=-2.7", "--step-size", "0.01", "--steps", "60"]
    plain, clipped = ask(capsys, *WALL, *at), ask(capsys, *WALL, *at, "--clip", "1.0")
    for answer in (plain, clipped):
        assert len(answer["path"]) == 61
        assert answer["path"][0]["point"] == {"w": 5.0, "b": -2.7}
        assert answer["catapults"]
        points = np.array([[row["point"]["w"], row["point"]["b"]] for row in answer["path"]])
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        for row in answer["catapults"]:
            assert set(row) == {"step", "length", "loss_before", "loss_after"}
            assert row["loss_after"] > row["loss_before"]
            assert row["loss_before"] == answer["path"][row["step"] - 1]["loss"]
            assert row["loss_after"] == answer["path"][row["step"]]["loss"]
            assert row["length"] == pytest.approx(lengths[row["step"] - 1], rel=1e-6)
        undone = sum(row["loss_after"] - row["loss_before"] for row in answer["catapults"])
        assert answer["loss_undone"] == pytest.approx(undone)
        assert answer["longest_step"] == pytest.approx(lengths.max(), rel=1e-6)
        assert len(answer["sharpness"]) == 61
        assert answer["edge_of_stability"] == 200
    assert plain["longest_step"] > 5
    assert [row["length"] for row in plain["overshoots"]] == [plain["longest_step"]]
    assert clipped["longest_step"] <= 0.01
    assert clipped["clipped_steps"] > 0
    assert not clipped["overshoots"]


def test_a_step_that_leaves_float64_is_printed_by_sign_and_logarithm(capsys: pytest.CaptureFixture[str]) -> None:
    question = ["w*x + b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "400", "--at", "w=50,b=1"]
    answer = ask(capsys, *question, "--step-size", "0.01", "--steps", "5")
    assert answer["fate"] == "left float64"
    assert len(answer["path"]) == 2
    assert answer["path"][1]["point"]["w"] == {"sign": -1, "log_abs": pytest.approx(3126.479439141856)}
    assert answer["path"][1]["loss"] is None
    assert answer["catapults"][0]["length"] == {"sign": 1, "log_abs": pytest.approx(3126.4794511587256)}
    clipped = ask(capsys, *question, "--step-size", "0.01", "--steps", "5", "--clip", "1", "--clip-by", "value")
    assert clipped["longest_step"] == pytest.approx(0.01 * 2**0.5)
    assert clipped["path"][5]["point"] == {"w": pytest.approx(49.95), "b": pytest.approx(0.95)}


def test_one_parameter_moves_and_the_other_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(capsys, *LINEAR, "--at", "w=0.9", "--set", "b=0.4", "--rule", "newton", "--steps", "6")
    assert set(answer["path"][0]["point"]) == {"w"}
    assert answer["fate"] == "converged"
    assert answer["edge_of_stability"] is None
    x = 0.5
    for _ in range(3):
        x = answer["path"][-1]["point"]["w"] * x + 0.4
    assert x == pytest.approx(1, abs=1e-6)


def test_momentum_and_layers_of_a_slice(capsys: pytest.CaptureFixture[str]) -> None:
    heavy = ask(capsys, *LINEAR, "--at", "w=.5,b=.4", "--step-size", "0.01", "--rule", "momentum", "--steps", "3")
    light = ["--momentum", "0", "--step-size", "0.01", "--rule", "momentum", "--steps", "3"]
    plain = ask(capsys, *LINEAR, "--at", "w=.5,b=.4", "--step-size", "0.01", "--steps", "3")
    assert ask(capsys, *LINEAR, "--at", "w=.5,b=.4", *light)["path"] == plain["path"]
    assert heavy["path"][1] == plain["path"][1]
    assert heavy["path"][2] != plain["path"][2]
    product = ["w*x", "--untied", "w", "--depth", "6", "--slice", "u=w[1..3], v=w[4..6]", "--start", "1"]
    moving = ["--loss", "(x-1)**2", "--at", "u=1.2,v=0.9", "--step-size", "0.01", "--steps", "40"]
    end = ask(capsys, *product, *moving)["path"][-1]["point"]
    assert (end["u"] * end["v"]) ** 3 == pytest.approx(1, abs=1e-4)


def test_for_a_person_the_path_has_a_dozen_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["descend", *WALL, "--at", "w=5,b=-2.7", "--step-size", "0.01", "--steps", "200"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("200 gradient steps, 2 catapults, 1 step thrown far: the loss goes from 0.36")
    assert len(text.splitlines()) < 45


def test_the_rules_are_those_of_descent() -> None:
    assert RULES == questions.RULES


AT = ["--at", "w=1,b=1"]
SIZE = ["--step-size", "1"]
STEPS = ["--steps", "3"]
REFUSED: list[tuple[list[str], str]] = [
    ([*LINEAR, "--at", "q=1", *SIZE, *STEPS], "--at names q, which does not occur; the parameters are b, w"),
    ([*LINEAR, "--at", "x=1", *SIZE, *STEPS], "--at names x, a component of the state; give its start with --start"),
    ([*LINEAR, "--at", "w=1", *SIZE, *STEPS], "the parameter b has no value"),
    ([*LINEAR, "--at", "w=1,b=", *SIZE, *STEPS], "--at: a number is missing"),
    ([*LINEAR, "--at", "w=1,w=2", *SIZE, *STEPS], "names w twice"),
    ([*LINEAR, "--at", "w=[1,2],b=1", *SIZE, *STEPS], "w has 2 values, but one parameter moves at a time"),
    ([*LINEAR, *AT, "--set", "b=1", *SIZE, *STEPS], "b is given to --at and to --set"),
    ([*LINEAR, *SIZE, *STEPS], "descend needs --at"),
    ([*LINEAR, *AT, *STEPS], "the rule gradient needs a step size"),
    ([*LINEAR, *AT, *SIZE], "descend needs --steps"),
    ([*LINEAR, *AT, *SIZE, "--steps", "0"], "a positive whole number is needed"),
    ([*LINEAR, *AT, "--step-size", "0", *STEPS], "a positive step size is needed"),
    ([*LINEAR, *AT, "--step-size", "-0.1", *STEPS], "a positive step size is needed"),
    ([*LINEAR, *AT, "--step-size", "1,2", *STEPS], "a positive step size is needed"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--clip", "0"], "a positive threshold is needed"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--clip-by", "value"], "--clip-by needs a threshold"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--clip", "1", "--clip-by", "size"], "'size' is not known"),
    ([*LINEAR, *AT, *STEPS, "--rule", "newton", "--clip", "1"], "--clip bounds the gradient"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--momentum", "0.5"], "--momentum belongs to the rule momentum"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--rule", "momentum", "--momentum", "1"], "at least 0 and below 1 is needed"),
    ([*LINEAR, *AT, *SIZE, *STEPS, "--rule", "sgd"], "'sgd' is not known; choose one of gradient, newton, momentum"),
    (["w*x + b", "--loss", "(x-1)**2", "--start", "1", *AT, *SIZE, *STEPS], "a depth is needed"),
    (["w*x + b", "--start", "1", "--depth", "3", *AT, *SIZE, *STEPS], "descend needs --loss"),
    (["w*x + b", "--loss", "x", "--depth", "3", *AT, *SIZE, *STEPS], "the state x has no start"),
    (
        ["w*x + b", "--loss", "w**2", "--start", "1", "--depth", "3", *AT, *SIZE, *STEPS],
        "does not depend on the state x",
    ),
    (
        ["w*x", "--untied", "w", "--loss", "x", "--start", "1", "--depth", "3", "--at", "w=1", *SIZE, *STEPS],
        "per layer",
    ),
]


@pytest.mark.parametrize(("tokens", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_cannot_be_asked_is_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], message: str) -> None:
    assert main(["descend", *tokens]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1
