"""Bounds of sums and products for every n: true ones are proved, false neighbours refuted and never proved."""

import pytest

from symgrad.claims import Claim
from symgrad.evidence import Verdict
from symgrad.symbols import n

TRUE = """
sum(1/sqrt(k), k, 1, n) >= sqrt(n)
product(1 - 1/(2*k), k, 1, n) < 1
""".strip().splitlines()

FALSE = """
sum(1/sqrt(k), k, 1, n) <= 2*sqrt(n) - 3/2
product((2*k - 1)/(2*k), k, 1, n) <= 1/sqrt(3*n + 2)
product(-k, k, 1, n) <= 1
product(k - 3/2, k, 1, n) >= -1
product(cos(x/2**k), k, 1, n) = sin(x)/(2**n*sin(x/2**n)) + x**2/10**9
iterate(sqrt(x), n, x) = x**(1/2**(n + 1)) where x > 0
sum(1/k, k, 1, n) >= log(n + 1) + 58/100
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_bound_is_proved(text: str) -> None:
    evidence = Claim(text, symbols={"n": n}).examine()
    assert evidence.verdict is Verdict.PROVED, evidence.method
    assert "induction" in evidence.method


@pytest.mark.parametrize("text", FALSE)
def test_a_false_bound_is_refuted(text: str) -> None:
    assert Claim(text, symbols={"n": n}).examine().verdict is Verdict.REFUTED
