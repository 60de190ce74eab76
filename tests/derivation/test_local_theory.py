"""The local theory of Newton's step against measured orders, known cycles and published parameters."""

import mpmath
import pytest
import sympy
from sympy import Poly, Rational, Symbol, oo, sqrt

from symgrad.derivation import dynatomic, is_zero, newton
from symgrad.derivation.local_theory import (
    AlgebraicPoint,
    Convergence,
    CycleKind,
    NewtonProblem,
    RationalMap,
    Root,
    at_infinity,
    conjugacy_to_square,
    cycles_of_period,
    exact_cycles,
    exact_fixed_points,
    exact_roots,
    kind_of,
    newton_problem,
    poles,
    rational_map,
    real_points,
    root_from_exact,
    singular_points,
    superattracting_cycles,
    superattracting_parameters,
)
from symgrad.derivation.local_theory import superattracting as superattracting_module
from symgrad.derivation.local_theory.orders import exponent_at
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.symbols import a, x

DIGITS = 120


def _roots(text: str, domain: str = "real") -> tuple[Root, ...]:
    return exact_roots(newton_problem(text, "x", domain)).roots


def _precise(own: mpmath.MPContext, problem: NewtonProblem, guess: complex) -> object:
    """Return a root to the context's digits, by Newton's steps on F/F' (which converge at multiple roots too)."""
    step = sympy.lambdify(problem.state, problem.step, modules=[{"log": own.log}, own])
    return own.findroot(step, own.mpmathify(guess), tol=own.mpf(10) ** (-2 * DIGITS + 40))


MEASURED = [
    ("x**3 - 2*x + 2", "real"),
    ("x**3 - x", "real"),
    ("(x - 1)**2*(x**2 - 3)", "real"),
    ("x**5 - x - 1", "complex"),
    ("x**2 + 1", "complex"),
    ("1/x - 3", "real"),
    ("x*exp(x)", "real"),
    ("x**3", "real"),
    ("(x**2 - 2)**3*(x - 5)", "real"),
    ("tanh(2*x) - 3/10", "real"),
    ("atan(x)", "real"),
    ("log(x)", "real"),
]


@pytest.mark.parametrize(("text", "domain"), MEASURED)
def test_order_and_error_constant_are_those_of_a_measured_step(text: str, domain: str) -> None:
    problem = newton_problem(text, "x", domain)
    own = mpmath.MPContext()
    own.dps = DIGITS
    step = sympy.lambdify(problem.state, problem.step, modules=[{"log": own.log}, own])
    roots = exact_roots(problem).roots
    assert roots
    for root in roots:
        place = _precise(own, problem, root.value)
        error = own.mpf(10) ** -15
        after = (place + error) - step(place + error) - place
        assert root.order is not None
        assert root.error_constant is not None
        measured = complex(after / error**root.order)
        assert abs(measured - complex(root.error_constant)) < 1e-9 * max(1, abs(measured)), root


def test_the_real_root_of_the_textbook_cubic() -> None:
    (root,) = _roots("x**3 - 2*x + 2")
    assert root.value == -1.7692923542386314
    assert (root.order, root.multiplier, root.multiplicity, root.verdict) == (2, 0, 1, Verdict.PROVED)
    assert root.exact == sympy.CRootOf(x**3 - 2 * x + 2, 0, radicals=False)


@pytest.mark.parametrize(
    ("text", "exponent", "multiplier", "convergence"),
    [
        ("x**3", 3, Rational(2, 3), Convergence.LINEAR),
        ("sign(x)*abs(x)**(1/3)", Rational(1, 3), -2, Convergence.REPELLED),
        ("sqrt(abs(x))", Rational(1, 2), -1, Convergence.KEPT),
        ("x*exp(-1/x**2)", oo, 1, Convergence.SUBLINEAR),
        ("x**2*exp(x)", 2, Rational(1, 2), Convergence.LINEAR),
        ("3*x", 1, 0, Convergence.ONE_STEP),
    ],
)
def test_roots_of_any_exponent(text: str, exponent: object, multiplier: object, convergence: Convergence) -> None:
    (root,) = _roots(text)
    assert (root.exact, root.exponent, root.multiplier, root.convergence) == (0, exponent, multiplier, convergence)
    assert root.multiplicity == (exponent if sympy.sympify(exponent, strict=True).is_Integer else None)


def test_a_pole_and_an_essential_singularity_are_no_roots() -> None:
    assert _roots("1/x") == ()
    assert _roots("x*exp(1/x**2)") == ()
    assert _roots("exp(-1/x)") == ()


def test_roots_with_parameters_solve_the_equation() -> None:
    problem = newton_problem("a*x**2 + b*x + c", "x")
    roots = exact_roots(problem).roots
    assert len(roots) == 2
    assert all(is_zero(problem.function.xreplace({problem.state: r.exact})) for r in roots)
    assert all("a != 0" in r.conditions and r.order == 2 for r in roots)
    found = exact_roots(newton_problem("w*x**5 + x - y", "x"))
    assert found.roots == ()
    assert "need values for w, y" in found.notes[0]
    (inverse,) = exact_roots(newton_problem("tanh(w*x) - y", "x")).roots
    assert str(inverse.exact) == "atanh(y)/w"
    assert str(inverse.error_constant) == "-w*y"


def test_multiplicity_is_claimed_only_at_a_root() -> None:
    problem = newton_problem("1 - cos(x)", "x")
    assert exponent_at(problem.function, problem.state, sympy.pi) is None
    assert root_from_exact(problem, sympy.pi) is None
    root = root_from_exact(problem, sympy.Integer(0))
    assert root is not None
    assert root.multiplicity == 2


@pytest.mark.parametrize("text", ["7", "y**2", "sign(x)", "floor(x)"])
def test_functions_without_a_newton_step_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"does not depend on|derivative of .* is 0 everywhere"):
        newton_problem(text, "x")


def _derivative_of_iterate(update: Map, start: complex, period: int) -> complex:
    own = mpmath.MPContext()
    own.dps = 60
    step = sympy.lambdify(update.state[0], update.expr, modules=own)

    def iterate(point: object) -> object:
        for _ in range(period):
            point = step(point)
        return point

    return complex(own.diff(iterate, own.mpmathify(start)))


@pytest.mark.parametrize(
    ("text", "domain", "longest"),
    [
        ("x**3 - 2*x + 2", "real", 4),
        ("x**2 + 1", "real", 5),
        ("x**3 - 1", "complex", 2),
        ("x**4 - 3*x**2 + 1", "real", 3),
    ],
)
def test_cycles_return_with_the_multiplier_of_the_iterate(text: str, domain: str, longest: int) -> None:
    update = newton_problem(text, "x", domain).update
    found = exact_cycles(update, period_max=longest)
    assert found is not None
    assert found.cycles
    assert found.left == ()
    for cycle in found.cycles:
        step = sympy.lambdify(update.state[0], update.expr)
        for now, then in zip(cycle.points, (*cycle.points[1:], cycle.points[0]), strict=True):
            assert abs(step(now) - then) < 1e-9 * max(1, abs(then)) * max(1, abs(complex(cycle.multiplier)))
        own = _derivative_of_iterate(update, cycle.points[0], cycle.period)
        assert abs(own - complex(cycle.multiplier)) < 1e-7 * max(1, abs(own))


def test_newton_on_the_cubic_has_the_superattracting_cycle() -> None:
    found = exact_cycles(newton("x**3 - 2*x + 2", "x"))
    assert found is not None
    (cycle,) = [c for c in found.cycles if c.kind is CycleKind.SUPERATTRACTING and c.period > 1]
    assert (cycle.exact, cycle.multiplier, cycle.verdict) == ((0, 1), 0, Verdict.PROVED)
    assert found.left == (5,)


def test_newton_without_real_roots_has_only_repelling_cycles_of_multiplier_a_power_of_two() -> None:
    found = exact_cycles(newton("x**2 + 1", "x"))
    assert found is not None
    counts = [sum(c.period == p for c in found.cycles) for p in range(1, 6)]
    assert counts == [0, 1, 2, 3, 6]
    assert all(abs(complex(c.multiplier) - 2**c.period) < 1e-9 for c in found.cycles)
    assert {c.kind for c in found.cycles} == {CycleKind.REPELLING}


@pytest.mark.parametrize(
    ("text", "period", "multiplier"), [("x**2 - 3/4", 1, -1), ("x**2 - 5/4", 2, -1), ("x**2 + 1/4", 1, 1)]
)
def test_indifferent_cycles_are_found_exactly(text: str, period: int, multiplier: int) -> None:
    found = exact_cycles(Map(text, "x"), period_max=period)
    assert found is not None
    assert [c.multiplier for c in found.cycles if c.kind is CycleKind.INDIFFERENT] == [multiplier]


def test_a_modulus_near_one_is_not_called_indifferent_without_a_proof() -> None:
    assert kind_of(1.0) is CycleKind.UNDECIDED
    assert kind_of(0.0) is CycleKind.UNDECIDED
    assert kind_of(sympy.Integer(-1)) is CycleKind.INDIFFERENT


@pytest.mark.parametrize("period", [1, 2, 3, 4])
def test_dynatomic_polynomials_of_a_polynomial_are_the_known_ones(period: int) -> None:
    rational = rational_map(Map("x**2 - 2*x + 3", "x"))
    assert rational is not None
    mine = rational.dynatomic(period)
    known = dynatomic(x**2 - 2 * x + 3, x, period)
    assert mine is not None
    assert (mine.set_domain("QQ").monic() - known.set_domain("QQ").monic()).is_zero


def test_dynatomic_polynomials_count_the_points_of_a_rational_map() -> None:
    rational = rational_map(newton("x**3 - 2*x + 2", "x"))
    assert rational is not None
    assert [rational.dynatomic(p).degree() for p in (1, 2, 3, 4)] == [3, 6, 24, 72]


def test_planted_points_that_do_not_return_make_no_cycle() -> None:
    rational = rational_map(newton("x**3 - 2*x + 2", "x"))
    assert rational is not None

    def displaced(factor: Poly) -> list[AlgebraicPoint]:
        return [AlgebraicPoint(p.minimal, p.value + mpmath.mpf(10) ** -9, None) for p in real_points(factor)]

    assert len(cycles_of_period(rational, 2, real_points, 100).cycles) == 2
    assert cycles_of_period(rational, 2, displaced, 100).cycles == ()


def test_an_involution_and_a_large_degree_are_reported_not_searched() -> None:
    found = exact_cycles(newton_problem("sqrt(abs(x))", "x").update, period_max=2)
    assert found is not None
    assert found.notes == ("every point has period 2, or one that divides it",)
    steep = exact_cycles(newton("x**9 - x - 1", "x"), period_max=3)
    assert steep is not None
    assert 3 in steep.left
    assert "not searched" in steep.notes[-1]
    with pytest.raises(InputError, match="out of reach"):
        RationalMap(Poly(x**9, x), Poly(1, x)).iterate(3)
    with pytest.raises(InputError, match="from 1 to 5"):
        exact_cycles(Map("x**2", "x"), period_max=6)


def test_superattracting_cycles_are_found_whatever_the_degree() -> None:
    rational = rational_map(newton("x**3 - 2*x + 2", "x"))
    assert rational is not None
    assert [c.exact for c in superattracting_cycles(rational, 2)] == [(0, 1)]
    assert superattracting_cycles(rational, 5) == ()


def test_fixed_points_that_are_no_roots() -> None:
    found = exact_fixed_points(newton_problem("1/x", "x").update)
    assert found is not None
    assert [(c.exact, c.multiplier, c.kind) for c in found] == [((0,), 2, CycleKind.REPELLING)]
    assert exact_fixed_points(Map("sin(x)", "x")) is None


def test_superattracting_parameters_of_the_logistic_map() -> None:
    two = superattracting_parameters(Map("r*x*(1 - x)", "x"), "r", 2)
    assert [p.exact for p in two] == [1 - sqrt(5), 1 + sqrt(5)]
    three = superattracting_parameters(Map("r*x*(1 - x)", "x"), "r", 3)
    own = mpmath.MPContext()
    own.dps = 30

    def gap(r: object) -> object:
        point = own.mpf(1) / 2
        for _ in range(3):
            point = r * point * (1 - point)
        return point - own.mpf(1) / 2

    assert three[-1].value == float(own.findroot(gap, 3.83))


@pytest.mark.parametrize(
    ("text", "period"),
    [("x**3 - a*x + 2", 2), ("x**3 - a*x + 2", 3), ("x**3 + (a - 1)*x - a", 2), ("x**4 - a*x**2 + x + 1", 2)],
)
def test_superattracting_parameters_have_a_cycle_of_multiplier_zero(text: str, period: int) -> None:
    found = superattracting_parameters(newton(text, "x"), "a", period)
    assert found
    for place in found:
        update = newton(text, "x").expr.xreplace({a: sympy.Float(place.value, 30)})
        point = sympy.Float(place.points[0], 30)
        slope = sympy.diff(update, x).xreplace({x: point})
        assert abs(slope) < 1e-10
        orbit = [float(point)]
        for _ in range(period):
            point = update.xreplace({x: point})
            orbit.append(float(point))
        assert abs(orbit[-1] - orbit[0]) < 1e-10
        assert min(abs(z - orbit[0]) for z in orbit[1:-1]) > 1e-3


def test_a_planted_parameter_has_no_superattracting_cycle() -> None:
    update = newton("x**3 - a*x + 2", "x")
    symbol, top, below = superattracting_module._family(update, "a")
    factor = Poly(x, x, domain=sympy.ZZ[symbol])
    (right,), (wrong,) = (real_points(Poly(symbol - value, symbol)) for value in (2, 3))
    assert superattracting_module._cycles(top, below, factor, right, 2) == [(0.0, 1.0)]
    assert superattracting_module._cycles(top, below, factor, wrong, 2) == []


@pytest.mark.parametrize(("text", "name"), [("x**2 + a + b", "a"), ("sin(a*x)", "a"), ("x**2", "a")])
def test_families_out_of_reach_are_refused(text: str, name: str) -> None:
    with pytest.raises(InputError, match=r"only parameter|no rational function"):
        superattracting_parameters(Map(text, "x"), name, 2)


@pytest.mark.parametrize("degree", [2, 3, 4, 7])
def test_infinity_repels_newtons_step_of_a_polynomial(degree: int) -> None:
    found = at_infinity(newton(f"x**{degree} - x + 1", "x"))
    assert (found.is_fixed, found.multiplier, found.kind) == (True, Rational(degree, degree - 1), CycleKind.REPELLING)


def test_other_behaviour_at_infinity() -> None:
    assert at_infinity(newton("1/x", "x")).kind is CycleKind.ATTRACTING
    assert at_infinity(Map("x**2 - 1", "x")).kind is CycleKind.SUPERATTRACTING
    assert at_infinity(newton("a*x**2 + b*x + c", "x")).multiplier == 2
    assert at_infinity(newton_problem("x*exp(-1/x**2)", "x").update).limit == 0
    assert at_infinity(newton("sin(x)", "x")).is_fixed is None


def test_poles_and_points_where_the_slope_vanishes() -> None:
    assert [(p.exact, p.order) for p in poles(newton("x**4 - 4*x**3 + 1", "x")) or ()] == [(0, 2), (3, 1)]
    assert poles(newton("sin(x)", "x")) is None
    found = singular_points(newton_problem("x**2*(x - 3)", "x"))
    assert found is not None
    assert [(s.exact, s.status) for s in found] == [(0, "removable"), (2, "singular")]


@pytest.mark.parametrize("text", ["x**2 - 2", "x**2 + 1", "a*x**2 + b*x + c", "2*x**2 - x + 5", "(x - 3)**2"])
def test_quadratics_are_conjugate_to_squaring_or_halving(text: str) -> None:
    found = conjugacy_to_square(text, "x")
    assert found is not None
    assert found.verdict is Verdict.PROVED
    state, update = Symbol("x"), newton_problem(text, "x", "complex").update.expr
    values = {Symbol("a"): 2, Symbol("b"): 3, Symbol("c"): 7}
    at = sympy.Float("0.37", 30) + sympy.Float("0.61", 30) * sympy.I
    moved = found.coordinate.xreplace({state: update}).subs(values).subs(state, at)
    normal = found.normal_form.xreplace({found.variable: found.coordinate}).subs(values).subs(state, at)
    assert abs(sympy.N(moved - normal, 20)) < 1e-15
    wrong = found.normal_form.xreplace({found.variable: found.coordinate + 1}).subs(values).subs(state, at)
    assert abs(sympy.N(moved - wrong, 20)) > 1e-3


def test_a_cubic_has_no_such_normal_form() -> None:
    assert conjugacy_to_square("x**3 - 1", "x") is None


def test_a_discriminant_that_is_never_positive_gives_no_real_roots() -> None:
    assert exact_roots(newton_problem("x**2 + y**2", "x")).roots == ()
    assert len(exact_roots(newton_problem("x**2 + y**2", "x", "complex")).roots) == 2
