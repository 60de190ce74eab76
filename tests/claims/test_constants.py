"""Numbers are proved to be 0 only where they are: algebraic ones, sums of logarithms, sums of angles."""

import pytest
from sympy import Rational, atan, cos, log, pi, sqrt

from symgrad.claims import Claim
from symgrad.claims.constants import number_is_zero
from symgrad.evidence import Verdict

EQUAL = """
sqrt(5 + 2*sqrt(6)) = sqrt(2) + sqrt(3)
(2 + sqrt(5))**(1/3) - (sqrt(5) - 2)**(1/3) = 1
(2**(1/3) - 1)**(1/3) = (1/9)**(1/3) - (2/9)**(1/3) + (4/9)**(1/3)
cos(pi/5) = (1 + sqrt(5))/4
8*cos(2*pi/7)**3 + 4*cos(2*pi/7)**2 - 4*cos(2*pi/7) - 1 = 0
tan(3*pi/11) + 4*sin(2*pi/11) = sqrt(11)
sin(pi/7)*sin(2*pi/7)*sin(3*pi/7) = sqrt(7)/8
4*atan(1/5) - atan(1/239) = pi/4
atan(1) + atan(2) + atan(3) = pi
asin(3/5) + asin(4/5) = pi/2
2*log(sqrt(2) + sqrt(3)) = log(5 + 2*sqrt(6))
asinh(1/2) = log((1 + sqrt(5))/2)
sqrt(2) + sqrt(3) <= sqrt(5 + 2*sqrt(6))
""".strip().splitlines()

UNEQUAL = """
sqrt(5 + 2*sqrt(6)) = sqrt(2) + sqrt(3) + 10**-60
cos(pi/5) = (1 + sqrt(5))/4 + 10**-200
8*cos(2*pi/7)**3 + 4*cos(2*pi/7)**2 - 4*cos(2*pi/7) = 1 - 10**-40
sqrt(10**40 + 1) = 10**20 + 1/(2*10**20) - 1/(8*10**60)
4*atan(1/5) - atan(1/239) = pi/4 + 10**-90
atan(1) + atan(2) + atan(3) = 0
2*log(sqrt(2) + sqrt(3)) = log(5 + 2*sqrt(6) + 10**-50)
sqrt(2) + sqrt(3) < sqrt(5 + 2*sqrt(6))
sqrt(1000001) + sqrt(1000025) + sqrt(1000031) = sqrt(1000003) + sqrt(1000018) + sqrt(1000036)
""".strip().splitlines()


@pytest.mark.parametrize("text", EQUAL)
def test_equal_numbers_are_proved_equal(text: str) -> None:
    evidence = Claim(text).examine()
    assert evidence.verdict is Verdict.PROVED, evidence.method


@pytest.mark.parametrize("text", UNEQUAL)
def test_numbers_that_differ_by_very_little_are_never_proved_equal(text: str) -> None:
    assert Claim(text).examine().verdict in (Verdict.REFUTED, Verdict.SUPPORTED)
    assert Claim(text).examine().verdict is Verdict.REFUTED or "<" in text


@pytest.mark.parametrize(
    "number",
    [
        sqrt(2) - Rational(665857, 470832),
        cos(2 * pi / 7) - Rational(6234898018587336, 10**16),
        atan(2) - Rational(11071487177940905, 10**16),
        log(2) - Rational(6931471805599453, 10**16),
        sqrt(sqrt(2) - 1) + 10**-30,
        sqrt(-1 - sqrt(2)),
    ],
)
def test_what_is_no_zero_or_no_real_number_has_no_proof(number: object) -> None:
    assert number_is_zero(number) is None  # type: ignore[arg-type]
