"""``symgrad evaluate``: the numbers of one point, right also where they leave float64."""

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from symgrad.cli import main

KEYS = set("status state chain_product rate regime verdict sign orbit loss gradient backend".split())


def evaluate(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    assert main(["evaluate", *tokens, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert content.keys() >= KEYS
    return content


def value(signed: dict[str, Any]) -> float:
    return float(signed["sign"] * math.exp(signed["log_abs"]))


SIGMOID = ["w*sigmoid(x)+b", "--state", "x", "--start", "0.5", "--set", "w=5", "--set", "b=-2.5", "--depth", "50"]


@pytest.mark.parametrize("backend", ["auto", "lambdify", "mpmath"])
def test_fifty_sigmoid_layers_with_a_loss(capsys: pytest.CaptureFixture[str], backend: str) -> None:
    """The expected digits are those of 60-digit arithmetic."""
    tokens = [*SIGMOID, "--loss", "(sigmoid(x)-0.7)**2", "--wrt", "w,b", "--backend", backend]
    content = evaluate(capsys, *tokens)
    assert content["loss"] == pytest.approx(0.024088868813358221, rel=1e-12)
    assert value(content["gradient"]["w"]) == pytest.approx(0.086311669477128256, rel=1e-12)
    assert value(content["gradient"]["b"]) == pytest.approx(0.10092501763687, rel=1e-12)
    assert value(content["chain_product"]) == pytest.approx(2.2551915793749306e-09, rel=1e-12)
    assert content["rate"] == pytest.approx(content["chain_product"]["log_abs"] / 50, rel=1e-12)


def test_a_product_far_below_the_smallest_float(capsys: pytest.CaptureFixture[str]) -> None:
    """log of 2.00662570138550714554695…e-4796, which mpmath finds with 60 digits."""
    content = evaluate(capsys, "tanh(w*x)", "--start", "1", "--set", "w=30", "--depth", "200")
    log_abs = math.log(2.00662570138550714554695) - 4796 * math.log(10)
    assert content["chain_product"]["sign"] == 1
    assert content["chain_product"]["log_abs"] == pytest.approx(log_abs, rel=1e-10)


def test_every_layer_has_its_own_weight_and_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["w*x", "--untied", "w", "--start", "1", "--set", "w=[2,0.5,-3]", "--depth", "3", "--wrt", "w"]
    content = evaluate(capsys, *tokens, "--loss", "(x-1)**2", "--trace")
    assert content["state"] == [-3.0]
    assert content["loss"] == 16.0
    assert value(content["chain_product"]) == pytest.approx(-3, rel=1e-14)
    assert [value(g) for g in content["gradient"]["w"]] == pytest.approx([12, 48, -8], rel=1e-14)
    assert content["trace"] == pytest.approx([math.log(2), math.log(0.5), math.log(3)])


def test_one_number_stands_for_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "w*x", "--untied", "w", "--start", "1", "--set", "w=2", "--depth", "5")
    assert content["state"] == [32.0]


def test_several_components_have_growth_rates(capsys: pytest.CaptureFixture[str]) -> None:
    """Henon's map contracts areas by b at every step, so its rates add up to log b."""
    tokens = ["1 - a*x**2 + y; b*x", "--state", "x,y", "--start", "-0.3,0.1", "--set", "a=1.4", "--set", "b=0.3"]
    content = evaluate(capsys, *tokens, "--depth", "500")
    assert content["chain_product"] is None
    assert len(content["state"]) == 2
    assert content["rates"] == sorted(content["rates"], reverse=True)
    assert sum(content["rates"]) == pytest.approx(math.log(0.3), rel=1e-10)


def test_digits_are_those_of_arithmetic_with_so_many_digits(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "w*x", "--start", "1/3", "--set", "w=1/3", "--depth", "2", "--digits", "30")
    assert content["backend"] == "mpmath"
    (state,) = content["digits"]["state"]
    assert abs(Fraction(state) - Fraction(1, 27)) < Fraction(1, 10**30)


def test_a_constant_such_as_pi_is_read_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["w*x", "--start", "1", "--set", "w=pi", "--depth", "2", "--digits", "30"]
    content = evaluate(capsys, *tokens)
    assert content["digits"]["chain_product"] == "9.86960440108935861883449099988"


@pytest.mark.parametrize(
    ("tokens", "regime", "verdict", "sign", "orbit"),
    [
        (["w*x", "--start", "1", "--set", "w=1/2", "--depth", "50"], "vanishing", "proved", "constant", "fixed point"),
        (
            ["w*x", "--start", "1", "--set", "w=-1", "--depth", "50"],
            "alternating",
            "proved",
            "alternating",
            "cycle of 2",
        ),
        (["w*x", "--start", "1", "--set", "w=0", "--depth", "50"], "zero", "proved", None, "fixed point"),
        (["w*x", "--start", "1", "--set", "w=-2", "--depth", "99"], "exploding", "proved", "alternating", "diverging"),
        (
            ["r*x*(1 - x)", "--start", "0.3", "--set", "r=2.5", "--depth", "200"],
            "vanishing",
            "sampled",
            "alternating",
            "fixed point",
        ),
        (["tanh(x)", "--start", "1", "--depth", "100"], "undecided", "undecided", "constant", "unsettled"),
    ],
)
def test_the_regime_and_the_facts_beside_it(
    capsys: pytest.CaptureFixture[str], tokens: list[str], regime: str, verdict: str, sign: str | None, orbit: str
) -> None:
    content = evaluate(capsys, *tokens)
    found = [content[key] for key in ("regime", "verdict", "sign", "orbit")]
    assert found == [regime, verdict, sign, orbit]


def test_an_exact_zero_has_no_logarithm(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "w*x", "--start", "1", "--set", "w=0", "--depth", "5")
    assert content["chain_product"] == {"sign": 0, "log_abs": None}
    assert content["rate"] is None


def test_a_state_beyond_float64_keeps_its_logarithm(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "x**2", "--start", "10", "--depth", "20")
    (state,) = content["state"]
    assert state["sign"] == 1
    assert state["log_abs"] == pytest.approx(2**20 * math.log(10), rel=1e-12)


def test_an_orbit_that_leaves_the_domain_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "log(x)", "--start", "2", "--depth", "5")
    assert content["status"].startswith("The state leaves the domain of the layers within 5 steps")
    assert (content["state"], content["chain_product"], content["rate"]) == ([None], None, None)


def test_what_no_logarithm_can_hold_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    content = evaluate(capsys, "exp(x)", "--start", "1", "--depth", "30")
    assert "grows beyond every number" in content["status"]
    assert content["state"] == [None]


@pytest.mark.parametrize(
    ("tokens", "part"),
    [
        (["log(x)", "--start", "-1", "--depth", "2"], "the first layer log(x) is undefined at x = -1"),
        (["1/x", "--start", "0", "--depth", "2"], "the first layer 1/x is undefined at x = 0"),
        (["w*x", "--start", "1", "--depth", "2"], "the parameter w has no value; give e.g. --set w=1"),
        (["w*x+b", "--start", "1", "--depth", "2"], "the parameters b, w have no value"),
        (["w*x", "--start", "1", "--set", "w=1"], "a depth is needed"),
        (["w*x", "--set", "w=1", "--depth", "2"], "the state x has no start"),
        (
            ["w*x", "--start", "1", "--set", "w=1", "--set", "v=2", "--depth", "2"],
            "--set names v, which does not occur",
        ),
        (["w*x", "--start", "1", "--set", "w=1", "--set", "w=2", "--depth", "2"], "--set names w twice"),
        (["w*x", "--start", "1", "--set", "x=1", "--set", "w=1", "--depth", "2"], "give it with --start"),
        (["w*x", "--start", "1", "--set", "w=nan", "--depth", "2"], "not a finite number"),
        (["w*x", "--start", "1", "--set", "w=[1,2]", "--depth", "2"], "w is shared by all layers"),
        (["w*x", "--start", "1", "--set", "w=[1,2]", "--untied", "w", "--depth", "3"], "2 values for 3 layers"),
        (["w*x", "--start", "1", "--set", "w=1", "--depth", "-1"], "depth must be a positive whole number"),
        (["w*x", "--start", "1", "--set", "w=1", "--depth", "n"], "a number of steps is needed"),
        (
            ["a;b;c;d;e", "--state", "a,b,c,d,e", "--start", "1,2,3,4,5", "--depth", "2", "--backend", "numpy"],
            "the numpy backend does not compute 5 components; use the backend auto or lambdify",
        ),
        (["w*x", "--start", "1", "--set", "w=1", "--depth", "2", "--backend", "jax"], "known: auto, "),
        (
            ["x*y; y", "--state", "x,y", "--start", "1,2", "--depth", "2", "--trace"],
            "trace lists the factors of scalar",
        ),
        (["w*x", "--untied", "w", "--start", "1", "--set", "w=1", "--depth", "100000000"], "at most 10000000 fit"),
        (["w*x", "--start", "1", "--set", "w=1", "--depth", "2", "--digits", "0"], "positive whole number"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(capsys: pytest.CaptureFixture[str], tokens: list[str], part: str) -> None:
    assert main(["evaluate", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1
