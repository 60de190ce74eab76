"""``symgrad product``: the answers the acceptance list names, the keys, and the refusals."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from symgrad.budget import close
from symgrad.cli import main

KEYS = ["status", "regime", "limit", "limit_value", "rate", "pace", "sign", "verdict", "reason"]


@pytest.fixture(scope="module", autouse=True)
def no_child_afterwards() -> Iterator[None]:
    yield
    close()


def product(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> dict[str, Any]:
    assert main(["product", *tokens, "--index", "k", "--json", "--budget", "60"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    content: dict[str, Any] = json.loads(out)
    assert list(content) == KEYS
    return content


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["1 - 1/(k+1)**2"], {"regime": "constant", "limit": "1/2", "limit_value": 0.5}),
        (["1 + 1/k**2"], {"regime": "constant", "limit": "sinh(pi)/pi"}),
        (["1 + 1/k"], {"regime": "exploding", "pace": "subexponential", "limit": None, "limit_value": None}),
        (["1 - 1/k", "--from", "2"], {"regime": "vanishing", "limit": "0", "limit_value": 0.0}),
        (["1 - 1/k**2"], {"regime": "zero", "limit": "0", "rate": None}),
        (["-(1+1/k**2)"], {"regime": "alternating", "sign": "alternating", "limit": None}),
        (["(-1)**k*(1+1/k**2)"], {"regime": "oscillating", "sign": "periodic"}),
        (["1 + (-1)**k/sqrt(k)", "--from", "2"], {"regime": "vanishing", "pace": "subexponential", "rate": 0.0}),
        (["2**((-1)**k)"], {"regime": "oscillating", "sign": "constant"}),
        (["k**((-1)**k)"], {"regime": "oscillating"}),
        (["-2"], {"regime": "exploding", "sign": "alternating", "pace": "exponential", "rate": math.log(2)}),
        (["1/2 + 1/k"], {"regime": "vanishing", "rate": -math.log(2), "pace": "exponential"}),
        (["1 + c/n", "--depth", "n"], {"regime": "constant", "limit": "exp(c)", "limit_value": None}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_products_of_the_acceptance_list(
    capsys: pytest.CaptureFixture[str], tokens: list[str], expected: dict[str, object]
) -> None:
    content = product(capsys, *tokens)
    assert {key: content[key] for key in expected} == expected
    assert content["verdict"] == "proved"


def test_how_a_product_vanishes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "n**(-1/2)" in product(capsys, "1 + (-1)**k/sqrt(k)", "--from", "2")["reason"]
    assert "tends to 0 and another to ∞" in product(capsys, "k**((-1)**k)")["reason"]


def test_an_undecided_product_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    content = product(capsys, "1 + sin(k)/k", "--from", "2", code=3)
    assert (content["regime"], content["verdict"], content["limit"], content["sign"]) == (
        "undecided",
        "undecided",
        None,
        None,
    )


def test_a_budget_too_small_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["product", "1 + 1/k**2", "--index", "k", "--budget", "0.0001", "--json"]) == 3
    assert "in time" in json.loads(capsys.readouterr().out)["status"]


def test_a_person_reads_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["product", "1 + 1/k**2", "--index", "k"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Constant: the product tends to a nonzero constant, sinh(pi)/pi; proved by an exact argument."


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["1 + 1/k"], "product needs the name of the index"),
        (["--index", "k"], "product needs EXPR"),
        (["1 + c/k", "--index", "k"], "the factors contain c beside the index k"),
        (["1 + c/n", "--index", "k"], "the factors contain c, n beside the index k"),
        (["1/(k-3)", "--index", "k"], "the factor at k = 3 is undefined"),
        (["log(k)", "--index", "k", "--from", "0"], "the factor at k = 0 is undefined"),
        (["1/k", "--index", "k", "--from", "1.5"], "--from: got '1.5', the first index is a whole number"),
        (["1/k", "--index", "1"], "--index: got '1'"),
        (["1/k", "--index", "pi"], "--index: got 'pi'"),
        (["1/k", "--index", "k", "--depth", "50"], "--depth: got '50'"),
        (["1/k", "--index", "k", "--depth", "k"], "both called k"),
        (["1/k +", "--index", "k"], "column"),
        (["nothing(k)", "--index", "k"], "nothing"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str], tokens: list[str], message: str) -> None:
    assert main(["product", *tokens]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
