"""Where a claim changes is solved for, so that thin bumps, far thresholds and points of equality refute it."""

import pytest
import sympy

from symgrad.claims import Claim
from symgrad.claims.places import places, solutions
from symgrad.evidence import Verdict
from symgrad.symbols import n, x

REFUTED = """
diff(tanh(x), x) = 1 - tanh(x)**2 + exp(-(x - 7/3)**2*10**12)
x = x + Max(0, x - 51)
x = x + relu(1 - abs(x - 77)*10**6)
tanh(x) < 1 - exp(-(x - 37)**2*10**10)
cos(x)**2 + sin(x)**2 = 1 + exp(-10**6*(x**2 - 2)**2)
(x - 1/7)**2*(x - 2/7)**2 > 0
(x**2 - 2)**2 > 0
x**2 - 2*sqrt(2)*x + 2 > 0
(x - pi)**2 > 0
(exp(x) - 2)**2 > 0
sin(3*x + 1) < 1
abs(sin(x)) < 1
abs(sin(x) - sin(y)) < abs(x - y)
(tanh(x) - 1/2)**2 + (x - y)**2 > 0
floor(n/1000) = 0
floor(n/100000) = 0
Mod(n, 1000003) = n
product(n - k, k, 1, 60) = 0
gelu(x) >= -0.1699
""".strip().splitlines()

NOT_REFUTED = """
(x**2 - 2)**2 >= 0
(x**2 - 2)**2 > 0 where x > 3/2
sin(3*x + 1) <= 1
(x - pi)**2 > 0 where x > 4
x**2 + 10**-30 > 0
floor(x/1000) = 0 where 0 < x < 1000
""".strip().splitlines()


@pytest.mark.parametrize("text", REFUTED)
def test_a_thin_far_or_exact_exception_refutes(text: str) -> None:
    evidence = Claim(text, symbols={"n": n}).examine()
    assert evidence.verdict in (Verdict.REFUTED, Verdict.UNDECIDED), evidence.method
    assert evidence.verdict is Verdict.REFUTED or "no point" in evidence.method


@pytest.mark.parametrize("text", NOT_REFUTED)
def test_a_true_claim_with_the_same_places_is_not_refuted(text: str) -> None:
    assert Claim(text, symbols={"n": n}).examine().verdict is not Verdict.REFUTED


def test_an_irrational_witness_is_written_exactly() -> None:
    evidence = Claim("(exp(x) - 2)**2 > 0").examine()
    assert evidence.witness == {"x": "log(2)"}
    assert "exactly" in evidence.method


def test_equations_are_inverted_function_by_function() -> None:
    assert solutions(sympy.tanh(x) - sympy.Rational(1, 2), x) == [sympy.atanh(sympy.Rational(1, 2))]
    assert solutions(sympy.exp(2 * x) - 3 * sympy.exp(x) + 2, x) == [0, sympy.log(2)]
    assert solutions(sympy.exp(x) + 1, x) == []
    assert sympy.Integer(10**6) in set(places(sympy.floor(x / 10**6), x))


def test_long_powers_are_not_written_out() -> None:
    assert list(places(sympy.tanh(x) - sympy.exp(-(10**10) * (x - 37) ** 2), x))


def test_an_interval_is_no_place() -> None:
    for expr in (sympy.sin(x) + sympy.AccumBounds(-1, 1), x - sympy.AccumBounds(-1, 1)):
        assert not [place for place in places(expr, x) if place.has(sympy.AccumBounds)]


def test_parts_at_infinity_are_no_fault() -> None:
    text = "a*cos(x) + b*sin(x) < sqrt(a**2 + b**2)*cos(x - atan(b/a)) where a > 0"
    assert Claim(text).examine().verdict is Verdict.REFUTED


def test_exponentials_of_far_apart_numbers_make_no_long_polynomial() -> None:
    evidence = Claim("abs(w*sigmoid(x)*(1 - sigmoid(2))) <= abs(w)/4").examine()
    assert evidence.verdict is not Verdict.REFUTED
