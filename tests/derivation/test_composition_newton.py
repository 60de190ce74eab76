"""Newton's step of a composition in layered form: its derivative in LaTeX, and the step in a parameter."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import mpmath
import pytest
import sympy
from sympy import IndexedBase, Product, Sum

from symgrad.derivation import LossNewton, newton_of_composition, newton_of_loss
from symgrad.derivation.composition_newton import _bend, _bend_by_output
from symgrad.errors import InputError
from symgrad.maps import Map, composition_from_text, expand_activations
from symgrad.symbols import n, real

UNIT = Map("w*sigmoid(x) + b", "x")
TANH = Map("tanh(w*x)", "x")


def size(expr: Any) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expr))


def test_update_and_derivative_are_layered_products() -> None:
    rule = newton_of_composition(TANH**n, "y")
    assert rule.update.has(Product)
    assert rule.derivative.has(Product, Sum)
    assert rule.latex() == r"N(x_{0}) = x_{0} - \frac{- y + x_{n}}{\prod_{k=1}^{n} w\,(1 - x_{k}^{2})}"
    assert rule.derivative_latex().startswith(r"N'(x_{0}) = \frac{- y + x_{n}}{\prod_{k=1}^{n} w\,(1 - x_{k}^{2})}")
    assert r"\sum_{t=1}^{n} (- 2\,w\,x_{t}) \prod_{k=1}^{t-1} w\,(1 - x_{k}^{2})" in rule.curvature_latex()
    assert rule.text()[0] == f"N(x[0]) = {sympy.sstr(rule.update)}"


@pytest.mark.parametrize("text", ["tanh(w*x)", "w*sigmoid(x) + b", "w*x*(1 - x)", "x + softplus(x)", "atan(w*x + b)"])
def test_the_latex_by_outputs_is_exact(text: str) -> None:
    """f''/f' as printed, through the output where that is short, is f''/f' at random points."""
    rule = newton_of_composition(Map(text, "x") ** n, "y")
    (factor,) = rule.chain.blocks[0].at(sympy.Integer(1))
    layer = factor.layer.expr
    values = {real("w"): sympy.Rational(6, 5), real("b"): sympy.Rational(-1, 5)}
    here = sympy.Rational(3, 10)
    leaving = expand_activations(layer).subs(values).subs(real("x"), here)
    places = {IndexedBase(real("x"))[0]: here, IndexedBase(real("x"))[1]: leaving}
    plain, short = (
        expand_activations(f(factor)).xreplace(places).subs(values).evalf(30) for f in (_bend, _bend_by_output)
    )
    slope = expand_activations(layer).subs(values)
    by_hand = (slope.diff(real("x"), 2) / slope.diff(real("x"))).subs(real("x"), here).evalf(30)
    assert abs(plain - by_hand) < 1e-20
    assert abs(short - by_hand) < 1e-20


def test_a_linear_chain_has_no_curvature() -> None:
    rule = newton_of_composition(Map("w*x + b", "x") ** n, "y")
    assert rule.derivative == 0
    assert rule.curvature_latex() == "0"
    assert rule.derivative_latex() == "N'(x_{0}) = 0"


def test_blocks_before_a_sum_are_factors_of_it() -> None:
    rule = newton_of_composition((TANH**n) @ Map("sin(v*x)", "x"), "y")
    text = rule.derivative_latex()
    assert r"\left[v\,\cos{(v\,x_{0} )}\right]" in text
    assert len(re.findall(r"\\left\(", text)) == 1


def orbit(text: str, values: Mapping[str, Any], start: Any, depth: int) -> list[Any]:
    symbols = {real(name): value for name, value in values.items()}
    step = sympy.lambdify(real("x"), expand_activations(Map(text, "x").expr).subs(symbols), modules="mpmath")
    states = [start]
    for _ in range(depth):
        states.append(step(states[-1]))
    return states


def test_the_root_moves_as_the_implicit_function_theorem_says() -> None:
    """dx*/dw = -(dx_n/dw)/∏ and dx*/dy = 1/∏ at the root of three layers, against roots found by mpmath."""
    with mpmath.workdps(40):

        def root(w: Any, y: Any) -> Any:
            return mpmath.findroot(lambda t: orbit("tanh(w*x)", {"w": w}, t, 3)[-1] - y, 0.3)

        w, y = mpmath.mpf("1.25"), mpmath.mpf("0.4")
        states = orbit("tanh(w*x)", {"w": w}, root(w, y), 3)
        rule = newton_of_composition(composition_from_text("tanh(w*x)", depth=3), "y")
        places: dict[Any, Any] = {IndexedBase(real("x"))[i]: sympy.Float(str(s), 38) for i, s in enumerate(states)}
        for found, known in (
            (rule.sensitivity("w"), mpmath.diff(lambda v: root(v, y), w)),
            (rule.sensitivity("y"), mpmath.diff(lambda v: root(w, v), y)),
            (rule.sensitivity_to_target, mpmath.diff(lambda v: root(w, v), y)),
        ):
            value = found.doit().xreplace(places).subs({real("w"): sympy.Float("1.25", 38)}).evalf(30)
            assert abs(float(value) - float(known)) < 1e-12


def carried(rule: LossNewton, values: Mapping[str, Any], start: Any, depth: int) -> tuple[Any, ...]:
    """Run the printed recurrences of one layer, and return the printed L', L'' and L'''."""
    state, numbers = real("x"), {real(name): value for name, value in values.items()}
    names = [rule.sensitivity_symbol(order) for order in (1, 2, 3)]
    plain = [sympy.Symbol(f"p{i}") for i in range(4)]
    (k,) = rule.recurrences[0].left.indices
    before = {IndexedBase(state)[k - 1]: plain[0]} | {s[k - 1]: p for s, p in zip(names, plain[1:], strict=True)}
    exprs = [
        rule.composition.maps[0].expr.xreplace({state: plain[0]}),
        *(r.right.xreplace(before) for r in rule.recurrences),
    ]
    step = sympy.lambdify(plain, [expand_activations(e).subs(numbers) for e in exprs], modules="mpmath")
    here = [start, mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0)]
    for _ in range(depth):
        here = step(*here)
    end = {IndexedBase(state)[n]: plain[0]} | {s[n]: p for s, p in zip(names, plain[1:], strict=True)}
    losses = [expand_activations(e.xreplace(end)).subs(numbers) for e in rule.loss_derivatives]
    return tuple(sympy.lambdify(plain, losses, modules="mpmath")(*here))


LOSSES = [("w*sigmoid(x) + b", "(sigmoid(x) - 7/10)**2", "b"), ("tanh(w*x + b)", "(x - 1/5)**2 + w**2/7", "w")]


@pytest.mark.parametrize(("text", "loss", "wrt"), LOSSES, ids=[row[2] for row in LOSSES])
def test_the_printed_recurrences_give_three_derivatives_of_the_loss(text: str, loss: str, wrt: str) -> None:
    """L', L'' and L''' of six layers, against 60-digit differences of the loss."""
    with mpmath.workdps(60):
        rule = newton_of_loss(Map(text, "x") ** n, loss, wrt=wrt)
        values = {"w": mpmath.mpf("1.5"), "b": mpmath.mpf("-0.25")}
        start = mpmath.mpf("0.5")

        def whole(theta: Any) -> Any:
            at = {**values, wrt: theta}
            end = orbit(text, at, start, 6)[-1]
            symbols = {real(name): value for name, value in at.items()}
            return sympy.lambdify(real("x"), expand_activations(rule.loss).subs(symbols), modules="mpmath")(end)

        found = carried(rule, values, start, 6)
        for order, value in enumerate(found, start=1):
            known = mpmath.diff(whole, values[wrt], order)
            assert abs(value - known) < mpmath.mpf(10) ** -12 * (1 + abs(known))


def test_the_step_in_a_parameter_is_not_expanded() -> None:
    def whole(depth: Any) -> int:
        rule = newton_of_loss(UNIT**depth, "(x - 1)**2", wrt="b")
        return size(rule.update) + size(rule.derivative) + sum(size(r.right) for r in rule.recurrences)

    assert whole(10**9) == whole(10) == whole(n)


def test_text_and_latex_print_every_part() -> None:
    rule = newton_of_loss(TANH**n, "(x - 1)**2", wrt="w")
    lines = rule.text()
    assert lines[:2] == ("N(w) = w - L'/L''", "N'(w) = L'*L'''/L''**2")
    assert [line.split(" = ")[0] for line in lines[2:]] == ["L'", "L''", "L'''", "s_w[k]", "s_ww[k]", "s_www[k]"]
    assert rule.latex().startswith(r"N(w) = w - \frac{")
    assert "L'''" in rule.derivative_latex()
    assert len(rule.recurrences_latex()) == 3
    for first, second in pairwise(rule.recurrences):
        assert first.left != second.left


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: newton_of_loss(UNIT**n, "x**2", wrt="x"), "'x' is the state"),
    (lambda: newton_of_loss(UNIT**n, "x**2", wrt="c"), "'c' is not a parameter"),
    (lambda: newton_of_loss(UNIT**n, None, wrt="b"), "needs a loss"),  # type: ignore[arg-type]
    (lambda: newton_of_loss(UNIT**n, "3", wrt="b"), "does not depend on 'b'"),
    (lambda: newton_of_loss(Map(("x", "y + b"), ("x", "y")), "x", wrt="b"), "a chain of one component"),
    (lambda: newton_of_loss(Map("s_b*x + b", "x") ** n, "x**2", wrt="b"), "is the name of a sensitivity"),
    (lambda: newton_of_composition(TANH**n, "y").sensitivity("c"), "'c' is not a parameter"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_steps_that_mean_nothing_are_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()
