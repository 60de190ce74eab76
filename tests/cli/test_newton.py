"""``symgrad newton``: functions, systems and compositions, the fate of starts, and what is refused."""

import json
import math
from pathlib import Path
from typing import Any

import mpmath
import pytest

from symgrad.cli import main

KEYS = {"status", "update", "derivative", "roots", "cycles", "singular"}
ROOT_KEYS = {"value", "exact", "multiplicity", "order", "multiplier"}
CYCLE_KEYS = {"period", "points", "multiplier", "kind"}


def newton(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    assert main(["newton", *tokens, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert content.keys() >= KEYS
    for root in content["roots"]:
        assert root.keys() >= ROOT_KEYS
    for cycle in content["cycles"]:
        assert cycle.keys() >= CYCLE_KEYS
    return content


def test_a_cubic_has_one_real_root_and_a_superattracting_cycle(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "x**3-2*x+2", "--variable", "x", "--period", "2")
    (root,) = content["roots"]
    assert (root["value"], root["order"], root["multiplier"]) == (-1.7692923542386314, 2, 0)
    (cycle,) = [c for c in content["cycles"] if c["kind"] == "superattracting"]
    assert (cycle["period"], sorted(cycle["points"]), cycle["multiplier"]) == (2, [0, 1], 0)


def test_a_triple_root_has_order_one(capsys: pytest.CaptureFixture[str]) -> None:
    (root,) = newton(capsys, "x**3", "--variable", "x")["roots"]
    assert (root["multiplicity"], root["order"]) == (3, 1)
    assert root["multiplier"] == pytest.approx(2 / 3)


def test_the_cube_root_sends_every_start_away(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "sign(x)*abs(x)**(1/3)", "--variable", "x", "--start", "1", "--steps", "40")
    assert content["update"] == "-2*x"
    assert content["roots"][0]["multiplier"] == -2
    assert content["fate"] == "diverged"


def test_without_a_root_the_steps_are_chaotic_with_rate_log_2(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["x**2+1", "--variable", "x", "--start", "0.7", "--steps", "100000", "--period", "1"]
    content = newton(capsys, *tokens)
    assert content["roots"] == []
    assert content["fate"] == "undecided"
    assert content["rate"] == pytest.approx(math.log(2), abs=0.02)


def test_a_start_that_converges_has_a_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "cos(x)-x", "--start", "1", "--steps", "50", "--period", "1")
    assert content["fate"] == "converged"
    assert content["certificate"]["verdict"] == "certified"
    (root,) = content["certificate"]["root"]
    assert root == pytest.approx(float(mpmath.findroot(lambda x: mpmath.cos(x) - x, 0.7)), abs=1e-14)


def test_the_step_of_a_composition_is_a_layered_product(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "tanh(w*x)", "--state", "x", "--depth", "n", "--target", "y")
    assert "Product(w*(1 - tanh(w*x[k - 1])**2), (k, 1, n))" in content["update"]
    assert "Sum(" in content["derivative"]
    assert "prod_{k=1}^{n}" in content["latex"]


def test_the_step_of_a_vanishing_chain_is_a_logarithm(capsys: pytest.CaptureFixture[str]) -> None:
    """Against a plain loop in 60 digits: x_60 and the product of its factors, from w = 1/2 and x = 1."""
    tokens = ["tanh(w*x)", "--state", "x", "--depth", "60", "--target", "0.1", "--set", "w=0.5", "--start", "1"]
    step = newton(capsys, *tokens)["step"]
    with mpmath.workdps(60):
        x, product = mpmath.mpf(1), mpmath.mpf(1)
        for _ in range(60):
            x = mpmath.tanh(x / 2)
            product *= (1 - x**2) / 2
        expected = -(x - mpmath.mpf(1) / 10) / product
        assert step["sign"] == mpmath.sign(expected)
        assert step["log_abs"] == pytest.approx(float(mpmath.log(abs(expected))), abs=1e-10)


def test_a_minimum_in_a_parameter_is_stepped_by_sensitivities(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["w*x+b", "--state", "x", "--depth", "3", "--wrt", "b", "--loss", "(x-3)**2"]
    content = newton(capsys, *tokens, "--set", "w=0.5", "--set", "b=0", "--start", "1")
    assert content["update"] == "N(b) = b - L'/L''"
    assert content["next"] == pytest.approx((3 - 1 / 8) / (1 + 1 / 2 + 1 / 4))


def test_a_system_prints_its_solved_step_and_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    """Rosenbrock (Moré, Garbow & Hillstrom 1981, problem 1) from its standard start."""
    content = newton(capsys, "10*(y-x**2); 1-x", "--variable", "x,y", "--start", "-1.2,1")
    assert content["update"] == ["1", "-x**2 + 2*x"]
    assert content["fate"] == "converged"
    assert content["orbit"][-1] == pytest.approx([1, 1])


def test_a_start_on_a_critical_point_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "x**2-2", "--start", "0", "--period", "1")
    assert content["fate"] == "undecided"
    assert "no value" in content["statement"]


def test_a_complex_start_takes_the_map_over_the_complex_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "x**2+1", "--start", "1,1", "--period", "1")
    assert content["fate"] == "converged"
    assert content["reached"][0]["im"] == pytest.approx(1)


def test_complex_roots_are_found_in_the_complex_domain(capsys: pytest.CaptureFixture[str]) -> None:
    content = newton(capsys, "z**3-1", "--variable", "z", "--domain", "complex", "--period", "1")
    sizes = [
        abs(complex(r["value"]["re"], r["value"]["im"]) if isinstance(r["value"], dict) else r["value"])
        for r in content["roots"]
    ]
    assert sizes == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("more", [["--start", "0.3", "--steps", "9"], ["--domain", "complex"]])
def test_a_picture_is_written_on_request(capsys: pytest.CaptureFixture[str], tmp_path: Path, more: list[str]) -> None:
    picture = tmp_path / "newton.png"
    content = newton(capsys, "x**3-2*x+2", "--period", "1", *more, "--figure", str(picture))
    assert content["figure"] == str(picture)
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["5", "--variable", "x"], "does not depend"),
        (["x-x+3"], "does not depend"),
        (["x**2-a", "--variable", "y"], "does not depend"),
        (["x**2-2", "--start", "1,2,3"], "3 numbers"),
        (["x**2-2", "--set", "a=1"], "does not occur"),
        (["x**2-2", "--set", "x=1"], "unknown"),
        (["x**2-2", "--period", "9"], "1 to 5"),
        (["tanh(w*x)", "--state", "x", "--depth", "n"], "--target"),
        (["tanh(w*x)", "--state", "x", "--depth", "n", "--wrt", "w"], "--loss"),
        (["tanh(w*x)", "--state", "x", "--depth", "9", "--target", "y", "--start", "1"], "no value"),
        (["x**2-2", "--loss", "x"], "--state"),
        (["x*y-1; x-y", "--variable", "x,y", "--start", "1"], "1 numbers for 2"),
    ],
)
def test_bad_questions_get_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], words: str) -> None:
    assert main(["newton", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert words in err
