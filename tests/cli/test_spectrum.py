"""``symgrad spectrum``: the numbers of known maps, orbits that end, and what is refused."""

import json
import math
from typing import Any

import pytest

from symgrad.cli import main

KEYS = {"status", "exponents", "standard_error", "sum_exact", "verdict", "fate", "annihilated", "ended_at_step"}


def spectrum(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> dict[str, Any]:
    assert main(["spectrum", *tokens, "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert content.keys() >= KEYS
    return content


def test_henon_sums_to_the_exact_logarithm(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["1-1.4*x**2+y; 0.3*x", "--state", "x,y", "--start", "0.1,0.1", "--steps", "100000"]
    content = spectrum(capsys, *tokens)
    assert content["exponents"][0] == pytest.approx(0.4192, abs=0.003)
    assert sum(content["exponents"]) == pytest.approx(math.log(0.3), abs=1e-15)
    assert content["sum_exact"] == "log(3/10)"
    assert content["verdict"] == "sampled"


def test_start_and_steps_have_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    content = spectrum(capsys, "4*x*(1-x)")
    assert content["exponents"][0] == pytest.approx(math.log(2), abs=0.002)
    assert (content["start"], content["steps"]) == ([0.1], 100_000)


@pytest.mark.parametrize("text", ["2*x - floor(2*x)", "1 - 2*abs(x - 1/2)"])
def test_an_orbit_that_died_gives_null(capsys: pytest.CaptureFixture[str], text: str) -> None:
    content = spectrum(capsys, text, "--steps", "5000")
    assert content["exponents"] == [None]
    assert "died in binary arithmetic" in content["status"]
    assert content["fate"] == "died"


def test_a_cycle_has_its_exact_rate(capsys: pytest.CaptureFixture[str]) -> None:
    content = spectrum(capsys, "r*x*(1-x)", "--set", "r=3.2", "--transient", "1000", "--steps", "5000")
    assert content["exponents"][0] == pytest.approx(0.5 * math.log(0.16), abs=1e-9)
    assert (content["fate"], content["period"]) == ("settled", 2)


def test_an_exploding_orbit_is_undecided_and_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    content = spectrum(capsys, "x**2", "--start", "2", code=3)
    assert content["ended_at_step"] == 10
    assert "left float64 at step 10" in content["status"]


def test_singular_weights_give_null_and_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ["tanh(x+2*y); tanh(2*x+4*y)", "--state", "x,y", "--start", "0.3,0.1", "--steps", "300"]
    content = spectrum(capsys, *tokens)
    assert content["exponents"][1] is None
    assert content["annihilated"] == 1
    assert content["sum_exact"] == "-oo"


def test_for_a_person_the_sentence_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spectrum", "2.5*x*(1-x)", "--steps", "500"]) == 0
    assert capsys.readouterr().out.startswith("Exponent -0.693147")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["w[k]*x"], "one map"),
        (["w*x"], "w has no value"),
        (["x", "--start", "0.1,0.2"], "--start has 2 numbers"),
        (["x", "--orbits", "0"], "--orbits"),
        (["x", "--transient", "-1"], "--transient"),
        (["x; y", "--state", "x"], "2 components"),
    ],
)
def test_what_cannot_be_measured_is_refused(capsys: pytest.CaptureFixture[str], tokens: list[str], words: str) -> None:
    assert main(["spectrum", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
