"""``symgrad meanfield``: critical points, networks at given variances, advice at a width, and what is refused."""

import json
import math
from typing import Any

import pytest

from symgrad.cli import main

KEYS = {"status", "q", "chi1", "c", "chi_c", "xi_gradient", "xi_c", "phase", "fixed_points"}


def meanfield(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> dict[str, Any]:
    assert main(["meanfield", *tokens, "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    return content


def test_the_critical_point_of_tanh(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "tanh", "--sigma-b2", "0.05")
    assert content["critical"]["sigma_w2"] == pytest.approx(1.7609546396, abs=1e-9)
    assert content["critical"]["q"] == pytest.approx(0.5700478816, abs=1e-9)
    assert content["error"] < 1e-12


def test_a_chaotic_network(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "tanh", "--sigma-b2", "0.05", "--sigma-w2", "2.5")
    assert content.keys() >= KEYS
    assert content["chi1"] == pytest.approx(1.133515699, abs=1e-8)
    assert content["c"] == pytest.approx(0.4468042323, abs=1e-8)
    assert content["phase"] == "chaotic"
    assert content["xi_gradient"] == pytest.approx(1 / math.log(content["chi1"]))


def test_relu_with_and_without_biases(capsys: pytest.CaptureFixture[str]) -> None:
    free = meanfield(capsys, "relu", "--sigma-b2", "0")
    assert free["critical"] == {"sigma_w2": 2.0, "q": None}
    assert "every length q is fixed" in free["status"]
    biased = meanfield(capsys, "relu", "--sigma-b2", "0.05")
    assert biased["critical"] == {"sigma_w2": 2.0, "q": None}
    assert "no length is fixed there" in biased["status"]
    assert biased["fixed_points"] == []


def test_several_fixed_points_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for tokens in (["--sigma-b2", "0.05"], ["--sigma-b2", "0.05", "--sigma-w2", "2"]):
        points = meanfield(capsys, "gelu", *tokens)["fixed_points"]
        assert [p["stability"] for p in points] == ["stable", "unstable"]


def test_the_error_function_agrees_with_its_closed_form(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "erf", "--sigma-b2", "0.1", "--sigma-w2", "1.2")
    q = content["q"]
    assert q == pytest.approx(1.2 * 2 / math.pi * math.asin(2 * q / (1 + 2 * q)) + 0.1, abs=1e-12)
    assert content["chi1"] == pytest.approx(1.2 * 4 / (math.pi * math.sqrt(1 + 4 * q)), abs=1e-12)


def test_an_expression_is_read_by_the_grammar(capsys: pytest.CaptureFixture[str]) -> None:
    stretched = meanfield(capsys, "tanh(2*u)", "--sigma-b2", "1/5")
    plain = meanfield(capsys, "tanh", "--sigma-b2", "4/5")
    # With x = 2u, lengths and bias variances are multiplied by 4, and weights' variance by 4 as well.
    assert 4 * stretched["critical"]["q"] == pytest.approx(plain["critical"]["q"], rel=1e-12)
    assert 4 * stretched["critical"]["sigma_w2"] == pytest.approx(plain["critical"]["sigma_w2"], rel=1e-12)


def test_the_deviations_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "tanh", "--sigma-b2", "0.05", "--width", "512")
    assert content["weight_deviation"] == pytest.approx(math.sqrt(1.7609546396067386 / 512))
    assert content["finite_width"]["typical_rate"] < 0 == content["finite_width"]["mean_rate"]
    linear = meanfield(capsys, "identity", "--sigma-b2", "0", "--width", "100")
    assert linear["finite_width"]["typical_rate"] == pytest.approx(-1 / 200, rel=0.02)
    assert linear["finite_width"]["basis"] == "exact (Newman 1986)"


def test_exp_has_no_second_moment_in_a_finite_network(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "exp", "--sigma-b2", "0.05", code=3)
    assert "no second moment at any finite width" in content["status"]
    assert content["critical"]["q"] == pytest.approx(1.05)


def test_without_a_critical_point_that_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    content = meanfield(capsys, "softplus", "--sigma-b2", "0.05")
    assert content["critical"] is None
    assert content["status"].startswith("no critical point")


def test_text_names_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meanfield", "tanh", "--sigma-b2", "0", "--sigma-w2", "0.5"]) == 0
    assert "the length tends to 0" in capsys.readouterr().out


REFUSED = [
    (["tanh"], "needs the variance of the biases"),
    (["tahn", "--sigma-b2", "0"], "no activation is named 'tahn'; known: atan"),
    (["tanh", "--sigma-b2", "-1"], "sigma_b2 must be a variance"),
    (["tanh", "--sigma-b2", "nan"], "not a finite number"),
    (["tanh", "--sigma-b2", "1,2"], "takes one number, got 2"),
    (["tanh", "--sigma-b2", "0", "--sigma-w2", "-2"], "sigma_w2 must be a variance"),
    (["tanh", "--sigma-b2", "0", "--width", "0"], "a positive whole number is needed"),
    (["w*x", "--sigma-b2", "0"], "one variable"),
    (["sign", "--sigma-b2", "0"], "jumps at x = 0"),
    (["relu", "--sigma-b2", "0.1", "--sigma-w2", "0"], "sigma_w2 must be positive"),
    (["gelu", "--sigma-b2", "0", "--sigma-w2", "9", "--width", "8"], "no gradient rate exists"),
]


@pytest.mark.parametrize(("tokens", "part"), REFUSED, ids=[" ".join(t) for t, _ in REFUSED])
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], tokens: list[str], part: str) -> None:
    assert main(["meanfield", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert err.count("\n") == 1
