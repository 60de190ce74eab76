"""Deep products: what is proved for any number of weights holds for each number, differentiated out."""

from fractions import Fraction
from typing import Any

import pytest
import sympy
from sympy import Rational

from symgrad.derivation import deep_product, is_zero
from symgrad.derivation.deep_products import finding, laws
from symgrad.derivation.deep_products.recognition import inverse_squares
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Composition, Map, apply_slice, differentiate, stack
from symgrad.symbols import n, real

NET = stack(Map("w*x", "x"), 6)
SLICE = apply_slice(NET, "u=w[1..3], v=w[4..6]").composition


def found(chain: Map | Composition, loss: str, **given: Any) -> finding.DeepProduct:
    deep = deep_product(chain, loss, **given)
    assert deep is not None
    return deep


def test_the_slice_of_six_layers() -> None:
    """The issue's own example: valley u^3 v^3 = 1 and convex band 5/11 < p < 1."""
    deep = found(SLICE, "(x - 1)**2", start=1)
    assert [valley.equation for valley in deep.valleys] == ["u**3*v**3 = 1"]
    assert deep.valleys[0].sharpness == "2*(3/u**2 + 3/v**2)"
    assert deep.valleys[0].swept_sharpness == "2*(9/u**2 + 9/v**2)"
    assert deep.band is not None
    assert (deep.band.condition, deep.band.low, deep.band.high) == ("5/11 < p < 1", Rational(5, 11), 1)
    assert {deep.band.verdict, deep.valleys[0].verdict} == {Verdict.PROVED}
    assert {e.verdict for e in deep.statements} == {Verdict.PROVED}
    assert deep.exponent == Rational(10, 11)
    assert deep.step_field == "1/(4*p**2*(9/u**2 + 9/v**2))"


@pytest.mark.parametrize(
    ("chain", "loss", "given", "equation", "band"),
    [
        (NET, "(x - y)**2", {"start": 1}, "w[1]*w[2]*w[3]*w[4]*w[5]*w[6] = y", "5*y/11 < p < y"),
        (stack(Map("w*x", "x"), n), "(x - y)**2", {"start": 1}, "product(w[k], k, 1, n) = y", None),
        (SLICE, "0.5*(x - 2)**2", {"start": 3}, "u**3*v**3 = 2/3", "10/11 < p < 2"),
        (SLICE, "(x + 2)**2", {"start": 1}, "u**3*v**3 = -2", "-2 < p < -10/11"),
        (SLICE, "(x - t)**2", {"start": 1, "parameters": {"t": 0.1}}, "u**3*v**3 = 1/10", "1/22 < p < 1/10"),
        (Map("w*x", "x") ** 6, "(x - 1)**2", {"start": 1}, "w**6 = 1", "p < 0 or p > 5/11"),
        (Map("-2*w*x", "x"), "(x - 1)**2", {"start": 1}, "w = -1/2", "everywhere"),
    ],
)
def test_any_weights_any_start_any_target(
    chain: Composition, loss: str, given: dict[str, Any], equation: str, band: str | None
) -> None:
    deep = found(chain, loss, **given)
    assert deep.equation == equation
    assert deep.band is not None
    assert deep.band.condition == (band or "y*(n - 1)/(2*n - 1) < p < y")
    assert deep.band.verdict is Verdict.PROVED


def test_two_free_weights_and_a_frozen_rest() -> None:
    """n counts the free factors: 1/3 < p/y < 1; the rest and the start are the constant 2*(1/2)*2*3*4."""
    sliced = apply_slice(NET, "u=w[1], v=w[2]").composition
    deep = found(sliced, "(x - 3)**2", start=2, parameters={"w": [Fraction(1, 2), 2, 3, 4]})
    assert (deep.equation, deep.parts.constant) == ("u*v = 1/8", 24)
    assert deep.band is not None
    assert deep.band.condition == "1 < p < 3"
    assert deep.unstable == "9*eta*(1/u**2 + 1/v**2) > 1"
    assert deep.evidence["two weights"].verdict is Verdict.PROVED


def test_no_real_weights_reach_a_negative_target_with_even_powers() -> None:
    deep = found(Map("w*x", "x") ** 6, "(x - 1)**2", start=-1)
    assert (deep.valleys, deep.band) == ((), None)


@pytest.mark.parametrize(
    ("chain", "loss", "given"),
    [
        (Map("w*x + b", "x") ** 6, "(x - 1)**2", {}),
        (Map("tanh(w*x)", "x") ** 6, "(x - 1)**2", {}),
        (Map("x*(w + 1)", "x") ** 6, "(x - 1)**2", {}),
        (Map("x/w", "x") ** 6, "(x - 1)**2", {}),
        (SLICE, "x**2", {}),
        (SLICE, "(x - 1)**2 + 1", {}),
        (SLICE, "(x - 1)**4", {}),
        (SLICE, "-(x - 1)**2", {}),
        (SLICE, "(x - u)**2", {}),
        (SLICE, "abs(x - 1)", {}),
        (SLICE, "(x - 1)**2", {"start": 0}),
        (SLICE, "(x - 1)**2", {"parameters": {"u": 1, "v": 2}}),
        (Map(("w*x", "w*y"), ("x", "y")), "(x - 1)**2", {}),
    ],
)
def test_what_is_no_deep_product_is_none(chain: Composition, loss: str, given: dict[str, Any]) -> None:
    assert deep_product(chain, loss, **given) is None


def test_a_frozen_weight_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="a number is needed"):
        deep_product(SLICE, "(x - 1)**2", parameters={"u": "2"})


def test_a_very_deep_slice_is_recognised_without_writing_it_out() -> None:
    chain = apply_slice(stack(Map("w*x", "x"), 10**6), "u=w[1..400000], v=w[400001..999999]").composition
    deep = found(chain, "(x - 1)**2", start=1, parameters={"w": [0.5]})
    assert deep.n == 999999
    assert deep.equation == "u**400000*v**599999 = 2"


@pytest.mark.parametrize("depth", range(2, 51))
def test_gradient_and_hessian_differentiated_out_for_each_depth(depth: int) -> None:
    """The bracket's inertia as well: its eigenvectors multiplied out in integers."""
    weights = [real(f"w{i}") for i in range(depth)]
    y, x0 = real("y"), real("x0")
    p = x0 * sympy.prod(weights)
    loss = (p - y) ** 2
    first, second = weights[0], weights[-1]
    slope = differentiate(loss, first)
    assert is_zero(slope - 2 * (p - y) * p / first)
    assert is_zero(differentiate(slope, second) - 2 * p * (2 * p - y) / (first * second))
    assert is_zero(differentiate(slope, first) - 2 * p * ((2 * p - y) - (p - y)) / first**2)
    assert laws.eigenvectors_hold([1] * depth)
    deep = found(stack(Map("w*x", "x"), depth), "(x - 1)**2", start=1)
    assert deep.band is not None
    assert deep.band.low == Rational(depth - 1, 2 * depth - 1)


@pytest.mark.parametrize("multiplicities", [[3, 3], [1, 5], [2, 3, 4]])
def test_the_inertia_of_a_slice_is_that_of_its_exact_hessian(multiplicities: list[int]) -> None:
    """Sturm counts the eigenvalues of the Hessian at rational points on both sides of the band's ends."""
    weights = [sympy.Symbol(f"w{i}", positive=True) for i in range(len(multiplicities))]
    p = sympy.prod(w**m for w, m in zip(weights, multiplicities, strict=True))
    hessian = sympy.hessian((p - 1) ** 2, weights)
    size = sum(multiplicities)
    ratio = Rational(size - 1, 2 * size - 1)
    t = sympy.Symbol("t")
    for first in (Rational(1, 2), Rational(4, 5), Rational(49, 50), Rational(11, 10)):
        point = dict.fromkeys(weights, first)
        value = p.subs(point)
        roots = sympy.Poly(hessian.subs(point).charpoly(t).as_expr(), t)
        negative = sympy.count_roots(roots, -sympy.oo, 0)
        expected = (len(multiplicities) - 1 if value > 1 else 0) + (1 if value < ratio else 0)
        assert negative == expected, (point, value)


def test_sums_by_layer_and_by_swept_weight() -> None:
    weights = found(SLICE, "(x - 1)**2", start=1).parts.weights
    u, v = real("u"), real("v")
    assert inverse_squares(weights, tied=False)[0] == 3 / u**2 + 3 / v**2
    assert inverse_squares(weights, tied=True)[0] == 9 / u**2 + 9 / v**2


def test_a_false_step_is_not_proved() -> None:
    x, t = real("x"), sympy.Symbol("t", positive=True)
    wrong = laws.stated("(x + 1)**2 = x**2 + 1", [laws.Step((x + 1) ** 2 - x**2 - 1)])
    assert wrong.verdict is Verdict.UNDECIDED
    assert "no proof was found for the step" in wrong.method
    assert laws.stated("t > 1", [laws.Step(t - 1, positive=True)]).verdict is Verdict.UNDECIDED


def test_a_wrong_eigenvector_would_take_the_proof_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "eigenvectors_hold", lambda multiplicities: False)
    deep = found(SLICE, "(x - 1)**2", start=1)
    assert deep.evidence["inertia"].verdict is Verdict.UNDECIDED
    assert deep.band is not None
    assert deep.band.verdict is Verdict.UNDECIDED
