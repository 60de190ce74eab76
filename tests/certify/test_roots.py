"""Isolation of roots: known counts and values, and what cannot be decided is said to be undecided."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Expr, Integer, Poly, Rational, Symbol, atanh, cos, exp, log, sin, sqrt, symbols, tan, tanh

from symgrad.certify import certify_solution, double_roots, enclose, isolate_roots, isolate_solutions
from symgrad.errors import InputError
from symgrad.maps import differentiate, sigmoid

x, b, w, r = symbols("x b w r", real=True)


def values(expr: Expr, low: float, high: float) -> list[float]:
    found = isolate_roots(expr, x, low, high)
    assert found.is_complete
    return [root.value for root in found.roots]


@pytest.mark.parametrize(
    ("expr", "roots"),
    [
        (x**2 - 2, [-(2**0.5), 2**0.5]),
        (exp(x) - 2, [0.6931471805599453]),
        (tanh(2 * x) - x, [-0.9575040240772687, 0.0, 0.9575040240772687]),
        (x**2 + 1, []),
        (5 * sigmoid(x) - Rational(5, 2) - x, [-1.7760294587196759, 0.0, 1.7760294587196759]),
        (log(x) + x, [0.5671432904097838]),
        ((x - 1) * (x - 2) * (x - 3), [1.0, 2.0, 3.0]),
    ],
)
def test_roots_of_known_functions(expr: Expr, roots: list[float]) -> None:
    scale = 1e-9
    low = 1e-3 if expr.has(log) else -10
    assert values(expr, low, 10) == pytest.approx(roots, abs=scale)


def test_every_root_is_enclosed_and_simple() -> None:
    for root in isolate_roots(sin(x) - x / 3, x, -10, 10).roots:
        assert not enclose(sin(x) - x / 3, {x: root.ball}).excludes_zero
        assert enclose(cos(x) - Rational(1, 3), {x: root.ball}).excludes_zero
        assert float(root.ball.value.rad()) < 1e-18


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=5, unique=True))
def test_the_count_of_simple_roots_is_exact(roots: list[int]) -> None:
    expr = Poly.from_list([1], x).as_expr()
    for root in roots:
        expr *= x - Rational(root, 7)
    found = isolate_roots(expr, x, -8, 8)
    assert found.is_complete
    assert [s.value for s in found.roots] == pytest.approx(sorted(q / 7 for q in roots), abs=1e-12)


def test_a_root_at_an_end_is_counted() -> None:
    assert values(x * (x - 1), 0, 1) == [0.0, 1.0]


def test_a_double_root_is_a_cluster_and_not_left_out() -> None:
    found = isolate_roots(1 - cos(x - Rational(1, 3)), x, -1, 1)
    assert found.roots == ()
    assert not found.is_complete
    (cell,) = found.clusters
    assert cell[0] <= Fraction(1, 3) <= cell[1]


def test_the_multiple_roots_of_a_polynomial_are_counted() -> None:
    found = isolate_roots((x - Rational(1, 3)) ** 2 * (x**2 - 2) * (x**2 + 1), x, -2, 1)
    assert found.is_complete
    assert [(round(root.value, 12), root.multiplicity) for root in found.roots] == [
        (-1.414213562373, 1),
        (0.333333333333, 2),
    ]


def test_where_a_function_is_not_defined_nothing_is_claimed() -> None:
    edge = isolate_roots(log(x) - 1, x, -5, 5)
    assert [root.value for root in edge.roots] == pytest.approx([2.718281828459045])
    assert [low <= 0 <= high for low, high in edge.clusters] == [True]
    assert not isolate_roots(1 / x, x, -1, 1).is_complete
    assert not isolate_roots(tan(x), x, 1, 2).is_complete
    assert not isolate_roots(atanh(x) - x / (1 - x**2), x, -1, 1).is_complete


def test_a_kink_at_a_root_is_undecided_but_not_lost() -> None:
    found = isolate_roots(Abs(x), x, -1, 1)
    assert found.clusters
    assert found.clusters[0][0] <= 0 <= found.clusters[-1][1]


def test_an_unknown_too_many_is_refused() -> None:
    with pytest.raises(InputError, match="w has no value"):
        isolate_roots(w * x, x, 0, 1)
    with pytest.raises(InputError, match="low must be less"):
        isolate_roots(x, x, 1, 0)
    with pytest.raises(InputError, match="as many equations"):
        isolate_solutions([x * w], {x: (0, 1)})


def test_the_folds_of_the_reference_map_at_w_5() -> None:
    # On the fold b = log(s/(1-s)) - w*s with w*s*(1-s) = 1.
    found = double_roots(5 * sigmoid(x) + b, x, b, {x: (-8, 8), b: (-6, 1)})
    assert found.is_complete
    exact = sorted(float((log(s / (1 - s)) - 5 * s).evalf(30)) for s in [(1 + sqrt(5) / 5) / 2, (1 - sqrt(5) / 5) / 2])
    assert [float(side[1].value.mid()) for side in found.roots] == pytest.approx(exact, abs=1e-14)
    assert exact == pytest.approx([-2.655610338630688, -2.344389661369312], abs=1e-14)


def test_a_box_without_folds_has_none_for_certain() -> None:
    found = double_roots(3 * sigmoid(x) + b, x, b, {x: (-8, 8), b: (-6, 6)})
    assert found.is_complete
    assert found.roots == ()


def test_a_solution_is_certified_only_where_there_is_one() -> None:
    layer = 5 * sigmoid(x) + b
    fold = [layer - x, differentiate(layer, x) - 1]
    assert certify_solution(fold, [x, b], [-0.96, -2.34]) is not None
    assert certify_solution([x**2 + 1 + 0 * b, b], [x, b], [0.3, 0.1]) is None
    assert certify_solution([x**2, b], [x, b], [0.0, 0.0]) is None


def test_a_double_solution_of_a_system_is_a_cluster() -> None:
    found = isolate_solutions([x**2 - b, b], {x: (-1, 1), b: (-1, 1)}, most_boxes=1500)
    assert found.roots == ()
    assert not found.is_complete


def test_a_solution_where_boxes_meet_is_found_once() -> None:
    # The first split of [-512, 512] by 499/1024 is at exactly -13.
    found = isolate_solutions([x + 13, b - Integer(1)], {x: (-512, 512), b: (0, 3)})
    assert found.is_complete
    assert len(found.roots) == 1


def test_period_doubling_of_the_logistic_map_in_a_box() -> None:
    f = r * x * (1 - x)
    g = r * f * (1 - f)
    slope = differentiate(g, x)
    found = isolate_solutions([(g - x) / 1, slope + 1], {x: (0.8, 0.9), r: (3.3, 3.6)})
    assert found.is_complete
    assert {round(float(root[1].value.mid()), 12) for root in found.roots} == {3.449489742783}


def test_symbols_of_other_names_work() -> None:
    y = Symbol("lamda", real=True)
    assert len(isolate_roots(y**3 - y, y, -2, 2).roots) == 3


@pytest.mark.parametrize(
    "jump",
    [x - Rational(1, 100) + sympy.sign(x) / 100, sympy.floor(x) + x + Rational(1, 2), sympy.atan2(x, -1) - x / 9],
)
def test_a_jump_across_zero_is_no_root(jump: sympy.Expr) -> None:
    """The derivative almost everywhere is positive and the signs at the ends differ, yet nothing vanishes between."""
    found = isolate_roots(jump, x, Rational(-1, 2), Rational(2, 3))
    assert all(abs(float(jump.xreplace({x: Rational(float(r.ball.value.mid()))}).evalf())) < 1e-9 for r in found.roots)
    middle = sympy.symbols("y", real=True)
    both = isolate_solutions([jump, middle], {x: (Rational(-1, 2), Rational(2, 3)), middle: (-1, 1)})
    assert len(both.roots) == len(found.roots)


def test_a_root_next_to_a_jump_is_not_invented() -> None:
    tiny = Rational(1, 10**13)
    assert certify_solution([x - tiny + tiny * sympy.sign(x)], [x], [0.5]) is None
