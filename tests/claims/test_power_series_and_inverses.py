"""Power series, doublings, roots of 1 + tan^2, sums of asinh, logarithms of both sides: with false neighbours."""

import pytest

from symgrad.claims import Claim
from symgrad.evidence import Verdict
from symgrad.symbols import n

SYMBOLS = {"n": n}

TRUE = """
product(1 + 1/(4*k**2 - 1), k, 1, oo) = pi/2
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 0, oo) = atan(x) where -1 <= x <= 1
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 1, oo) = atan(x) - x where abs(x) <= 1
sum((-1)**k*x**(2*k)/(2*k + 1), k, 0, oo) = atan(x)/x where 0 < x <= 1
sum(x**(2*k + 1)/(2*k + 1), k, 0, oo) = log((1 + x)/(1 - x))/2 where -1 < x < 1
sum(x**(2*k + 1)/(2*k + 1), k, 0, oo) = atanh(x)
product(1 + x**(2**k), k, 0, oo) = 1/(1 - x) where -1 < x < 1
product(1 + x**(2**k), k, 2, oo) = 1/(1 - x**4) where -1 < x < 1
product(1 + 1/2**(2**k), k, 0, oo) = 2
sqrt(1 + tan(x)**2) = -1/cos(x) where pi/2 < x < 3*pi/2
sqrt(1/cos(x)**2 - 1) = abs(tan(x))
asinh(x) - asinh(y) = asinh(x*sqrt(1 + y**2) - y*sqrt(1 + x**2))
sum(1/(k + 1), k, 1, n) <= log(n + 1)
""".strip().splitlines()

FALSE = """
product(4*k**2/(4*k**2 - 1), k, 1, oo) = pi/3
product(4*k**2/(4*k**2 + 1), k, 1, oo) = pi/2
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 0, oo) = atan(x) where -2 < x < 1
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 0, oo) = atan(x)
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 0, oo) = atanh(x) where -1 < x < 1
sum((-1)**k*x**(2*k + 1)/(2*k + 1), k, 1, oo) = atan(x) where -1 < x < 1
sum((-1)**k*x**(2*k)/(2*k + 1), k, 0, oo) = -atan(x)/x where 0 < x <= 1
sum(x**(2*k + 1)/(2*k + 1), k, 0, oo) = log((1 + x)/(1 - x)) where -1 < x < 1
sum(x**(2*k - 1)/(2*k + 1), k, 0, oo) = atanh(x)
product(1 + x**(2**k), k, 1, oo) = 1/(1 - x) where -1 < x < 1
product(1 + 1/2**(2**k), k, 1, oo) = 2
sqrt(1 + tan(x)**2) = 1/cos(x) where -pi/2 < x < 2
sqrt(1/cos(x)**2 - 1) = tan(x)
asinh(x) + asinh(y) = asinh(x*sqrt(1 + y**2) - y*sqrt(1 + x**2))
asinh(x) + asinh(y) = asinh(x*sqrt(1 + y**2) + y*sqrt(1 + x**2)) + 10**-30*x
atanh(x) + atanh(y) = atanh((x + y)/(1 - x*y)) where -1 < x < 1, -1 < y < 1
acosh(x) + acosh(y) = acosh(x*y - sqrt(x**2 - 1)*sqrt(y**2 - 1))
sum(1/k, k, 1, n) >= log(n + 2)
sum(1/(k + 1), k, 1, n) >= log(n + 1)
cosh(x) <= exp(x**2/2) - x**4/10
cosh(2*x) <= exp(x**2)
gelu(x) >= -0.16997
""".strip().splitlines()

NEVER_PROVED = """
product(1 + x**(2**k), k, 0, oo) = 1/(1 - x) where -1 <= x < 1
product(1 - x**(2**k), k, 0, oo) = 1/(1 + x) where -1 < x < 1
asin(x) + asin(y) = asin(x*sqrt(1 - y**2) + y*sqrt(1 - x**2))
sum((-1)**k*x**(2*k)/(2*k + 1), k, 0, oo) = atan(x)/x*sign(x)**2 where 0 < x < 2
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_claim_of_these_kinds_is_proved(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict in (Verdict.PROVED, Verdict.CERTIFIED), evidence.method


@pytest.mark.parametrize("text", FALSE)
def test_a_false_claim_of_these_kinds_is_refuted(text: str) -> None:
    assert Claim(text, symbols=SYMBOLS).examine().verdict is Verdict.REFUTED


@pytest.mark.parametrize("text", NEVER_PROVED)
def test_a_false_claim_that_resists_is_not_proved(text: str) -> None:
    assert Claim(text, symbols=SYMBOLS).examine().verdict not in (Verdict.PROVED, Verdict.CERTIFIED)
