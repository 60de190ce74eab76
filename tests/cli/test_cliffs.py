"""``symgrad cliffs``: the walls of recurrent units, of rectifiers and of deep products, and what is no cliff."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import pytest
import sympy
from sympy import Rational, Symbol

from symgrad.cli import main
from symgrad.maps import expand_activations, expression

LOSS = ["--state", "x", "--loss", "(sigmoid(x)-0.7)**2"]
UNIT = ["w*sigmoid(x)+b", *LOSS, "--start", "0.5"]
BOX = ["--axis", "w=4:8", "--axis", "b=-6:-1"]
KEYS = {"status", "cliffs", "valleys", "largest_gradient", "coverage"}
CLIFF_KEYS = {"kind", "origin", "equation", "valid", "verdict", "steepest", "exponent", "trace"}
W = Symbol("w", real=True)
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, ...], str]:
    """Return what was answered so far, tokens → standard output, so that no question is put twice."""
    return {}


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], answers: dict[tuple[str, ...], str]) -> Ask:
    def asked(*tokens: str) -> dict[str, Any]:
        if tokens not in answers:
            assert main(["cliffs", *tokens, "--json"]) == 0
            answers[tokens], err = capsys.readouterr()
            assert err == ""
        return checked(answers[tokens])

    return asked


def checked(out: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(out)
    assert content.keys() >= KEYS
    for cliff in content["cliffs"]:
        assert cliff.keys() >= CLIFF_KEYS
        for place in cliff["trace"]:
            assert place.keys() >= {"point", "gradient", "width"}
    return content


def of_origin(content: dict[str, Any], origin: str) -> dict[str, Any]:
    (found,) = [c for c in content["cliffs"] if c["origin"] == origin]
    cliff: dict[str, Any] = found
    return cliff


def line(cliff: dict[str, Any]) -> sympy.Expr:
    """Return the right side of an equation b = …, its activation evaluated."""
    name, _, right = cliff["equation"].partition(" = ")
    assert name == "b"
    return expand_activations(expression(right))


def logistic(x: Any) -> Any:
    return 1 / (1 + sympy.exp(-x))


def decimal(entry: dict[str, Any]) -> float:
    return float(entry["sign"]) * math.exp(entry["log_abs"])


def test_the_reference_surface_has_a_wall_on_its_basin_line(ask: Ask) -> None:
    """Pascanu, Mikolov & Bengio (2013), fig. 6; the numbers at w = 5 are those of the constant orbit, in 30 digits."""
    content = ask(*UNIT, *BOX, "--depth", "50")
    wall = of_origin(content, "basin line")
    assert (wall["kind"], wall["verdict"]) == ("wall", "proved")
    difference = line(wall) - (Rational(1, 2) - W * logistic(Rational(1, 2)))
    assert sympy.simplify(difference) == 0
    assert wall["valid"].startswith("w > 4.2552519304")
    (place,) = [p for p in wall["trace"] if p["point"]["w"] == 5]
    assert place["point"]["b"] == pytest.approx(-2.6122966560092728, abs=1e-15)
    assert decimal(place["gradient"]["b"]) == pytest.approx(-661.68280132266, rel=1e-10)
    assert content["coverage"]["method"] == "certified"
    on_line = max(math.log(abs(decimal(p["gradient"]["b"]))) for p in wall["trace"])
    assert content["largest_gradient"]["log_abs"] >= on_line
    assert wall["exponent"] == pytest.approx(2, abs=0.05)


def test_the_fold_arc_lies_between_the_cusp_and_the_tangency(ask: Ask) -> None:
    fold = of_origin(ask(*UNIT, *BOX, "--depth", "50"), "fold")
    low, high = (float(t) for t in fold["valid"].split(" < w < "))
    assert (low, high) == pytest.approx((4, 4.2552519304), abs=1e-9)


def test_at_depth_1000_heights_are_logarithms_of_values_on_the_exact_line(ask: Ask) -> None:
    content = ask(*UNIT, *BOX, "--depth", "1000")
    wall = of_origin(content, "basin line")
    places = {p["point"]["w"]: p for p in wall["trace"]}
    with mpmath.workdps(400):
        s = 1 / (1 + mpmath.exp(mpmath.mpf(-1) / 2))
        mu = 5 * s * (1 - s)
        slope = 2 * (s - mpmath.mpf(7) / 10) * s * (1 - s) * (mu**1000 - 1) / (mu - 1)
        expected = float(mpmath.log(-slope))
    entry = places[5.0]["gradient"]["b"]
    assert entry["sign"] == -1
    assert entry["log_abs"] == pytest.approx(expected, rel=1e-12)
    assert places[5.0]["width"]["log_abs"] < -100


@pytest.mark.parametrize(
    ("text", "start", "axes", "right"),
    [
        ("w*sigmoid(x)+b", "-0.3", ["w=4:8", "b=-6:-1"], lambda w, x: x - w * logistic(x)),
        ("w*sigmoid(x)+b", "2", ["w=10:14", "b=-12:-5"], lambda w, x: x - w * logistic(x)),
        ("w*sigmoid(x)+b", "0.5", ["w=-8:-4.3", "b=2:7"], lambda w, x: x - w * logistic(x)),
        ("tanh(w*x+b)", "0.3", ["w=1:4", "b=-2:2"], lambda w, x: sympy.atanh(x) - w * x),
    ],
)
def test_other_starts_boxes_and_units_have_their_own_lines(
    ask: Ask, text: str, start: str, axes: list[str], right: Any
) -> None:
    tokens = [text, *LOSS, "--start", start, "--axis", axes[0], "--axis", axes[1], "--depth", "50"]
    content = ask(*tokens)
    wall = of_origin(content, "basin line")
    assert wall["kind"] == "wall"
    found = line(wall)
    difference = found - right(W, Rational(start))
    assert all(abs(float(difference.subs(W, v))) < 1e-14 for v in (Rational(9, 2), 5, -6))
    assert wall["located_distance"] < 1e-9
    assert content["coverage"]["method"] == "certified"


def test_a_two_layer_tied_chain_has_its_line(ask: Ask) -> None:
    """On the line tanh(v x₀) enters the second layer, which is linear in w and b."""
    tokens = ["tanh(v*x) | w*x+b", "--set", "v=1.5", "--start", "0.5", "--depth", "60"]
    content = ask(*tokens, *LOSS, "--axis", "w=1:4", "--axis", "b=-3:1")
    found = line(of_origin(content, "basin line"))
    difference = found - (Rational(1, 2) - W * sympy.tanh(Rational(3, 4)))
    assert abs(float(difference.subs(W, 2))) < 1e-14


def test_start_two_in_the_reference_box_has_only_its_fold_arc(ask: Ask) -> None:
    content = ask("w*sigmoid(x)+b", *LOSS, "--start", "2", *BOX, "--depth", "50")
    assert [c["origin"] for c in content["cliffs"]] == ["fold"]


def test_a_deep_product_has_a_valley_and_a_convex_band(ask: Ask) -> None:
    tokens = ["w*x", "--untied", "w", "--state", "x", "--depth", "6", "--start", "1", "--loss", "(x-1)**2"]
    tokens += ["--slice", "u=w[1..3], v=w[4..6]", "--axis", "u=-2:2", "--axis", "v=-2:2"]
    content = ask(*tokens)
    (valley,) = content["valleys"]
    left, _, right = valley["equation"].partition(" = ")
    u, v = sympy.symbols("u v", real=True)
    assert sympy.expand(expression(left) - expression(right) - (u**3 * v**3 - 1)) == 0
    assert valley["verdict"] == "proved"
    assert content["convex_band"] == {"condition": "5/11 < p < 1", "verdict": "proved"}
    assert {c["kind"] for c in content["cliffs"]} == {"escarpment"}
    assert content["cliffs"][0]["exponent"] == pytest.approx(10 / 11)


@pytest.mark.parametrize("name", ["softplus", "relu"])
def test_unbounded_units_have_escarpments(ask: Ask, name: str) -> None:
    tokens = [f"w*{name}(x)+b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "40"]
    content = ask(*tokens, "--axis", "w=1.2:3", "--axis", "b=-2:1")
    assert of_origin(content, "basin line")["kind"] == "escarpment"


def test_an_expanding_linear_unit_has_a_canyon(ask: Ask) -> None:
    tokens = ["w*x+b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "40", "--axis", "w=1.2:3", "--axis", "b=-2:1"]
    assert of_origin(ask(*tokens), "basin line")["kind"] == "canyon"


def test_a_sine_unit_is_rough_and_nothing_is_certified(ask: Ask) -> None:
    tokens = ["w*sin(x)+b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "50"]
    content = ask(*tokens, "--axis", "w=3:4", "--axis", "b=-1:1")
    assert "rough" in {c["kind"] for c in content["cliffs"]}
    assert content["coverage"]["method"] == "sampled"
    assert "none missed" not in content["coverage"]["statement"].lower()


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_units_without_a_proof_are_sampled(ask: Ask, name: str) -> None:
    tokens = [f"w*{name}(x)+b", "--loss", "(x-1)**2", "--start", "0.5", "--depth", "30"]
    content = ask(*tokens, "--axis", "w=1.2:3", "--axis", "b=-2:1")
    assert content["coverage"]["method"] == "sampled"


def test_a_box_without_a_cliff_says_so(ask: Ask) -> None:
    content = ask(*UNIT, "--depth", "50", "--axis", "w=0.5:2", "--axis", "b=-1:1")
    assert content["cliffs"] == []
    assert content["status"].startswith("No cliff")
    assert content["largest_gradient"]["log_abs"] < 1


def test_a_picture_is_written_on_request(ask: Ask, tmp_path: Path) -> None:
    picture = tmp_path / "cliffs.svg"
    assert ask(*UNIT, *BOX, "--depth", "50", "--figure", str(picture))["figure"] == str(picture)
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["w*sigmoid(x)+b", "--start", "0.5", *BOX, "--depth", "50"], "--loss"),
        ([*UNIT, "--axis", "w=4:8", "--set", "b=1", "--depth", "50"], "two axes"),
        ([*UNIT, "--axis", "w=4:8", "--axis", "c=1:2", "--depth", "50"], "c"),
        ([*UNIT, *BOX, "--depth", "0"], "depth"),
        (["w*sigmoid(x)+b", "--loss", "w**2", "--start", "0.5", *BOX, "--depth", "50"], "does not depend on the state"),
        (["w*sigmoid(x)+b+c", *LOSS, "--start", "0.5", *BOX, "--depth", "50"], "c has no value"),
        (["w*sigmoid(x)+b+u[k]", *LOSS, "--start", "0.5", *BOX, "--depth", "5", "--set", "u=[1,2]"], "u"),
        (["w*gelu(x)+b", *LOSS, "--start", "0.5", *BOX, "--depth", "5", "--certify"], "certif"),
        (["w*sigmoid(x)+b", *LOSS, "--set", "w=5", "--axis", "x=0:1", "--axis", "b=-6:-1", "--depth", "50"], "start"),
    ],
)
def test_bad_questions_get_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], words: str) -> None:
    assert main(["cliffs", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert words in err
