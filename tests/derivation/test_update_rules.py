"""Laws that every update rule of the registry obeys, whatever its formula."""

import mpmath
import pytest
import sympy
from sympy import Expr, ImmutableMatrix, Integer, Rational

from symgrad.derivation.identities import is_zero
from symgrad.derivation.update_rules import UPDATE_RULES, Target, Unknowns, Update, unregister, update, update_rule
from symgrad.derivation.update_rules.orders import PRIMES, error_expansion, formulas
from symgrad.errors import InputError, RegistryError
from symgrad.evidence import Verdict
from symgrad.maps import Map, differentiate, expand_activations
from symgrad.maps.composition import map_from_canonical
from symgrad.symbols import real, x

DIGITS = 400
STEPS = {"h": Rational(3, 4), "eta": Rational(1, 50), "beta": Rational(1, 2), "m": Integer(1)}
ROOT, MINIMUM = ("x**3 - x - 1", "1.3"), ("x**4 + exp(x)", "-0.5")
SYSTEM = ("x**2 + y**2 - 4; exp(x) + y - 1", "x,y", ("-1.8", "0.8"))
RESIDUALS = ("x*y - 2; x**2 - 1; x + y - 3", "x,y", ("1.1", "1.9"))
LOSS = ("x**2*y**2 + x**4 + exp(y) - y + (x - y)**2", "x,y", ("0.1", "0.1"))
ONE = [name for name, rule in UPDATE_RULES.items() if not rule.velocities]


def with_steps(name: str) -> dict[str, Expr]:
    return {option: STEPS[option] for option in UPDATE_RULES[name].options}


def of_one_unknown(name: str) -> tuple[Update, str]:
    text, start = MINIMUM if UPDATE_RULES[name].target is Target.STATIONARY else ROOT
    return update(name, text, "x", **with_steps(name)), start


def of_two_unknowns(name: str) -> tuple[Update, tuple[str, ...]]:
    text, names, start = {
        Unknowns.SQUARE: SYSTEM,
        Unknowns.AT_LEAST_SQUARE: RESIDUALS,
    }.get(UPDATE_RULES[name].unknowns, LOSS)
    return update(name, text, names, **with_steps(name)), start


SEVERAL = [name for name, rule in UPDATE_RULES.items() if rule.unknowns is not Unknowns.ONE]


def stepped(step: Map) -> object:
    return sympy.lambdify(step.state, step.exprs, "mpmath")


def orbit(step: Map, start: tuple[str, ...], steps: int) -> list[tuple[mpmath.mpf, ...]]:
    function, found = stepped(step), [tuple(mpmath.mpf(s) for s in start)]
    for _ in range(steps):
        found.append(tuple(function(*found[-1])))  # type: ignore[operator]
    return found


@pytest.mark.parametrize("name", ONE)
def test_order_and_error_constant_are_those_of_a_long_orbit(name: str) -> None:
    step, start = of_one_unknown(name)
    law = step.order
    with mpmath.workdps(DIGITS):
        many = {1: 40, 2: 7, 3: 4}[law.order]
        path = [p[0] for p in orbit(step.map, (start,), many)]
        fast = update("newton_minimum" if step.row.target is Target.STATIONARY else "newton", step.functions, "x")
        root = orbit(fast.map, (start,), 14)[-1][0]
        before, after = path[-2] - root, path[-1] - root
        measured = after / before**law.order
        derived = sympy.lambdify(law.root, law.constant, "mpmath")(root)
        assert 0 < abs(before) < 1e-2
        assert abs(measured - derived) < abs(before) * 100


@pytest.mark.parametrize("name", SEVERAL)
def test_errors_of_several_components_shrink_as_derived(name: str) -> None:
    step, start = of_two_unknowns(name)
    law = step.order
    with mpmath.workdps(DIGITS):
        rest = ("0",) * (len(step.state) - len(start))
        target = orbit(solver(step), start, 12)[-1] + (mpmath.mpf(0),) * len(rest)
        path = orbit(step.map, (*start, *rest), 4)
        shrunk = [r + mpmath.mpf(10) ** -8 * (p - r + mpmath.mpf(1) / 9) for p, r in zip(path[-1], target, strict=True)]
        before = [s - r for s, r in zip(shrunk, target, strict=True)]
        after = [s - r for s, r in zip(stepped(step.map)(*shrunk), target, strict=True)]  # type: ignore[operator]
        given = [*target[: len(law.root)], *before]
        derived = [sympy.lambdify((*law.root, *law.errors), c, "mpmath")(*given) for c in law.constant]
        size = max(map(abs, before))
        assert max(abs(a - d) for a, d in zip(after, derived, strict=True)) < 1000 * size ** (law.order + 1)
        assert max(map(abs, derived)) > size**law.order / 1000


def solver(step: Update) -> Map:
    rule = {Target.STATIONARY: "newton_minimum"}.get(step.row.target, step.rule)
    return update(rule, step.functions, step.variables).map


@pytest.mark.parametrize("name", ONE)
def test_what_a_rule_looks_for_is_a_fixed_point(name: str) -> None:
    step, start = of_one_unknown(name)
    fast = update("newton_minimum" if step.row.target is Target.STATIONARY else "newton", step.functions, "x")
    with mpmath.workdps(60):
        root = orbit(fast.map, (start,), 12)[-1][0]
        assert abs(orbit(step.map, (mpmath.nstr(root, 60),), 1)[-1][0] - root) < mpmath.mpf(10) ** -55


@pytest.mark.parametrize("name", UPDATE_RULES)
@pytest.mark.parametrize("text", ["x**3 - a*x + 2", "w*sigmoid(x) + b - x"])
def test_the_derivative_is_the_update_differentiated(name: str, text: str) -> None:
    step = update(name, text, "x")
    value = step.derivative if isinstance(step.derivative, ImmutableMatrix) else ImmutableMatrix([[step.derivative]])
    other = [differentiate(e, s) for e in step.raw for s in step.state]
    symbols = step.map.parameters + step.state
    differences = [expand_activations(mine - theirs) for mine, theirs in zip(value, other, strict=True)]
    with mpmath.workdps(40):
        point = [mpmath.mpf(k + 3) / 7 for k, _ in enumerate(symbols)]
        for difference in sympy.lambdify(symbols, differences, "mpmath")(*point):
            assert abs(difference) < mpmath.mpf(10) ** -30
    assert all(s.verdict is Verdict.PROVED for s in step.statements)


@pytest.mark.parametrize("name", UPDATE_RULES)
@pytest.mark.parametrize("text", ["x**3 - a*x + 2", "exp(w*x) - y"])
def test_text_reads_back_and_latex_is_written(name: str, text: str) -> None:
    step = update(name, text, "x")
    assert map_from_canonical(step.text) == step.map
    assert r"\leftarrow" in step.latex()
    assert step.derivative_latex().startswith("N' = ")
    assert step.order.latex().startswith("e^{+} = ")
    assert [Map([s], "x").exprs[0] for s in map(str, step.singular)] == list(step.singular)


@pytest.mark.parametrize("name", ONE)
def test_the_general_derivative_is_proved_for_every_function(name: str) -> None:
    options = tuple((option, real(option)) for option in UPDATE_RULES[name].options)
    assert formulas(UPDATE_RULES[name], x, options).proof is not None


def test_the_orders_are_those_of_the_literature() -> None:
    """Traub (1964), ch. 2 and 7: Newton and Schröder 2, Halley 3 with (F''/2F')² - F'''/6F'."""
    _, slope, second, third, *_ = PRIMES
    newton, halley = (error_expansion(UPDATE_RULES[n], Integer(1), ()) for n in ("newton", "halley"))
    assert (newton.order, newton.formula) == (2, second / (2 * slope))
    assert halley.order == 3
    assert sympy.expand(halley.formula - (second / (2 * slope)) ** 2 + third / (6 * slope)) == 0
    m = real("m")
    at_multiple = error_expansion(UPDATE_RULES["newton"], m, ())
    assert at_multiple.order == 1
    assert is_zero(at_multiple.formula - (1 - 1 / m))
    assert error_expansion(UPDATE_RULES["schroder"], m, (("m", m),)).order == 2
    assert error_expansion(UPDATE_RULES["schroder_modified"], m, ()).order == 2
    assert error_expansion(UPDATE_RULES["damped"], Integer(1), (("h", real("h")),)).formula == 1 - real("h")


def test_a_faulty_rule_is_caught_by_its_order() -> None:
    """A planted fault: Halley with a wrong factor is of order 2 only."""

    @update_rule()
    def halfway(F: Expr, x: Expr) -> Expr:
        """Halley's step with a factor forgotten."""
        slope = differentiate(F, x)
        return x - F * slope / (slope**2 - F * differentiate(slope, x) / 3)

    try:
        assert error_expansion(UPDATE_RULES["halfway"], Integer(1), ()).order == 2
        assert update("halfway", "x**2 - 2", "x").order.order == 2
    finally:
        unregister("halfway")
    with pytest.raises(InputError, match="no update rule is named 'halfway'; known: damped, gauss_newton"):
        update("halfway", "x**2 - 2", "x")


def test_the_registry_refuses_what_it_cannot_show() -> None:
    def newton(F: Expr, x: Expr) -> Expr:
        """Another Newton step."""
        return x - F

    def silent(F: Expr, x: Expr) -> Expr:
        return x - F

    def strange(F: Expr, x: Expr, *, speed: Expr) -> Expr:
        """A step with an option nobody knows."""
        return x - speed * F

    def alone(F: Expr) -> Expr:
        """A step of nothing."""
        return F

    for formula, message in (
        (newton, "exists already"),
        (silent, "no docstring"),
        (strange, "unknown option 'speed'; known: h, eta, beta, m"),
        (alone, "must take F and x"),
    ):
        with pytest.raises(RegistryError, match=message):
            update_rule()(formula)
    assert {"silent", "strange", "alone"} & set(UPDATE_RULES) == set()
