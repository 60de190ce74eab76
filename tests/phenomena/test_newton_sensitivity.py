"""The derivative of n Newton steps in a parameter tends to -F_θ/F_x: the proof, and the measured convergence."""

import mpmath
import pytest
import sympy

from symgrad.derivation import is_zero
from symgrad.derivation.implicit_sensitivity import ImplicitSensitivity, implicit_sensitivity
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.newton.sensitivity import sensitivity_path
from symgrad.symbols import real

CASES = [
    ("x**2 - a", "a", 1, {"a": 2}),
    ("x**3 - 2*x + a", "a", -2, {"a": 2}),
    ("cos(a*x) - x", "a", 1, {"a": 1}),
    ("w*tanh(x) + b - x", "w", 3, {"w": 2, "b": "1/2"}),
    ("w*sigmoid(x) + b - x", "b", 2, {"w": 2, "b": 1}),
    ("exp(x) - a*x - 3", "a", 2, {"a": 1}),
]


@pytest.mark.parametrize(("F", "theta", "start", "values"), CASES, ids=[row[0] for row in CASES])
def test_the_limit_is_proved_and_reached(F: str, theta: str, start: float, values: dict[str, object]) -> None:
    found = implicit_sensitivity(F, "x", theta)
    assert [each.verdict for each in found.identities] == [Verdict.PROVED, Verdict.PROVED]
    assert found.one_step.verdict is Verdict.PROVED
    assert found.evidence.verdict is Verdict.PROVED
    assert any("converges" in part for part in found.evidence.domain)
    path = sensitivity_path(found, start, values, steps=7)
    assert path.sensitivities[-1] == pytest.approx(path.limit, rel=1e-12)
    assert path.order == pytest.approx(2, abs=0.25)


def test_the_recurrence_is_the_derivative_of_the_iterates() -> None:
    """Three written-out steps of x² - a, against SymPy's derivative in a at 1."""
    a = sympy.Symbol("a", real=True)
    x = sympy.Integer(1)
    for _ in range(3):
        x = x - (x**2 - a) / (2 * x)
    path = sensitivity_path(implicit_sensitivity("x**2 - a", "x", "a"), 1, {"a": 2}, steps=3)
    assert path.sensitivities[-1] == pytest.approx(float(sympy.diff(x, a).subs(a, 2)), rel=1e-14)
    assert path.states[-1] == pytest.approx(float(x.subs(a, 2)), rel=1e-14)


def test_one_step_at_the_root_forgets_the_sensitivity() -> None:
    """On the root x = √a of x² - a the recurrence gives 1/(2√a) for every s."""
    found = implicit_sensitivity("x**2 - a", "x", "a")
    a = sympy.Symbol("a", positive=True)
    at_root = found.recurrence.xreplace({real("x"): sympy.sqrt(a), real("a"): a})
    assert is_zero(at_root - 1 / (2 * sympy.sqrt(a)))


def test_the_limit_is_the_derivative_of_the_root() -> None:
    found = implicit_sensitivity("exp(x) - a*x - 3", "x", "a")
    path = sensitivity_path(found, 2, {"a": 1}, steps=7)
    with mpmath.workdps(30):
        known = mpmath.diff(lambda c: mpmath.findroot(lambda t: mpmath.exp(t) - c * t - 3, 1.5), 1)
    assert path.limit == pytest.approx(float(known), rel=1e-9)


def test_a_damped_step_forgets_slowly_and_is_not_claimed() -> None:
    """Planted: with a damped step the identities fail, and nothing is claimed."""

    class Damped(ImplicitSensitivity):
        @property
        def update(self) -> Map:  # type: ignore[override]
            return Map("x - (x**2 - a)/(4*x)", "x")

    right = implicit_sensitivity("x**2 - a", "x", "a")
    wrong = Damped(right.F, right.x, right.theta)
    assert wrong.identities[0].verdict is Verdict.UNDECIDED
    assert wrong.evidence.verdict is Verdict.UNDECIDED


def test_at_a_multiple_root_the_sensitivity_has_no_limit() -> None:
    with pytest.raises(InputError, match="step 1 from 0 has no value, F_x vanishes"):
        sensitivity_path(implicit_sensitivity("x**2 + a*x**2", "x", "a"), 0, {"a": 1}, steps=1)


def test_what_does_not_occur_is_refused() -> None:
    with pytest.raises(InputError, match="does not depend on 'b'"):
        implicit_sensitivity("x**2 - a", "x", "b")
    with pytest.raises(InputError, match="must differ from the unknown"):
        implicit_sensitivity("x**2 - a", "x", "x")
