"""Cases, squares, several variables, whole numbers: true claims are proved, planted false neighbours never are."""

import pytest

from symgrad.claims import Claim
from symgrad.evidence import Verdict
from symgrad.symbols import n

SURE = (Verdict.PROVED, Verdict.CERTIFIED)
SYMBOLS = {"n": n}

TRUE = """
abs(x + 1/x) >= 2
atan(x) + atan(1/x) = pi/2*sign(x)
atan(tan(x)) = x - pi where pi/2 < x < 3*pi/2
(a + b)/2 >= sqrt(a*b) where a >= 0, b >= 0
sqrt(a + b) <= sqrt(a) + sqrt(b) where a >= 0, b >= 0
a**3 + b**3 + c**3 >= 3*a*b*c where a >= 0, b >= 0, c >= 0
x**3 < y**3 where x < y
abs(atan(x) - atan(y)) <= abs(x - y)
2**n >= n**2 where n >= 4
sqrt(n + 1) - sqrt(n) < 1/(2*sqrt(n))
""".strip().splitlines()

FALSE = """
abs(sin(x)) <= abs(x) - 10**-9*x**2
abs(tanh(x)) < abs(x)
softplus(x) - relu(x) <= log(2) - 10**-20
abs(diff(tanh(x), x, 2)) <= 4/(3*sqrt(3)) - 10**-12
abs(diff(tanh(x), x, 2)) < 4/(3*sqrt(3))
abs(x + 1/x) > 2
atan(x) + atan(1/x) = pi/2*abs(sign(x))
elu(x) = Max(x, 0) - Min(exp(x) - 1, 0)
asin(sin(x)) = pi - x where pi/2 <= x <= 2*pi
acos(cos(x)) = abs(x) where -pi <= x <= 4
atan(tan(x)) = x where -pi/2 < x < 2
sqrt((1 - cos(x))/2) = sin(x/2)
sqrt(x - 2*sqrt(x - 1)) = 1 - sqrt(x - 1) where x >= 1
sin(x) >= 2*x/pi where 0 < x < 8/5
x*log(x) > -exp(-1)
log(x) < sqrt(x)*7/10
(a + b)/2 > sqrt(a*b) where a > 0, b > 0
(a + b)/2 >= sqrt(a*b) + 10**-6*a where a > 0, b > 0
sqrt(a + b) < sqrt(a) + sqrt(b) where a >= 0, b >= 0
x**2 + 2.0001*x*y + y**2 >= 0
a**3 + b**3 + c**3 >= 3*a*b*c where a >= -1, b >= 0, c >= 0
a**3 + b**3 + c**3 > 3*a*b*c where a >= 0, b >= 0, c >= 0
x**2 < y**2 where x < y
abs(atan(x) - atan(y)) <= abs(x - y)*0.999
2**n >= n**2 where n >= 3
atan(x) - atan(y) = atan((x - y)/(1 + x*y))
Mod(n**3 - n, 12) = 0
floor(n/2) + floor((n + 2)/2) = n
sqrt(n + 1) - sqrt(n) < 1/(2*sqrt(n + 1))
abs(atan(1/x) - 1) = atan(1/x) - 1 where x != 0
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_true_claim_is_proved(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict in SURE, evidence.method


def test_no_false_neighbour_is_proved_and_nearly_every_one_is_refuted() -> None:
    verdicts = {text: Claim(text, symbols=SYMBOLS).examine().verdict for text in FALSE}
    assert not [text for text, verdict in verdicts.items() if verdict in SURE]
    assert list(verdicts.values()).count(Verdict.REFUTED) >= len(FALSE) - 2


def test_sides_that_cancel_are_no_fault() -> None:
    text = "diff(sqrt(a**2 + x**2), x, 2) > a**2/(a**2 + x**2)**(3/2) where a > 0"
    assert Claim(text).examine().verdict not in SURE
