"""Limits, sums, products and iterates inside claims: true ones proved, false ones never, most of them refuted."""

import pytest
from sympy import Symbol

from symgrad.claims import Claim
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.symbols import n

SYMBOLS = {"n": n}

PROVED = """
limit(a**n, n, oo) = 0 where -1 < a < 1
limit(a**n, n, oo) = 0 where abs(a) < 1
limit((1 + c/n)**n, n, oo) = exp(c)
limit((2*n + 1)/(n + 3), n, oo) = 2
limit(n**(1/n), n, oo) = 1
limit(n*sin(1/n), n, oo) = 1
limit(n**3*a**n, n, oo) = 0 where abs(a) < 1
limit(tanh(n), n, oo) = 1
limit(atan(n*x), n, oo) = pi/2 where x > 0
limit((a**(n + 1) - 1)/(a - 1), n, oo) = 1/(1 - a) where -1 < a < 1
limit(sqrt(n + 1) - sqrt(n), n, oo) = 0
limit(sin(n)/n, n, oo) = 0
limit(n, n, oo) = oo
limit(sum(1/2**k, k, 1, n), n, oo) = 1
limit(product(1 + 1/k**2, k, 1, n), n, oo) = sinh(pi)/pi
product(1 + 1/k**2, k, 1, oo) = sinh(pi)/pi
product(1 - 1/(k + 1)**2, k, 1, oo) = 1/2
product(1 - 1/k, k, 2, oo) = 0
sum(1/k**4, k, 2, oo) = pi**4/90 - 1
sum(1/(k*(k + 1)), k, 1, oo) = 1
sum(1/k, k, 1, oo) = oo
sum(r**k, k, 0, oo) = 1/(1 - r) where -1 < r < 1
sum(k*r**k, k, 1, oo) = r/(1 - r)**2 where -1 < r < 1
sum((-1)**(k + 1)/k, k, 1, oo) = log(2)
sum(k, k, 1, n) = n*(n + 1)/2
sum(k**2, k, 1, n) = n*(n + 1)*(2*n + 1)/6
sum(k**3, k, 1, n) = sum(k, k, 1, n)**2
sum(r**k, k, 0, n) = (r**(n + 1) - 1)/(r - 1)
sum(1/2**k, k, 1, n) <= 1
sum(1/k**2, k, 1, n) <= 2 - 1/n
product(1 + 1/k, k, 1, n) = n + 1
product(1 - 1/k**2, k, 2, n) = (n + 1)/(2*n) where n >= 2
iterate(w*x + b, n, x) = w**n*x + b*(w**n - 1)/(w - 1)
iterate(x/(1 + x), n, x) = x/(1 + n*x)
iterate(x**2, n, x) = x**(2**n)
iterate(2*x, 5, x) = 32*x
sum(k, k, 1, 4) = 10
product(k, k, 1, 0) = 1
""".strip().splitlines()

REFUTED = """
limit(a**n, n, oo) = 0
limit(a**n, n, oo) = 0 where -1 <= a < 1
limit(a**n, n, oo) = 0 where -1 < a <= 1
limit((1 - c/n)**n, n, oo) = exp(c)
limit((2*n + 1)/(n + 3), n, oo) = 3
limit(n**2*sin(1/n), n, oo) = 1
limit((-1)**n, n, oo) = 1
limit(n, n, oo) = -oo
limit(sum(1/2**k, k, 1, n), n, oo) = 2
product(1 - 1/k**2, k, 1, oo) = sinh(pi)/pi
product(1 + 1/k**2, k, 1, oo) = -sinh(pi)/pi
product(1 + 1/k**2, k, 2, oo) = sinh(pi)/pi
sum(1/k**2, k, 1, oo) = pi**2/6 + 1/10**12
sum(1/k, k, 1, oo) = 7
sum(1/k**3, k, 1, oo) = pi**2/6
sum(1/k**3, k, 1, oo) < 6/5
sum(r**k, k, 0, oo) = 1/(1 - r)
sum(k, k, 0, n) = n*(n + 1)/2 + 1
sum(r**k, k, 1, n) = (r**(n + 1) - 1)/(r - 1)
sum(1/2**k, k, 1, n) = sum(1/2**k, k, 1, oo)
sum(1/k, k, 1, n) <= 4
product(1 + 1/k, k, 1, n) = n
iterate(w*x + b, n, x) = w**n*x + b*(w**n - 1)/(w + 1)
iterate(x/(1 + x), n, x) = x/(1 - n*x)
iterate(x**2, n, x) = x**(2*n)
sum(k, k, 1, n) < limit(sum(1/2**k, k, 1, n), n, oo)
""".strip().splitlines()

NEVER_PROVED = """
sum(1/((k - 2)*(k - 3)), k, 1, oo) = 1
sum(1/(k*(k - 3)), k, 1, oo) = 1
sum(1, k, 1, oo) = sum(1, k, 1, oo)
limit((-1)**n, n, oo) = limit((-1)**n, n, oo)
product(1 + x/k, k, 1, oo) = product(1 + x/k, k, 1, oo)
sum(k, k, 1, n) = n*(n + 1)/2 + Mod(n, 1000003)*floor(n/1000003)
sum(1/k**3, k, 1, oo) = 1.2020569031595942
limit(sin(n), n, oo) = limit(sin(n), n, oo)
sum(x**k/(k - 5), k, 1, n) = sum(x**k/(k - 5), k, 1, n) + (n - 5)/(n - 5) - 1 + floor(n/200)
""".strip().splitlines()


@pytest.mark.parametrize("text", PROVED)
def test_a_true_claim_with_operators_is_proved(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict is Verdict.PROVED, evidence.method


@pytest.mark.parametrize("text", REFUTED)
def test_a_false_claim_with_operators_is_refuted(text: str) -> None:
    evidence = Claim(text, symbols=SYMBOLS).examine()
    assert evidence.verdict is Verdict.REFUTED, evidence.method
    assert evidence.witness is not None


@pytest.mark.parametrize("text", NEVER_PROVED)
def test_what_has_no_value_or_fails_far_out_is_not_proved(text: str) -> None:
    assert Claim(text, symbols=SYMBOLS).examine().verdict not in (Verdict.PROVED, Verdict.CERTIFIED)


def test_an_undeclared_count_is_a_positive_integer_and_said_to_be() -> None:
    evidence = Claim("sum(k, k, 1, m) = m*(m + 1)/2").examine()
    assert evidence.verdict is Verdict.PROVED
    assert evidence.domain == ("m is a positive integer",)


def test_the_induction_starts_where_the_claim_does() -> None:
    low = Symbol("n", integer=True)
    evidence = Claim("sum(k, k, 1, n) = n*(n + 1)/2 where n >= 3", symbols={"n": low}).examine()
    assert "induction on n from 3" in evidence.method
    unbounded = Claim("sum(k, k, 1, n) = n*(n + 1)/2", symbols={"n": low}).examine()
    assert "induction on n from 0" in unbounded.method


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit(a**n, n, 3) = 0", "at oo"),
        ("sum(k, k, 1) = 0", "arguments"),
        ("sum(k, 2, 1, n) = 0", "variable"),
        ("sum(w[k], k, 1, 3) = 3*w[k]", "per layer"),
        ("sum(sum(j, j, 1, k), k, 1, n) = 0", "depends on"),
        ("limit(iterate(x/2, n, x), n, oo) = 0", "depends on"),
        ("diff(iterate(x**2, n, x), x) = 1", "differentiate"),
        ("x = x where sum(k, k, 1, 3) > x", "condition"),
        ("iterate(x, oo, x) = x", "applications"),
    ],
)
def test_operators_that_cannot_be_read_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        Claim(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "diff(tanh(w*x + b), x) = w*(1 - tanh(w*x + b)**2)",
        "w*(1 - tanh(w*x + b)**2) = w/cosh(w*x + b)**2",
        "product(1 + 1/k**2, k, 1, oo) = sinh(pi)/pi",
        "limit((a**(n + 1) - 1)/(a - 1), n, oo) = 1/(1 - a) where 1/4 < a < 1/2",
        "iterate(x/(1 + x), n, x) = x/(1 + n*x)",
        "sum(r**k, k, 0, n) = (r**(n + 1) - 1)/(r - 1)",
    ],
)
def test_no_claim_with_one_sign_flipped_is_proved_where_it_is_false(text: str) -> None:
    claimed, _, condition = text.partition(" where ")
    suffix = f" where {condition}" if condition else ""
    assert Claim(text, symbols=SYMBOLS).examine().verdict is Verdict.PROVED
    for place, sign in enumerate(claimed):
        if sign in "+-":
            flipped = claimed[:place] + ("-" if sign == "+" else "+") + claimed[place + 1 :] + suffix
            if flipped.startswith("limit((a**(n - 1)"):
                continue  # it stays true: the shift by a fixed number does not change the limit
            assert Claim(flipped, symbols=SYMBOLS).examine().verdict is Verdict.REFUTED, flipped
