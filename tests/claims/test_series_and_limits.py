"""Sums by partial fractions, products with a parameter, limits by Taylor: each with false neighbours."""

import pytest
import sympy

from symgrad.claims import Claim
from symgrad.claims.facts import Facts
from symgrad.claims.rational_sums import alternating_sum, rational_sum
from symgrad.claims.taylor import taylor_limit
from symgrad.evidence import Verdict
from symgrad.symbols import n

SYMBOLS = {"n": n}

TRUE = """
sum(1/((3*k + 1)*(3*k + 2)), k, 0, oo) = pi/(3*sqrt(3))
sum((-1)**(k + 1)/k**2, k, 1, oo) = pi**2/12
sum(1 + 1/k, k, 1, oo) = oo
sum(-k/(k + 1), k, 1, oo) = -oo
product(1 - x**2/k**2, k, 1, oo) = sin(pi*x)/(pi*x)
product(1 + x**2/k**2, k, 1, oo) = sinh(pi*x)/(pi*x)
product(cos(x/2**k), k, 1, oo) = sin(x)/x
limit(n*(a**(1/n) - 1), n, oo) = log(a) where a > 0
limit(n**2*(1 - cos(x/n)), n, oo) = x**2/2
limit(log(cosh(x)) - x, x, oo) = -log(2)
""".strip().splitlines()

FALSE = """
sum(1/(k**2 + 1), k, 0, oo) = (pi/tanh(pi) - 1)/2
sum((-1)**k/k**2, k, 1, oo) = pi**2/12
sum(1 + 1/k, k, 1, oo) = -oo
sum(1 + 1/k, k, 1, oo) = 5
sum((-1)**k, k, 1, oo) = oo
sum(k, k, 1, n) = n*(n + 1)/2 + floor(n/500)
product(1 - x**2/k**2, k, 2, oo) = sin(pi*x)/(pi*x)
product(1 + x**2/k**2, k, 1, oo) = sin(pi*x)/(pi*x)
product(cos(x/2**k), k, 0, oo) = sin(x)/x
limit(n**2*(1 - cos(x/n)), n, oo) = x**2
""".strip().splitlines()

NEVER_REFUTED = """
product(1 + x**(2**k), k, 0, oo) = 1/(1 - x) where -1 < x < 1
sum(2 + (-1)**k, k, 1, oo) = oo
sum(k/(k + 1), k, 1, oo) = oo
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_claim_is_proved(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict is Verdict.PROVED, evidence.method


@pytest.mark.parametrize("text", FALSE)
def test_a_false_claim_is_refuted(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict is Verdict.REFUTED, evidence.method


@pytest.mark.parametrize("text", NEVER_REFUTED)
def test_a_true_claim_is_not_refuted(text: str) -> None:
    assert Claim(text).examine().verdict is not Verdict.REFUTED


def test_every_value_of_a_sum_agrees_with_its_terms() -> None:
    k = sympy.Symbol("k", integer=True)
    bodies = (1 / ((2 * k + 1) * (k + 2)), 1 / ((3 * k + 1) * (k + 4)), 1 / ((6 * k + 1) * (6 * k + 5)), 1 / (k**2 + 3))
    for low, body in ((low, body) for low in (0, 3) for body in (*bodies, 1 / ((4 * k + 1) * (4 * k + 3)))):
        value, term = rational_sum(body, k, low), sympy.lambdify(k, body)
        assert value is not None
        assert abs(float(value) - sum(term(j) for j in range(low, 3000))) < 2e-3
    for low in (0, 1, 3):
        value = alternating_sum((-1) ** k / (3 * k + 1), k, low)
        assert value is not None
        assert abs(float(value) - sum((-1) ** j / (3 * j + 1) for j in range(low, 4001))) < 1e-3


def test_what_is_not_analytic_or_has_a_parameter_of_unknown_sign_has_no_taylor_limit() -> None:
    m, a = sympy.Symbol("m", positive=True), sympy.Symbol("a", real=True)
    assert taylor_limit((-1) ** m / m, m, Facts()) is None
    assert taylor_limit(sympy.floor(m) / m, m, Facts()) is None
    assert taylor_limit(m * (a ** (1 / m) - 1), m, Facts()) is None
    assert taylor_limit((1 / m) / (a + 1 / m), m, Facts()) is None
