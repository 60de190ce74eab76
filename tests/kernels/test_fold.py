"""The fold over any arithmetic, tried with exact fractions: compound matrices, adjoint, structural zeros."""

from fractions import Fraction
from typing import Any

import sympy

from symgrad.derivation import gradient
from symgrad.kernels.fold import Arithmetic, adjoint, fold, matrix_product, minors
from symgrad.kernels.results import finish
from symgrad.kernels.steps import derive_steps
from symgrad.maps import Map, stack


class Marked(Fraction):
    """Fractions of which two marked objects are the structural constants."""


def _evaluate(step: Any, known: dict[Any, Any]) -> list[Any]:
    values = {s: sympy.Rational(v.numerator, v.denominator) for s, v in known.items()}
    results = [e.subs(values) for e in step.exact_outputs]
    return [Marked(int(r.p), int(r.q)) for r in results]


EXACT = Arithmetic(
    _evaluate, lambda a, b: Marked(a * b), lambda a, b: Marked(a + b), lambda a: Marked(-a), Marked(0), Marked(1)
)


def test_the_compounds_of_a_product_are_products_of_compounds() -> None:
    """Binet & Cauchy: the p-th compound of AB is the product of the p-th compounds."""
    a = [Marked(v) for v in (2, -1, 3, 0, 5, 1, 4, 4, -2)]
    b = [Marked(v) for v in (1, 7, 0, -3, 2, 2, 5, 1, 1)]
    for order in (1, 2, 3):
        together = minors(matrix_product(a, b, 3, EXACT), 3, order, EXACT)
        parts = [minors(m, 3, order, EXACT) for m in (a, b)]
        assert together == matrix_product(parts[0], parts[1], round(len(together) ** 0.5), EXACT)
    assert minors(a, 3, 3, EXACT)[0] == sympy.Matrix(3, 3, a).det()


def test_structural_constants_skip_work() -> None:
    assert EXACT.dot([(EXACT.zero, Marked(3)), (Marked(2), EXACT.zero)]) is EXACT.zero
    three = Marked(3)
    assert EXACT.dot([(EXACT.one, three), (EXACT.zero, Marked(9))]) is three


def test_forwards_and_backwards_agree_exactly() -> None:
    """The sensitivities carried forwards equal those that the adjoint carries backwards."""
    body = Map(("x + w*y**2", "y + w*x/2"), ("x", "y"))
    start, weight = [Marked(1, 2), Marked(-1, 3)], Marked(2, 5)
    tied = derive_steps(gradient(body**3, "x*y", wrt="w"))
    forwards = fold(tied, start, lambda *_: weight, EXACT, schedule=(body**3).schedule(), trace=False)
    chain = stack(body, 3)
    untied = derive_steps(gradient(chain, "x*y", wrt="w"))
    carried = fold(untied, start, lambda *_: weight, EXACT, schedule=chain.schedule(), trace=False)
    assert carried.state == forwards.state
    x, y = carried.state
    slopes = adjoint(carried, untied, [y, x], EXACT)["w"]
    assert sum(slopes.values()) == y * forwards.first[0][0] + x * forwards.first[0][1]
    assert sorted(slopes) == [1, 2, 3]


def test_the_loss_is_attached_at_the_end() -> None:
    chain = Map("w*x", "x") ** 3
    steps = derive_steps(gradient(chain, "w*x**2", wrt="w", second_order=True))
    carried = fold(steps, [Marked(1)], lambda *_: Marked(2), EXACT, schedule=chain.schedule(), trace=True)
    assert steps.loss is not None
    known = {steps.loss.state[0]: carried.state[0], steps.loss.arguments[0]: Marked(2)}
    results = finish(carried, steps, EXACT, EXACT.evaluate(steps.loss, known))
    w = sympy.Symbol("w")
    assert results.loss == (w**7).subs(w, 2)
    assert results.gradient["w"] == [(w**7).diff(w).subs(w, 2)]
    assert results.hessian["w", "w"] == [(w**7).diff(w, 2).subs(w, 2)]
    assert results.factors == [2, 2, 2]
