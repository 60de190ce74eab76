"""Limits of products: a table with sources, each checked against its partial products up to n = 100 000."""

from collections.abc import Iterator

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray
from sympy import Expr, Symbol

from symgrad.budget import NoAnswer, close, within
from symgrad.derivation import ProductLimit, Sign, product_limit
from symgrad.derivation.products.decision import with_limit
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import expand_activations, expression

N = 100_000
MOST_UNDECIDED = 3

KNOPP = "Knopp, Theory and Application of Infinite Series, ch. VII"
WW = "Whittaker & Watson, A Course of Modern Analysis, §7.5 and §12.13"
DLMF = "DLMF 4.22, 4.36 and 5.8"
LOGS = "the sum of the logarithms, compared with Bertrand's series"
HALVES = "halving formula: the partial product is sin(x)/(2^n sin(x/2^n)) (Vieta, Euler; DLMF 4.21.27)"

# factor, first index, regime, limit, source or proof
TABLE = [
    ("1 - 1/(k+1)**2", 1, "constant", "1/2", KNOPP),
    ("1 + 1/k**2", 1, "constant", "sinh(pi)/pi", DLMF),
    ("1 - 1/(4*k**2)", 1, "constant", "2/pi", "Wallis, DLMF 4.22.1"),
    ("4*k**2/(4*k**2 - 1)", 1, "constant", "pi/2", "Wallis"),
    ("1 + 1/k**4", 1, "constant", "(cosh(sqrt(2)*pi) - cos(sqrt(2)*pi))/(2*pi**2)", WW),
    ("1 + 4/k**4", 1, "constant", "sinh(pi)**2/(2*pi**2)", WW),
    ("1 - 1/k**4", 2, "constant", "sinh(pi)/(4*pi)", WW),
    ("1 - 1/k**3", 2, "constant", "cosh(sqrt(3)*pi/2)/(3*pi)", WW),
    ("1 + 1/k**3", 1, "constant", "cosh(sqrt(3)*pi/2)/pi", WW),
    ("(k**3 - 1)/(k**3 + 1)", 2, "constant", "2/3", "telescopes: (k-1)/(k+1) · (k²+k+1)/(k²-k+1)"),
    ("1 - 2/(k*(k+1))", 2, "constant", "1/3", "telescopes: (k-1)(k+2)/(k(k+1)); " + KNOPP),
    ("1 + 1/(k*(k+2))", 1, "constant", "2", "telescopes: (k+1)²/(k(k+2))"),
    ("1 - 1/(9*k**2)", 1, "constant", "3*sqrt(3)/(2*pi)", DLMF),
    ("1 - 4/(2*k+1)**2/pi**2", 1, "constant", "cos(1)/(1 - 4/pi**2)", "DLMF 4.22.2 at z = 1, without its first factor"),
    ("1 - 4/k**2", 3, "constant", "1/6", "telescopes"),
    ("1 - 1/k**2", 1, "zero", "0", "the factor at k = 1"),
    ("1 + 1/k", 1, "exploding", None, "the partial product is n + 1"),
    ("1 - 1/k", 2, "vanishing", "0", "the partial product is 1/n"),
    ("1 + (-1)**k/k", 2, "constant", "1", "factors (1+1/2j)(1-1/(2j+1)) = 1; " + KNOPP),
    ("1 + (-1)**(k+1)/(2*k-1)", 1, "constant", "sqrt(2)", KNOPP + ", § 28, example"),
    ("1 + (-1)**k/sqrt(k)", 2, "vanishing", "0", KNOPP + ": Σ u² diverges while Σ u converges"),
    ("1 + (-1)**k/k**(2/3)", 2, "constant", None, KNOPP + ": Σ u and Σ u² converge"),
    ("1 + (-1)**k/log(k)", 3, "vanishing", "0", LOGS + ": quadratic term -1/(2 log² k)"),
    ("exp((-1)**k/sqrt(k))", 1, "constant", None, "Leibniz: the exponents alternate and fall to 0"),
    ("exp((-1)**k/k)", 1, "constant", "1/2", "Σ (-1)^k/k = -log 2"),
    ("exp(1/k**2)", 1, "constant", "exp(pi**2/6)", "Euler: ζ(2)"),
    ("2**(1/2**k)", 1, "constant", "2", "geometric exponents"),
    ("-(1 + 1/k**2)", 1, "alternating", None, DLMF),
    ("(-1)**k*(1 + 1/k**2)", 1, "oscillating", None, "signs -, -, +, +"),
    ("2**((-1)**k)", 1, "oscillating", None, "1/2, 1, 1/2, 1, …"),
    ("k**((-1)**k)", 1, "oscillating", None, "Wallis: ~ √(πn/2) for even n, ~ √(π/(2n)) for odd n"),
    ("(1 + 1/k)**((-1)**k)", 1, "constant", "2/pi", "Wallis"),
    ("-2", 1, "exploding", None, "geometric"),
    ("-1/2", 1, "vanishing", "0", "geometric"),
    ("-1", 1, "alternating", None, "geometric"),
    ("1", 1, "constant", "1", "geometric"),
    ("1/2 + 1/k", 1, "vanishing", "0", "rate -log 2: the factors tend to 1/2"),
    ("1/k", 1, "vanishing", "0", "1/n!"),
    ("k**2", 1, "exploding", None, "n!²"),
    ("k**(1/k)", 1, "exploding", None, "Σ log(k)/k = ∞"),
    ("k**(1/k**2)", 1, "constant", None, "Σ log(k)/k² = -ζ'(2)"),
    ("1 + 1/(k*log(k))", 2, "exploding", None, "Bertrand"),
    ("1 + 1/(k*log(k)**2)", 2, "constant", None, "Bertrand"),
    ("1 - 1/(k*log(k)*log(log(k)))", 5, "vanishing", "0", "Bertrand"),
    ("1 - 1/log(k)", 3, "vanishing", "0", LOGS),
    ("1 + 1/k**(3/2)", 1, "constant", None, KNOPP),
    ("1 - 1/2**k", 1, "constant", None, "Euler's function at 1/2, DLMF 17.2.4"),
    ("1 + (1/2)**(2**k)", 0, "constant", "2", "telescopes: (1 - q^(2^(n+1)))/(1 - q); " + KNOPP),
    ("cos(1/2**k)", 1, "constant", "sin(1)", HALVES),
    ("cosh(1/2**k)", 1, "constant", "sinh(1)", HALVES),
    ("cos(1/k)", 1, "constant", None, LOGS),
    ("k*sin(1/k)", 1, "constant", None, LOGS),
    ("2/pi*atan(k)", 1, "vanishing", "0", LOGS + ": -2/(πk)"),
    ("tanh(k)", 1, "constant", None, LOGS),
    ("tanh(k+1)/tanh(k)", 1, "constant", "1/tanh(1)", "telescopes"),
    ("sigmoid(k)*(1 - sigmoid(k))", 1, "vanishing", "0", "factors below 1/4"),
    ("cos(pi*k/3)", 1, "vanishing", "0", "one period multiplies by 1/16"),
    ("(-1)**floor(k/2)*2", 1, "exploding", None, "geometric with signs of period 4"),
    ("(Mod(k,3)+1)/2", 1, "vanishing", "0", "one period multiplies by 1 · 3/2 · 1/2 = 3/4"),
    ("1 + sin(k)/k**2", 1, "constant", None, KNOPP + ": absolutely convergent"),
    ("(2 + sin(k))/4", 1, "vanishing", "0", "factors at most 3/4"),
    ("1 + sin(k)/k", 2, "constant", None, "Σ sin(k)/k and Σ sin(k)²/k² converge (Dirichlet)"),
    ("k - 7", 1, "zero", "0", "the factor at k = 7"),
    ("1 - 10**6/k**2", 1, "zero", "0", "the factor at k = 1000"),
    ("sqrt(k*(k+2))/(k+1)", 1, "constant", "sqrt(2)/2", "telescopes"),
    ("sqrt(k+1) - sqrt(k)", 1, "vanishing", "0", "factors below 1/2"),
]


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    within(60.0, abs, 1)
    yield
    close()


@pytest.fixture(scope="module")
def answers(warm: None) -> dict[str, ProductLimit]:
    found = {}
    for text, start, *_ in TABLE:
        found[text] = product_limit(text, start=start)
    return found


@pytest.mark.parametrize(("text", "regime", "limit"), [(t, r, limit) for t, _, r, limit, _ in TABLE])
def test_no_product_of_the_table_is_wrong(
    answers: dict[str, ProductLimit], text: str, regime: str, limit: str | None
) -> None:
    found = answers[text]
    if found.regime.word == "undecided":
        return
    assert found.regime.word == regime
    assert found.reason
    if limit is not None:
        assert found.limit is not None
        assert float(found.limit.evalf(30) - expression(limit).evalf(30)) == pytest.approx(0, abs=1e-25)
        assert found.limit_value == pytest.approx(float(expression(limit).evalf()), rel=1e-14)


def test_at_most_three_are_undecided_and_all_others_proved(answers: dict[str, ProductLimit]) -> None:
    assert len(TABLE) >= 40
    undecided = [text for text, found in answers.items() if found.regime.word == "undecided"]
    assert len(undecided) <= MOST_UNDECIDED, undecided
    verdicts = {text: found.verdict for text, found in answers.items() if text not in undecided}
    assert set(verdicts.values()) == {Verdict.PROVED}


def factors(text: str, start: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log|a_k| and the signs of a_k for k = start…N."""
    expr: Expr = expand_activations(expression(text))
    index = Symbol("k", real=True)
    k = np.arange(start, N + 1, dtype=float)
    with np.errstate(all="ignore"):
        values = np.broadcast_to(sympy.lambdify(index, expr, "numpy")(k), k.shape)
        if np.any(values == 0) or not np.isfinite(values).all():
            log = sympy.expand_log(sympy.log(sympy.Abs(expr)), force=True)
            logs = np.broadcast_to(sympy.lambdify(index, log, "numpy")(k), k.shape)
        else:
            logs = np.log(np.abs(values))
    return np.asarray(logs, dtype=float), np.sign(values)


@pytest.mark.parametrize(("text", "start", "regime"), [(t, s, r) for t, s, r, *_ in TABLE if r != "zero"])
def test_partial_products_agree_with_the_answer(
    answers: dict[str, ProductLimit], text: str, start: int, regime: str
) -> None:
    found = answers[text]
    logs, signs = factors(text, start)
    usable = int(np.argmax(~np.isfinite(logs))) if not np.isfinite(logs).all() else len(logs)
    sums = np.cumsum(logs[:usable])
    last, middle = sums[-1], sums[usable // 100]
    # A float that has become 0 has no sign.
    signs = signs[:usable][signs[:usable] != 0]
    if regime == "vanishing":
        assert last < middle - 0.1
    elif regime == "exploding":
        assert last > middle + 0.1
    elif regime in ("constant", "alternating"):
        slack = 4 * abs(last - sums[usable // 2]) + 20 * abs(logs[usable - 1]) + 1e-9
        assert slack < 1
        if found.limit_value is not None:
            assert np.log(abs(found.limit_value)) == pytest.approx(last, abs=slack)
            assert np.sign(found.limit_value) == np.prod(signs)
    else:
        running = np.cumprod(signs[-24:])
        assert np.ptp(sums[-24:]) > 0.5 or len(set(running)) == 2
    if found.rate is not None and found.rate.is_finite:
        early = abs(middle / (usable // 100 + 1) - float(found.rate.evalf()))
        assert last / usable == pytest.approx(float(found.rate.evalf()), abs=max(0.01, 0.8 * early))
    if found.sign is Sign.CONSTANT:
        assert set(signs[-24:]) == {1}
    elif found.sign is Sign.ALTERNATING:
        assert set(signs[-24:]) == {-1}
    elif found.sign is Sign.PERIODIC:
        assert set(signs[-24:]) == {-1, 1}


def test_a_conditionally_convergent_product_falls_like_a_root() -> None:
    found = product_limit("1 + (-1)**k/sqrt(k)", start=2)
    assert "n**(-1/2)" in found.reason
    assert (found.pace, found.rate) == ("subexponential", 0)


@pytest.mark.parametrize(
    ("text", "regime", "limit"),
    [
        ("1 + c/n", "constant", "exp(c)"),
        ("1 + k/n**2", "constant", "exp(1/2)"),
        ("1 + c*k**2/n**3", "constant", "exp(c/3)"),
        ("1 + sin(k/n)/n", "constant", "exp(1 - cos(1))"),
        ("1 + 1/(n+k)", "constant", "2"),
        ("cos(1/sqrt(n))", "constant", "exp(-1/2)"),
        ("1 + 2/n**2", "constant", "1"),
        ("-(1 + c/n)", "alternating", None),
        ("1 - 1/sqrt(n)", "vanishing", "0"),
        ("1 + 1/sqrt(n)", "exploding", None),
        ("1 + k/n", "exploding", None),
        ("1/2 + k/n", "vanishing", "0"),
        ("1 - k/n", "zero", "0"),
        ("1 + c/sqrt(n)", "undecided", None),
        ("c + 1/n", "undecided", None),
    ],
)
def test_factors_that_contain_the_depth(text: str, regime: str, limit: str | None) -> None:
    found = product_limit(text, depth="n")
    assert found.regime.word == regime
    assert (found.limit is None) == (limit is None)
    if limit is not None and found.limit is not None:
        assert sympy.simplify(found.limit - expression(limit)) == 0


def depth_product(text: str, n: int) -> float:
    expr = expression(text).subs({Symbol("n", real=True): n, Symbol("c", real=True): sympy.Rational(3, 2)})
    values = sympy.lambdify(Symbol("k", real=True), expr, "numpy")(np.arange(1, n + 1, dtype=float))
    return float(np.sum(np.log(np.abs(np.broadcast_to(values, n)))))


@pytest.mark.parametrize("text", ["1 + c/n", "1 + c*k**2/n**3", "1 + sin(k/n)/n", "1 + 1/(n+k)", "cos(1/sqrt(n))"])
def test_depth_limits_agree_with_partial_products(text: str) -> None:
    limit = product_limit(text, depth="n").limit
    assert limit is not None
    value = float(sympy.log(limit.subs(Symbol("c", real=True), sympy.Rational(3, 2))).evalf())
    assert depth_product(text, N) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("1/(k-3)", {}, "k = 3 is undefined"),
        ("1 + (k-3)/(k-3)/n", {"depth": "n"}, "k = 3 is undefined"),
        ("(k-3)/(k-3)", {}, "k = 3 is undefined"),
        ("log(k-1)", {"start": 1}, "k = 1 is undefined"),
        ("sqrt(5-k)", {}, "k = 6 is undefined"),
        ("1 + c/k", {}, "contain c beside the index k"),
        ("1 + c/n", {"index": "k"}, "contain c, n beside the index k"),
        ("1 + 1/k", {"index": "k", "depth": "k"}, "both called k"),
        ("w[k]", {}, "values for each layer"),
        ("1 + 1/", {}, "column"),
        ("1 + 1/k", {"start": 10**12}, "whole number"),
    ],
)
def test_bad_input_is_refused_in_one_line(text: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        product_limit(text, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)


def test_the_index_may_have_any_name_and_start() -> None:
    assert product_limit("1 - 1/j**2", index="j", start=2).limit == sympy.Rational(1, 2)
    assert product_limit("(k**2 + 1)/(k**2 + 2)", start=-3).regime.word == "constant"
    assert product_limit(1 - 1 / Symbol("k", real=True) ** 2, start=2).limit == sympy.Rational(1, 2)


def test_negative_factors_at_the_start_turn_the_limit() -> None:
    """(1 - 9/4)·∏_{k≥2} (1 - 9/(4k²)) = sin(3π/2)/(3π/2)."""
    found = product_limit("1 - 9/(4*k**2)")
    assert found.limit == -2 / (3 * sympy.pi)
    assert found.sign is Sign.CONSTANT


def test_a_wrong_closed_form_would_not_be_stated() -> None:
    right = product_limit("1 + 1/k**2")
    wrong = with_limit(right, (sympy.Integer(3), "a planted fault"), right.limit_value)
    assert wrong.limit is None
    assert wrong.limit_value == right.limit_value


def test_without_time_the_answer_is_undecided() -> None:
    found = product_limit("1 + 1/k**2", seconds=1e-6)
    assert (found.regime.word, found.verdict) == ("undecided", Verdict.UNDECIDED)
    assert "in time" in found.reason
    assert not isinstance(within(20.0, abs, 1), NoAnswer)
