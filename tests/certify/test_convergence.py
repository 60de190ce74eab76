"""Certificates of convergence: known constants, true to 60-digit Newton paths, and honest where nothing is known."""

from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Piecewise, Symbol, atan2

from symgrad.certify import Certificate, best_certificate, interval_newton, kantorovich, smale_alpha
from symgrad.certify.convergence import contraction_near_root, kantorovich_theorem, smale_theorem
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import differentiate, entered, expand_activations

DIGITS = 60
context = mpmath.mp.clone()
context.dps = DIGITS + 20
x, y = (Symbol(name, real=True) for name in "xy")


def newton_path(equations: list[Any], unknowns: list[str], start: list[Any], steps: int) -> list[list[Any]]:
    """Return the path of Newton's method in 80-digit arithmetic, independent of balls."""
    symbols = [Symbol(name) for name in unknowns]
    plain = [expand_activations(entered(e, "complex") if isinstance(e, str) else e) for e in equations]
    plain = [e.xreplace({s: Symbol(s.name) for s in e.free_symbols}) for e in plain]
    values = sympy.lambdify(symbols, plain, "mpmath")
    slopes = sympy.lambdify(symbols, [[differentiate(e, s) for s in symbols] for e in plain], "mpmath")
    point = [exact(s) for s in start]
    path = [point]
    with mpmath.workdps(DIGITS + 20):
        for _ in range(steps):
            residual = mpmath.matrix(values(*point))
            if mpmath.norm(residual) < mpmath.mpf(10) ** -(DIGITS + 10):
                break
            step = mpmath.lu_solve(mpmath.matrix(slopes(*point)), -residual)
            point = [p + step[i] for i, p in enumerate(point)]
            path.append(point)
    return path


def exact(number: Any) -> Any:
    with mpmath.workdps(DIGITS + 20):
        if isinstance(number, complex):
            return mpmath.mpc(number)
        ratio = Fraction(number)
        return mpmath.mpf(ratio.numerator) / ratio.denominator


def lies_in(value: Any, ball: Any, slack: float = 1e-50) -> bool:
    """Say whether a number to 60 digits lies in a ball of python-flint."""
    with mpmath.workdps(DIGITS + 20):
        middle, width = parts(ball.mid()), parts(ball.rad())
        if hasattr(ball, "real") and type(ball).__name__ == "acb":
            width = parts(ball.real.rad()) + 1j * parts(ball.imag.rad())
        away = mpmath.mpc(value) - middle
        return bool(abs(away.real) <= width.real + slack and abs(away.imag) <= mpmath.im(width) + slack)


def parts(number: Any) -> Any:
    if type(number).__name__ == "acb":
        return mpmath.mpc(parts(number.real), parts(number.imag))
    mantissa, exponent = number.man_exp()
    return mpmath.ldexp(int(mantissa), int(exponent))


def contradictions(found: Certificate, equations: list[Any], unknowns: list[str], start: list[Any]) -> list[str]:
    """Return what a path in 80-digit arithmetic says against a certificate."""
    assert found.root is not None
    assert found.radius is not None
    path = newton_path(equations, unknowns, start, 25 + found.step)
    end, wrong = path[-1], []
    wrong += [f"{e} is not in {b}" for e, b in zip(end, found.root, strict=True) if not lies_in(e, b.value)]
    with mpmath.workdps(DIGITS + 20):
        for k, point in enumerate(path):
            error = max(abs(p - e) for p, e in zip(point, end, strict=True))
            if k == found.step and error > found.radius:
                wrong.append(f"the start is {error} away, not {found.radius}")
            if k >= found.step and error > found.error_after(k) + mpmath.mpf(10) ** -50:
                wrong.append(f"the error after {k} steps is {error}, not {found.error_after(k)}")
    return wrong


def test_smales_constants_are_the_published_ones() -> None:
    with mpmath.workdps(40):
        known = (13 - 3 * mpmath.sqrt(17)) / 4
        assert lies_in(known, smale_theorem.threshold())
        assert mpmath.nstr(known, 6) == "0.157671"


def test_alpha_beta_and_gamma_of_a_quadratic_are_those_of_the_definition() -> None:
    # f = x^2 - 2 at 3/2: f/f' = 1/12, f''/(2 f') = 1/3, alpha = 1/36.
    found = smale_alpha("x**2 - 2", "x", 1.5)
    assert found.constants == pytest.approx({"alpha": 1 / 36, "beta": 1 / 12, "gamma": 1 / 3})
    assert found.is_certified
    # f = x^3 - 1 at 2: derivatives 7/12, 1/2 and 1/12; the larger of 1/2 and sqrt(1/12).
    found = smale_alpha("x**3 - 1", "x", 2)
    assert found.constants == pytest.approx({"alpha": 7 / 24, "beta": 7 / 12, "gamma": 1 / 2})
    assert found.verdict is Verdict.UNDECIDED


def test_kantorovichs_constants_are_those_of_the_definition() -> None:
    found = kantorovich("x**2 - 2", "x", 1.5)
    assert found.constants == pytest.approx({"beta": 1 / 3, "eta": 1 / 12, "L": 2, "omega": 2 / 3, "h": 1 / 18})


def test_the_extreme_case_of_kantorovichs_theorem_is_certified_at_its_linear_rate() -> None:
    # x^2 from 1: h = 1/2 exactly, and x_k = 2^-k attains the estimate 2^(1-k)*eta.
    found = kantorovich("x**2", "x", 1)
    assert found.constants["h"] == 0.5
    assert [found.error_after(k) for k in (0, 1, 5)] == pytest.approx([1, 0.5, 2**-5])
    assert found.steps_to(15) == 50


CASES = [
    (["cos(x) - x"], ["x"], [1]),
    (["x**3 - 2*x + 2"], ["x"], [-2]),
    (["z**3 - 1"], ["z"], [1j]),
    (["exp(x) - 2"], ["x"], [-1.5]),
    (["atan(x)"], ["x"], [1.39]),
    (["log(z) - 1"], ["z"], [2 + 1j]),
    (["exp(z) + 1"], ["z"], [0.25 + 3j]),
    (["x**2 + y**2 - 4", "x*y - 1"], ["x", "y"], [2, 0.5]),
    (["10*(y - x**2)", "1 - x"], ["x", "y"], [-1.2, 1]),
    (["sin(x) + y - 1", "x - cos(y)"], ["x", "y"], [0.5, 0.5]),
    (["u**2 - v - 1j*u".replace("1j", "2"), "v*u - 1"], ["u", "v"], [2 + 0.5j, 0.4]),
    (["tanh(x) - 1/2"], ["x"], [0.9]),
    (["pi*x**2 - 1"], ["x"], ["1/3"]),
]


@pytest.mark.parametrize(("equations", "unknowns", "start"), CASES)
def test_what_is_certified_is_what_newton_does_in_80_digits(
    equations: list[str], unknowns: list[str], start: list[Any]
) -> None:
    found = best_certificate(equations, unknowns, start)
    assert found.is_certified
    assert contradictions(found, equations, unknowns, start) == []
    steps = found.steps_to(40)
    assert steps is not None
    assert found.error_after(steps) <= 1.001e-40


@pytest.mark.parametrize("certify", [kantorovich, interval_newton])
@pytest.mark.parametrize(("equations", "unknowns", "start"), CASES)
def test_each_method_alone_is_true_to_the_path(
    certify: Any, equations: list[str], unknowns: list[str], start: list[Any]
) -> None:
    found = certify(equations, unknowns, start)
    assert not found.is_certified or contradictions(found, equations, unknowns, start) == []


coefficients = st.lists(st.integers(-9, 9), min_size=2, max_size=6)
starts = st.one_of(
    st.floats(-3, 3).map(lambda v: round(v, 3)),
    st.builds(lambda a, b: complex(round(a, 2), round(b, 2)), st.floats(-2, 2), st.floats(-2, 2)),
)


@settings(max_examples=40, deadline=None)
@given(coefficients, starts)
def test_no_certificate_of_a_random_polynomial_is_false(powers: list[int], start: Any) -> None:
    form = sum(a * x**k for k, a in enumerate(powers))
    if not sympy.sympify(form, strict=True).has(x):
        return
    for found in (smale_alpha(form, x, start), kantorovich(form, x, start), interval_newton(form, x, start)):
        assert not found.is_certified or contradictions(found, [form], ["x"], [start]) == []


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=8, max_size=8), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_no_certificate_of_a_random_system_is_false(a: list[int], p: float, q: float) -> None:
    forms = [a[0] * x**2 + a[1] * x * y + a[2] * y + a[3], a[4] * y**2 + a[5] * x + a[6] * y + a[7]]
    if any(sympy.sympify(f, strict=True).is_number for f in forms):
        return
    for certify in (smale_alpha, kantorovich, interval_newton):
        found = certify(forms, [x, y], [p, q])
        assert not found.is_certified or contradictions(found, forms, ["x", "y"], [p, q]) == []


def caught(found: Certificate, equations: list[str], start: list[Any]) -> bool:
    return found.is_certified and contradictions(found, equations, ["x"], start) != []


def test_a_threshold_too_large_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    # At 0.1 the path of x^3 - 2x + 2 falls into the cycle 0, 1.
    assert not smale_alpha("x**3 - 2*x + 2", "x", 0.1).is_certified
    monkeypatch.setattr(smale_theorem, "threshold", lambda: 100)
    monkeypatch.setattr(smale_theorem, "enclosed_root", lambda system, start, *rest: start)
    assert caught(smale_alpha("x**3 - 2*x + 2", "x", 0.1), ["x**3 - 2*x + 2"], [0.1])


def test_a_lipschitz_constant_too_small_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not kantorovich("x**3 - 2*x + 2", "x", 0.1).is_certified
    true = kantorovich_theorem.lipschitz
    monkeypatch.setattr(kantorovich_theorem, "lipschitz", lambda *a: tuple(v / 100 for v in true(*a) or ()))
    monkeypatch.setattr(kantorovich_theorem, "enclosed_root", lambda system, start, *rest: start)
    assert caught(kantorovich("x**3 - 2*x + 2", "x", 0.1), ["x**3 - 2*x + 2"], [0.1])


def test_a_contraction_factor_too_small_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = contraction_near_root.lipschitz
    monkeypatch.setattr(contraction_near_root, "lipschitz", lambda *a: tuple(v / 100 for v in true(*a) or ()))
    assert caught(interval_newton("x**2 - 2", "x", 1.2), ["x**2 - 2"], [1.2])


def test_a_radius_too_small_would_be_noticed() -> None:
    from dataclasses import replace

    found = smale_alpha("x**2 - 2", "x", 1.5)
    assert caught(replace(found, radius=0.08), ["x**2 - 2"], [1.5])


@pytest.mark.parametrize(
    ("equation", "start"),
    [
        ("x**2 + 1", 0.7),  # no real root
        ("x**2 + 1", 0),  # a critical point
        ("sign(x)*abs(x)**(1/3)", 1),  # a vertical tangent at the root
        ("x**3", 1),  # a multiple root
        ("x - 1/100 + sign(x)/100", 0.5),  # a jump where the root would be
        ("x - 1/10**13 + sign(x)/10**13", 0.5),
        ("floor(x) + x + 1/2", 0.2),
        ("1/x", 0.5),  # a pole, no root
        ("x**3 - 2*x + 2", 0),  # the cycle 0, 1
    ],
)
def test_where_newton_reaches_no_simple_root_nothing_is_certified(equation: str, start: Any) -> None:
    found = best_certificate(equation, "x", start)
    assert found.verdict is Verdict.UNDECIDED
    assert found.statement.startswith("undecided from x = ")
    assert (found.root, found.steps_to(10)) == (None, None)


def test_a_cut_of_the_plane_and_a_jump_of_the_angle_are_no_smooth_ground() -> None:
    # log jumps by 2 pi i across the negative axis: its derivative does not show it.
    assert not kantorovich("log(z) - 3.1j".replace("3.1j", "31/10") + " + 4*z", "z", -1 + 0.001j).is_certified
    jump = atan2(x, -1) + x * 3
    assert not kantorovich(jump, x, 0.001).is_certified
    assert not interval_newton(jump, x, 0.001).is_certified
    assert not kantorovich("abs(z) - 1 + z", "z", 0.5 + 0.1j).is_certified


def test_a_kink_within_reach_is_not_certified_and_one_beyond_it_is_no_obstacle() -> None:
    bent = Piecewise((x, x < 0), (3 * x, True))
    assert not kantorovich(bent, x, 1).is_certified
    assert kantorovich(bent - 6, x, Fraction(21, 10)).is_certified
    assert interval_newton("abs(x) - 2", "x", (1, 3)).is_certified
    assert not interval_newton("abs(x) - 2", "x", (-1, 3)).is_certified


def test_every_point_of_a_certified_box_converges() -> None:
    found = interval_newton(["x**2 + y**2 - 4", "x*y - 1"], ["x", "y"], {"x": (1.9, 2), "y": (0.5, 0.6)})
    assert found.is_certified
    for start in ([1.9, 0.5], [2, 0.6], [1.95, 0.51]):
        assert contradictions(found, ["x**2 + y**2 - 4", "x*y - 1"], ["x", "y"], start) == []


def test_a_path_far_from_its_root_is_certified_where_it_arrives() -> None:
    found = best_certificate("exp(x) - 2", "x", -2)
    assert found.step > 5
    assert contradictions(found, ["exp(x) - 2"], ["x"], [-2]) == []
    with pytest.raises(InputError, match="no error bound is certified after 0 steps"):
        found.error_after(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kantorovich("a*x - 1", "x", 1), "a has no value"),
        (lambda: smale_alpha("exp(x) - 1", "x", 1), "is no polynomial in x; use kantorovich"),
        (lambda: kantorovich(["x", "x - 1"], ["x"], 1), "2 equations were given for 1 unknowns"),
        (lambda: kantorovich("x", "x", float("nan")), "a start is a finite number, got '?nan"),
        (lambda: kantorovich("x", "x", [1, 2]), "2 start values were given for 1 unknowns"),
        (lambda: interval_newton("x", "x", (2, 1)), "the sides of the box are in the wrong order"),
        (lambda: best_certificate("x", "x", 1, steps=-1), "the number of steps is -1"),
    ],
)
def test_what_cannot_be_read_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
