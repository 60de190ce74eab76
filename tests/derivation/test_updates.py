"""Update rules against their sources: Newton's order, the cycle it can fall into, clipping, the catapult."""

from collections.abc import Callable
from typing import Any

import mpmath
import pytest
import sympy
from sympy import Indexed, IndexedBase, Product, Rational, Sum, sqrt

from symgrad.derivation import (
    clipped_step,
    gradient,
    gradient_step,
    is_zero,
    momentum_step,
    newton,
    newton_of_composition,
    two_number_map,
)
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, composition_from_text, differentiate, expand_activations
from symgrad.symbols import eta, n, real, u, v, x, y

ctx = mpmath.mp


def test_newtons_multiplier() -> None:
    step = newton("x**3 - 2*x + 2", "x")
    f = x**3 - 2 * x + 2
    assert is_zero(differentiate(step.expr, x) - f * f.diff(x, 2) / f.diff(x) ** 2)
    assert step.expr.subs(x, 0) == 1
    assert step.expr.subs(x, 1) == 0
    assert differentiate((step @ step).maps[0].expr, x).subs(x, 0) == 0


def test_newton_is_of_order_two_at_a_simple_root_and_linear_at_a_multiple_one() -> None:
    step = newton("x**2 - 2", "x").expr
    error = sympy.series(step.subs(x, sqrt(2) + u) - sqrt(2), u, 0, 3).removeO()
    assert sympy.simplify(error - u**2 / (2 * sqrt(2))) == 0
    for m in (2, 3, 5):
        assert sympy.limit(differentiate(newton((x - 1) ** m * (x + 2), "x").expr, x), x, 1) == 1 - Rational(1, m)
    assert sympy.simplify(newton(sympy.cbrt(x), "x").expr.subs(x, 2)) == -4


def test_a_gradient_step_moves_every_variable_at_once() -> None:
    step = gradient_step("(x*y - 1)**2", ["x", "y"])
    slopes = 2 * (x * y - 1) * y, 2 * (x * y - 1) * x
    assert all(is_zero(e - p + eta * g) for e, p, g in zip(step.exprs, (x, y), slopes, strict=True))
    assert gradient_step("a*x**2/2", "x", eta=0.1).jacobian[0][0] == 1 - real("a") / 10


def test_the_catapult_toy_is_exact() -> None:
    """Lewkowycz et al. (2020), arXiv 2003.02218: f⁺ = (1 - ηλ + η²f²/n) f, λ⁺ = λ + (ηf²/n)(ηλ - 4)."""
    width = real("m")  # the square root of the n of the paper
    f, curvature = u * v / width, (u**2 + v**2) / width**2
    step = gradient_step(f**2 / 2, ["u", "v"])
    after = dict(zip((u, v), step.exprs, strict=True))
    assert is_zero(f.xreplace(after) - (1 - eta * curvature + eta**2 * f**2 / width**2) * f)
    assert is_zero(curvature.xreplace(after) - curvature - eta * f**2 / width**2 * (eta * curvature - 4))


@pytest.mark.parametrize("threshold", ["1/2", 3, "v"])
def test_a_clipped_step_is_algorithm_1(threshold: Any) -> None:
    """Pascanu, Mikolov & Bengio (2013), Algorithm 1: if ‖g‖ ≥ v then g ← v g/‖g‖."""
    step = clipped_step("x**2 + x*y**3", ["x", "y"], "1/10", threshold)
    for a, b in ((0, 0), (1, 2), (Rational(1, 10), 0), (-3, Rational(1, 7)), (Rational(1, 4), Rational(1, 5))):
        limit = sympy.sympify(threshold) if threshold != "v" else Rational(2)
        g = sympy.Matrix([2 * a + b**3, 3 * a * b**2])
        if g.norm() >= limit:
            g = g * limit / g.norm()
        at = {x: a, y: b, real("v"): limit}
        assert [sympy.simplify(e.subs(at) - p + s / 10) for e, p, s in zip(step.exprs, (a, b), g, strict=True)] == [
            0,
            0,
        ]


def test_one_variable_is_clipped_to_its_modulus() -> None:
    step = clipped_step("x**4", "x", 1, "1/2").expr
    assert step.subs(x, 1) == Rational(1, 2)
    assert step.subs(x, -1) == -Rational(1, 2)
    assert step.subs(x, Rational(1, 10)) == Rational(1, 10) - 4 * Rational(1, 1000)


def numeric(expr: sympy.Expr, orbit: list[Any], values: dict[Any, Any]) -> Any:
    """Evaluate an expression over x[0], x[1], … with 60 digits."""

    def spread(join: Callable[..., Any]) -> Callable[..., Any]:
        return lambda f, limits: join(*(f.subs(limits[0], i) for i in range(int(limits[1]), int(limits[2]) + 1)))

    while expr.has(Sum):
        expr = expr.replace(Sum, spread(sympy.Add))
    expr = expr.replace(Product, spread(sympy.Mul))
    expr = expr.replace(lambda e: isinstance(e, Indexed), lambda e: sympy.Float(str(orbit[int(e.indices[0])]), 60))
    return ctx.mpf(str(sympy.N(expand_activations(expr).subs(values), 60)))


CHAINS = [
    composition_from_text("sin(w*x + b)", depth=3),
    composition_from_text("tanh(w*x) | v*x**2 + x", depth=2),
    Map("sigmoid(w*x)", "x") @ Map("w*sin(x) + b", "x") ** 3,
    Map("w*x*(1 - x)", "x") ** 2 @ Map("v*x", "x") ** 2 @ Map("exp(x/3)", "x"),
]


def _compare(chain: Composition) -> None:
    values = {real("w"): Rational(6, 5), real("b"): Rational(-1, 5), real("v"): Rational(4, 3), y: Rational(1, 7)}
    steps = [sympy.lambdify(x, expand_activations(m.expr).subs(values), modules="mpmath") for m, _ in chain.schedule()]

    def iterate(start: Any) -> Any:
        for step in steps:
            start = step(start)
        return start

    def newton_step(start: Any) -> Any:
        return start - (iterate(start) - ctx.mpf(1) / 7) / ctx.diff(iterate, start)

    start = ctx.mpf("0.3")
    orbit = [start]
    for step in steps:
        orbit.append(step(orbit[-1]))
    found = newton_of_composition(chain, "y")
    assert abs(numeric(found.update, orbit, values) - newton_step(start)) < 1e-25 * (1 + abs(newton_step(start)))
    slope = (iterate(start) - ctx.mpf(1) / 7) * ctx.diff(iterate, start, 2) / ctx.diff(iterate, start) ** 2
    assert abs(numeric(found.derivative, orbit, values) - slope) < 1e-25 * (1 + abs(slope))


@pytest.mark.parametrize("chain", CHAINS, ids=[c.canonical for c in CHAINS])
def test_newton_of_a_composition_and_its_derivative(chain: Composition) -> None:
    """N = x - (F - y)/F' and N' = (F - y) F''/F'², against derivatives of the iterate taken by mpmath."""
    with mpmath.workdps(60):
        _compare(chain)


def test_newton_of_a_composition_is_not_expanded() -> None:
    def size(depth: Any) -> int:
        step = newton_of_composition(composition_from_text("x + tanh(w*x + b)", depth=depth), "y")
        return sum(1 for e in (step.update, step.derivative) for _ in sympy.preorder_traversal(e))

    assert size(10**9) == size(10) == size(n)
    end = IndexedBase(x)[n]
    assert newton_of_composition(Map("w*x", "x") ** n, "y").residual == end - y


f = Map("tanh(w*x + b)", "x")
loss = gradient(f**n, "(x - 1)**2", wrt="w,b")
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: newton("x**2 - a"), "the variable must be a symbol or a name, got None"),
    (lambda: newton("3", "x"), "3 does not depend on 'x'"),
    (lambda: newton("x*y", ["x", "y"]), "newton takes one variable, got 2"),
    (lambda: newton(None, "x"), "an expression is needed, got 'None'"),
    (lambda: gradient_step("x**2"), "the variable must be a symbol or a name"),
    (lambda: gradient_step("x**2", "x", eta=-1), "the step size must be a positive number, got -1"),
    (lambda: gradient_step("x**2", "x", eta=float("nan")), "nan is no expression"),
    (lambda: gradient_step("x**2", "x", eta="x"), "the step size x contains the variable x"),
    (lambda: clipped_step("x**2", "x", threshold=0), "the threshold must be a positive number, got 0"),
    (lambda: gradient_step(loss, eta=0), "the step size must be a positive number, got 0"),
    (lambda: gradient_step(loss), "the step size must be a positive number, got eta"),
    (lambda: clipped_step(loss, eta=1, threshold=-1), "the threshold must be a positive number, got -1"),
    (lambda: gradient_step(gradient(f, wrt="w"), eta=1), "an update needs a loss to lower"),
    (lambda: newton_of_composition(f, "x"), "the target x contains the state"),
    (lambda: newton_of_composition(f, float("nan")), "nan is no expression"),
    (lambda: newton_of_composition(3, "y"), "a map or composition is needed, got '3'"),
    (lambda: newton_of_composition(Map(("x", "y"), ("x", "y")), 1), "takes a chain of one component"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_updates_that_mean_nothing_are_refused_in_one_line(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        build()
    assert "\n" not in str(refused.value)


def test_a_layer_cannot_be_moved_alone() -> None:
    from symgrad.maps import stack

    with pytest.raises(InputError, match="'w' has a value per layer"):
        gradient_step(gradient(stack(f, 3), "x**2", wrt="w"), eta=1)


def test_rules_read_like_their_sources() -> None:
    assert newton(loss).latex() == r"\theta \leftarrow \theta - (\nabla^2 L)^{-1}\,\nabla L"
    assert clipped_step(loss, eta="1/100", threshold=1).latex() == (
        r"\theta \leftarrow \theta - \frac{1}{100}\,\nabla L\,\min(1, 1/\|\nabla L\|)"
    )
    assert newton(loss).gradient.second_order


def test_the_heavy_ball_is_polyaks() -> None:
    """Polyak (1964): x⁺ = x - η f'(x) + β (x - x⁻), written with the velocity v = x - x⁻."""
    beta, before = real("beta"), {name: real(f"velocity_{name}") for name in "xy"}
    step = momentum_step("(x*y - 1)**2", ["x", "y"])
    assert [s.name for s in step.state] == ["x", "y", "velocity_x", "velocity_y"]
    slopes = {"x": 2 * (x * y - 1) * y, "y": 2 * (x * y - 1) * x}
    for position, name in ((x, "x"), (y, "y")):
        expected = position - eta * slopes[name] + beta * before[name]
        moved, velocity = step.exprs["xy".index(name)], step.exprs[2 + "xy".index(name)]
        assert is_zero(moved - expected)
        assert is_zero(velocity - (moved - position))
    still = momentum_step("(x*y - 1)**2", ["x", "y"], momentum=0)
    plain = gradient_step("(x*y - 1)**2", ["x", "y"])
    assert all(is_zero(a - b) for a, b in zip(still.exprs[:2], plain.exprs, strict=True))


@pytest.mark.parametrize(("a", "b"), [(1, 2), (0, 0), (-3, 1), (Rational(1, 100), 0)])
def test_clipping_by_value_puts_each_component_between_the_bounds(a: Any, b: Any) -> None:
    step = clipped_step("x**2 + x*y**3", ["x", "y"], 1, 2, clip_by="value")
    slopes = 2 * a + b**3, 3 * a * b**2
    for expr, place, slope in zip(step.exprs, (a, b), slopes, strict=True):
        assert expr.subs({x: a, y: b}) == place - min(max(slope, -2), 2)


def test_a_damped_newton_step_is_a_fraction_of_the_whole() -> None:
    whole, half = newton("x**3 - 2", "x").expr - x, newton("x**3 - 2", "x", eta="1/2").expr - x
    assert is_zero(whole - 2 * half)


def test_the_step_of_two_vectors_is_a_map_of_two_numbers() -> None:
    """Lewkowycz et al. (2020), with vectors of length 3 written out and stepped by hand."""
    found = two_number_map()
    assert [e.verdict.word for e in found.evidence] == ["proved", "proved"]
    planted = two_number_map(("(1 - eta*lamda)*f", "lamda + eta*f**2/N*(eta*lamda - 4)"))
    assert [e.verdict.word for e in planted.evidence] == ["undecided", "proved"]
    us, vs, size, width = sympy.Matrix([1, -2, 3]), sympy.Matrix([2, 1, Rational(1, 2)]), Rational(1, 5), 3

    def numbers(first: Any, second: Any) -> tuple[Any, Any]:
        return first.dot(second) / sqrt(width), (first.dot(first) + second.dot(second)) / width

    f, curvature = numbers(us, vs)
    after = numbers(us - size * f / sqrt(width) * vs, vs - size * f / sqrt(width) * us)
    at = {"f": f, "lamda": curvature, "eta": size, "N": width}
    mapped = [e.subs({real(name): value for name, value in at.items()}) for e in found.map.exprs]
    assert all(sympy.simplify(a - b) == 0 for a, b in zip(mapped, after, strict=True))


MORE_REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: clipped_step("x**2", "x", clip_by="size"), "gradients are clipped by norm or by value, got 'size'"),
    (lambda: momentum_step("x**2", "x", momentum=1), "the momentum must be at least 0 and below 1, got 1"),
    (lambda: momentum_step("x**2", "x", momentum=-0.1), "the momentum must be at least 0 and below 1, got -1/10"),
    (lambda: momentum_step("x**2", "x", momentum="x"), "the momentum x contains the variable x"),
    (lambda: momentum_step("x**2*velocity_x", "x"), "velocity_x is the name of a velocity"),
    (lambda: momentum_step(loss, eta=1), "the momentum must be at least 0 and below 1, got beta"),
    (lambda: momentum_step(loss, eta=1, momentum=0.5, threshold=0), "the threshold must be a positive number, got 0"),
    (lambda: newton("x**2", "x", eta=0), "the damping must be a positive number, got 0"),
]


@pytest.mark.parametrize(("build", "message"), MORE_REFUSED, ids=[m for _, m in MORE_REFUSED])
def test_rules_with_impossible_numbers_are_refused_in_one_line(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        build()
    assert "\n" not in str(refused.value)


def test_the_heavy_ball_and_clipping_by_value_read_like_their_sources() -> None:
    rule = momentum_step(loss, eta="1/100", momentum="9/10", threshold=2, clip_by="value")
    assert rule.latex() == (
        r"v \leftarrow \frac{9}{10}\,v - \frac{1}{100}\,[\nabla L]_{-2}^{2},\quad \theta \leftarrow \theta + v"
    )
