"""Paths of Newton's and Gauss-Newton's method in any number of unknowns: where they end, and how fast.

    newton          J s = -r                       (as many residuals as unknowns)
    gauss_newton    min ‖J s + r‖                  (at least as many)
    newton_minimum  (JᵀJ + Σ r_i ∇²r_i) s = -Jᵀr   (towards a stationary point of ½‖r‖²)

The path is followed in float64. Its end is followed again in many digits: orders of convergence need several steps that
each multiply the number of correct digits, and float64 has room for few of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.phenomena.newton.measured_orders import Ending, follow_in_digits
from symgrad.phenomena.newton.residuals import Evaluator, NoValue, Residuals, read_residuals

RULES = ("newton", "gauss_newton", "newton_minimum")
DIVERGED_BEYOND = 1e12
NEAR = 0.1
LINGERING = 10  # steps that a slow path must have stayed near its last point to be followed further
STATIONARY = 1e-15  # beside the sizes of J and r


class SystemFate(Enum):
    """What became of a path; the value is the sentence a report prints."""

    CONVERGED = "converged: all residuals tend to 0"
    STATIONARY = "stationary: the gradient of the sum of squares vanishes, the residuals do not"
    SINGULAR = "singular: the linear system of the step has no unique solution at the last point"
    DIVERGED = "diverged: the path leaves every bound, or the residuals lose their value"
    UNDECIDED = "undecided: neither an end nor an escape within the steps"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower()


@dataclass(frozen=True)
class SystemPath:
    """The path of an update rule from a start, and its end.

    Parameters
    ----------
    rule : "newton", "gauss_newton" or "newton_minimum"
    unknowns : their names
    positions : the path in float64, shape (steps + 1, unknowns)
    residual_norms : the Euclidean norm of the residuals, shape (steps + 1,)
    fate : what became of it
    kind : of a stationary point: "saddle", "local minimum", "local maximum" or "degenerate"; else None
    measured_order : the order of convergence, measured in ``digits`` digits; None where there is none to measure
    rate : where the order is 1: the factor from one step to the next
    digits : the precision in which the end was followed
    statement : the sentence
    """

    rule: str
    unknowns: tuple[str, ...]
    positions: NDArray[np.float64]
    residual_norms: NDArray[np.float64]
    fate: SystemFate
    kind: str | None
    measured_order: float | None
    rate: float | None
    digits: int
    statement: str

    @property
    def end(self) -> NDArray[np.float64]:
        """The last point, shape (unknowns,)."""
        last: NDArray[np.float64] = self.positions[-1]
        return last

    @property
    def sum_of_squares(self) -> float:
        """The sum of squares of the residuals at the last point."""
        return float(self.residual_norms[-1]) ** 2


def solve_system(
    residuals: Any,
    variables: Any,
    start: Sequence[float],
    *,
    rule: str = "newton",
    steps: int = 100,
    tolerance: float = 1e-10,
    digits: int = 200,
) -> SystemPath:
    """Follow an update rule for a system of equations and say where its path ends.

    Parameters
    ----------
    residuals : text or expressions, one for each
    variables : the unknowns, symbols or names
    start : one number for each unknown
    rule : "newton", "gauss_newton" or "newton_minimum"
    steps : at most this many
    tolerance : the path has arrived when a step is this small beside 1 + the size of the point
    digits : the precision in which the end is followed to measure its order

    Raises
    ------
    InputError : an unknown rule, symbols without a value, or Newton's rule for more residuals than unknowns

    Examples
    --------
    >>> path = solve_system(["x**2 + y**2 - 4", "x*y - 1"], ["x", "y"], [2, 0.5])
    >>> path.fate.word, round(path.measured_order, 2), path.end.round(6).tolist()
    ('converged', 2.0, [1.931852, 0.517638])
    """
    own = read_residuals(residuals, variables)
    point = _checked(own, start, rule, steps, tolerance, digits)
    # At start-up mpmath would cost what most commands never use.
    import mpmath

    evaluator = own.compiled(mpmath.fp)
    walk = _walk(evaluator, point, rule, steps, tolerance)
    ending = _ending(own, walk, rule, digits)
    fate = _fate_of(ending) if ending else walk.fate
    kind = _kind(evaluator, walk.positions[-1]) if fate is SystemFate.STATIONARY else None
    order, rate = (ending.order, ending.rate) if ending else (None, None)
    names = tuple(s.name for s in own.unknowns)
    positions, norms = np.array(walk.positions), np.array(walk.norms)
    statement = _statement(names, rule, walk, fate, kind, ending)
    return SystemPath(rule, names, positions, norms, fate, kind, order, rate, digits, statement)


def _checked(
    own: Residuals, start: Sequence[float], rule: str, steps: int, tolerance: float, digits: int
) -> list[float]:
    if rule not in RULES:
        raise InputError(f"the rule {rule!r} is not known; give one of {', '.join(RULES)}")
    if rule == "newton" and not own.is_square:
        raise InputError(
            f"Newton's rule needs as many residuals as unknowns, got {len(own.exprs)} and {len(own.unknowns)}; "
            "use gauss_newton or newton_minimum"
        )
    if steps < 1 or digits < 30 or not tolerance > 0:
        raise InputError(
            f"at least 1 step, 30 digits and a positive tolerance are needed, got {steps}, {digits}, {tolerance}"
        )
    point = [float(v) for v in start]
    if len(point) != len(own.unknowns) or not all(map(math.isfinite, point)):
        raise InputError(f"a start has one finite number for each of {len(own.unknowns)} unknowns, got {point}")
    return point


@dataclass(frozen=True)
class _Walk:
    """A path in float64 and why it ended."""

    positions: list[list[float]]
    norms: list[float]
    fate: SystemFate


def _walk(evaluator: Evaluator, point: list[float], rule: str, steps: int, tolerance: float) -> _Walk:
    positions, norms = [point], []
    far = DIVERGED_BEYOND * (1 + max(map(abs, point)))
    for count in range(steps + 1):
        try:
            values, slopes = evaluator.values(point)
            r, jacobian = np.array(values, dtype=float), np.array(slopes, dtype=float)
            norms.append(float(np.linalg.norm(r)))
            if (stop := _standing(r, jacobian)) is not None:
                return _Walk(positions, norms, stop)
            if count == steps:
                break
            step = _step(r, jacobian, evaluator, point, rule)
        except NoValue:
            return _Walk(positions[: len(norms) or 1], norms or [math.nan], SystemFate.DIVERGED)
        if step is None:
            return _Walk(positions, norms, SystemFate.SINGULAR)
        point = [float(x + s) for x, s in zip(point, step, strict=True)]
        if not max(map(abs, point)) < far:
            return _Walk(positions, norms, SystemFate.DIVERGED)
        positions.append(point)
        if float(np.max(np.abs(step))) <= tolerance * (1 + max(map(abs, point))):
            norms.append(_norm(evaluator, point))
            return _Walk(positions, norms, SystemFate.CONVERGED)
    return _Walk(positions, norms, SystemFate.UNDECIDED)


def _norm(evaluator: Evaluator, point: list[float]) -> float:
    return float(np.linalg.norm(np.array(evaluator.values(point)[0], dtype=float)))


def _standing(r: NDArray[np.float64], jacobian: NDArray[np.float64]) -> SystemFate | None:
    """Return the fate of a point from which no step leads on: a root, or a stationary point of the sum of squares."""
    size = float(np.linalg.norm(r))
    if size == 0:
        return SystemFate.CONVERGED
    slope = float(np.linalg.norm(jacobian.T @ r))
    return SystemFate.STATIONARY if slope <= STATIONARY * size * float(np.linalg.norm(jacobian)) else None


def _step(
    r: NDArray[np.float64], jacobian: NDArray[np.float64], evaluator: Evaluator, point: list[float], rule: str
) -> NDArray[np.float64] | None:
    """Return the step of a rule, None where its linear system is singular to working precision."""
    if rule == "newton_minimum":
        matrix, right = jacobian.T @ jacobian + np.array(evaluator.curvature(point), dtype=float), -jacobian.T @ r
    else:
        matrix, right = jacobian, -r
    scales = np.linalg.norm(matrix, axis=0)
    if not scales.all():
        return None
    singular = np.linalg.svd(matrix / scales, compute_uv=False)
    if singular[-1] <= len(right) * np.finfo(float).eps * singular[0]:
        return None
    step: NDArray[np.float64] = np.linalg.lstsq(matrix / scales, right, rcond=None)[0] / scales
    return step


def _ending(own: Residuals, walk: _Walk, rule: str, digits: int) -> Ending | None:
    """Follow the end of a path in many digits, from where it first stays within a tenth of 1 + the size of its end.

    Also where float64 calls a linear system singular: next to a singular root that is a matter of digits. What ends
    anywhere else than the path in float64 says nothing about it.
    """
    if walk.fate is SystemFate.DIVERGED:
        return None
    last = walk.positions[-1]
    near = NEAR * (1 + max(map(abs, last)))
    far = [k for k, p in enumerate(walk.positions) if _distance(p, last) > near]
    first = min(far[-1] + 1 if far else 0, len(walk.positions) - 1)
    if walk.fate is SystemFate.UNDECIDED and len(walk.positions) - first < LINGERING:
        return None
    ending = follow_in_digits(own, walk.positions[first], rule, digits)
    arrives = ending.residuals_vanish or ending.gradient_vanishes
    if walk.fate is SystemFate.CONVERGED or (arrives and _distance(ending.point, last) <= near):
        return ending
    return None


def _distance(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(p - q) for p, q in zip(a, b, strict=True))


def _fate_of(ending: Ending) -> SystemFate:
    """Return the fate of an end followed in many digits."""
    if ending.residuals_vanish:
        return SystemFate.CONVERGED
    return SystemFate.STATIONARY if ending.gradient_vanishes else SystemFate.UNDECIDED


def _kind(evaluator: Evaluator, point: list[float]) -> str:
    """Return the kind of a stationary point of the sum of squares, by the signs of its curvatures."""
    jacobian = np.array(evaluator.values(point)[1], dtype=float)
    hessian = jacobian.T @ jacobian + np.array(evaluator.curvature(point), dtype=float)
    curvatures = np.linalg.eigvalsh(hessian)
    small = 1e-9 * float(np.max(np.abs(curvatures)))
    if float(np.min(np.abs(curvatures))) <= small:
        return "degenerate"
    if curvatures[0] > 0:
        return "local minimum"
    return "local maximum" if curvatures[-1] < 0 else "saddle"


def _statement(
    names: tuple[str, ...], rule: str, walk: _Walk, fate: SystemFate, kind: str | None, ending: Ending | None
) -> str:
    method = {"newton": "Newton's method", "gauss_newton": "Gauss-Newton", "newton_minimum": "Newton for the minimum"}
    first, last = (_place(names, walk.positions[i]) for i in (0, -1))
    count = len(walk.positions) - 1
    lead = f"{method[rule]} from {first}: {fate.value}"
    where = f"; after {count} steps it is at {last}, sum of squares {walk.norms[-1] ** 2:.6g}"
    what = f", a {kind}" if kind else ""
    speed = f"; {ending.sentence}" if ending and ending.sentence else ""
    return lead + where + what + speed


def _place(names: tuple[str, ...], point: Sequence[float]) -> str:
    return "(" + ", ".join(f"{n} = {v:.6g}" for n, v in zip(names, point, strict=True)) + ")"
