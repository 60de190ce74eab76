"""Equal derivatives on every piece of the domain, and inequalities in one variable."""

import pytest

from symgrad.claims import Claim
from symgrad.evidence import Verdict

SURE = (Verdict.PROVED, Verdict.CERTIFIED)

TRUE = """
acos(x) = 2*atan(sqrt((1 - x)/(1 + x)))
atan((1 + x)/(1 - x)) = pi/4 + atan(x) where x < 1
atan(sinh(x)) = 2*atan(tanh(x/2))
atan(sinh(x)) = 2*atan(exp(x)) - pi/2
atan(x + 1/x) + atan(x/(1 + x**2)) = pi/2 where x > 0
exp(x) > 1 + x where x > 0
exp(x) > x
tanh(x) < x where x > 0
sin(x) > x - x**3/6 where x > 0
log(1 + x) >= x/(1 + x) where x > -1
1 - x**2/2 <= cos(x)
sqrt(1 + x) <= 1 + x/2
atan(x) < pi/2
exp(x) > x**2 where x > 0
exp(x) < 10**30 where x < 69
""".strip().splitlines()

FALSE = """
atan(x) + atan(1/x) = pi/2 where x < 0
2*atan(x) = asin(2*x/(1 + x**2)) where x > -1
atan((1 + x)/(1 - x)) = pi/4 + atan(x)
atan((1 + x)/(1 - x)) = pi/4 - atan(x) where x < 1
atan(x + 1/x) + atan(x/(1 + x**2)) = pi/2
sign(x - 50) = -1
exp(x) >= 1 + x + 1/10**9
tanh(x) < x where x >= 0
log(x) <= x - 1.0000001
exp(x) >= x**3 where x > 0
atan(x) <= 1.57
x*log(x) >= -0.3678
sin(x) + cos(x) <= 1.4142
sqrt(x**2*(x - 1)) > 0
tanh(x) < 1 - 10**-50 where x > 0
x**2 >= 1/10**13
(x - 1/3)**2 >= 1/10**12
1 - x**2/2 < cos(x)
1 - x**2/2 + x**4/25 <= cos(x)
""".strip().splitlines()

NEVER_PROVED = """
sqrt(x**2*(x - 1))/sqrt(x**2*(x - 1)) = 1 + floor(x)*0 + sign(x - 50) - 1
sqrt(x**2*(x - 1000)) >= 1/10**6*x
sign(x - 1234567891)*atan(1) = -pi/4
(x - 54321/7919)**2*10**12 >= 1/10**3
abs(x - 54321/7919) > 0
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_claim_is_proved_or_certified(text: str) -> None:
    evidence = Claim(text).examine()
    assert evidence.verdict in SURE, evidence.method


@pytest.mark.parametrize("text", FALSE)
def test_a_false_claim_is_refuted(text: str) -> None:
    evidence = Claim(text).examine()
    assert evidence.verdict is Verdict.REFUTED, evidence.method
    assert evidence.witness


@pytest.mark.parametrize("text", NEVER_PROVED)
def test_what_is_false_at_an_isolated_or_far_point_is_not_proved(text: str) -> None:
    assert Claim(text).examine().verdict not in SURE


def test_the_argument_names_the_pieces_and_the_points() -> None:
    evidence = Claim("atan(x) + atan(1/x) = -pi/2 where x < 0").examine()
    assert evidence.method == "the sides have equal derivatives on (-oo, 0), and agree exactly at x = -1"
    assert "from x = 0" in Claim("exp(x) >= 1 + x").examine().method


def test_an_enclosure_is_called_certified() -> None:
    assert Claim("exp(x) > x**2 where x > 0").examine().verdict is Verdict.CERTIFIED
