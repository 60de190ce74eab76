"""One given derivative checked over many points and many extra arguments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.derivative_checks.point_verdicts import Finding, Judgement, Subject, judge
from symgrad.phenomena.derivative_checks.results import DerivativeCheck, Kink, Point
from symgrad.phenomena.derivative_checks.step_ladders import Line

Function = Callable[..., Any]
ENOUGH_WRONG = 6


@dataclass(frozen=True)
class Case:
    """Extra arguments and the points tried with them, shape (points,) or (points, d)."""

    arguments: tuple[object, ...]
    points: NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """A judgement and where it was made."""

    judgement: Judgement
    point: Point
    arguments: tuple[object, ...]
    component: tuple[int, ...]

    @property
    def discrepancy(self) -> float:
        """|given − measured| relative to the larger of the two."""
        given, measured = self.judgement.given, self.judgement.measured.value
        size = max(abs(given), abs(measured))
        return abs(given - measured) / size if size > 0 else 0.0


def real_number(value: Any) -> float:
    """A returned value as one float; nan where it is truly complex, as off the domain of a real power."""
    if isinstance(value, (float, int)):
        return float(value)
    array = np.asarray(value)
    if array.size != 1:
        raise InputError(f"the function returned {array.size} numbers for one, shape {array.shape}; give vector points")
    number = complex(array.reshape(-1)[0])
    return number.real if number.imag == 0 else float("nan")


def scalar_line(function: Function, arguments: tuple[object, ...]) -> Line:
    """The function of one number with its extra arguments filled in; nan where it raises an arithmetic error."""

    def line(t: float) -> float:
        try:
            return real_number(function(np.float64(t), *arguments))
        except InputError:
            raise
        except (ArithmeticError, ValueError):
            return float("nan")

    return line


def flat_values(function: Function, x: NDArray[np.float64], arguments: tuple[object, ...]) -> NDArray[np.float64]:
    """All outputs at a vector point, flattened, shape (outputs,); empty where an arithmetic error is raised."""
    try:
        values = np.asarray(function(x.copy(), *arguments))
        if np.iscomplexobj(values):
            return np.where(np.imag(values) == 0, np.real(values), np.nan).reshape(-1).astype(np.float64)
        return values.astype(np.float64).reshape(-1)
    except (ArithmeticError, ValueError):
        return np.empty(0)


def coordinate_line(
    function: Function, base: NDArray[np.float64], arguments: tuple[object, ...], coordinate: int
) -> Callable[[float], NDArray[np.float64]]:
    """The outputs along one coordinate through a point, remembered so that every output reuses them."""
    known: dict[float, NDArray[np.float64]] = {}

    def values(t: float) -> NDArray[np.float64]:
        if t not in known:
            moved = base.copy()
            moved[coordinate] = t
            known[t] = flat_values(function, moved, arguments)
        return known[t]

    return values


def component_of(values: Callable[[float], NDArray[np.float64]], index: int) -> Line:
    """One component along a line; nan where the line has no values."""
    return lambda t: float(found[index]) if (found := values(t)).size > index else float("nan")


def vector_trials(
    function: Function, derivative: Function, case: Case, point: NDArray[np.float64], options: dict[str, Any]
) -> Iterator[Trial]:
    """One trial for every output and coordinate of a gradient or Jacobian, rows = outputs."""
    size = point.size
    outputs = flat_values(function, point, case.arguments).size
    entries = flat_values(derivative, point, case.arguments).size
    if outputs and entries and entries != outputs * size:
        raise InputError(
            f"the derivative of {outputs} outputs in {size} coordinates needs {outputs * size} entries, got {entries}; "
            "return shape (outputs, coordinates), rows = outputs"
        )
    for coordinate in range(size):
        along = coordinate_line(function, point, case.arguments, coordinate)
        slopes = coordinate_line(derivative, point, case.arguments, coordinate)
        for output in range(max(outputs, 1)):
            subject = Subject(component_of(along, output), component_of(slopes, output * size + coordinate), 1)
            found = judge(subject, float(point[coordinate]), **options)
            yield Trial(found, tuple(float(t) for t in point), case.arguments, (output, coordinate))


def trials_of(
    function: Function, derivative: Function, cases: Sequence[Case], order: int, witness: Function | None, factor: float
) -> list[Trial]:
    """Every point of every case judged; once enough points are wrong, the rest only by quick differences."""
    found: list[Trial] = []
    wrong = 0
    for case in cases:
        line, given = scalar_line(function, case.arguments), scalar_line(derivative, case.arguments)
        other = scalar_line(witness, case.arguments) if witness is not None else None
        filled = case.arguments
        subject = Subject(line, given, order, lambda z, filled=filled: function(z, *filled), other)  # type: ignore[misc]
        for point in np.random.default_rng(0).permutation(case.points):
            options: dict[str, Any] = {"factor": factor, "hurry": wrong >= ENOUGH_WRONG}
            if case.points.ndim == 1:
                new = [Trial(judge(subject, float(point), **options), float(point), case.arguments, ())]
            else:
                new = list(vector_trials(function, derivative, case, point, options))
            wrong += sum(trial.judgement.finding is Finding.WRONG for trial in new)
            found.extend(new)
    return found


def check_derivative(
    name: str,
    function: Function,
    derivative: Function,
    cases: Sequence[Case],
    *,
    order: int = 1,
    witness: Function | None = None,
    factor: float = 10.0,
) -> DerivativeCheck:
    """Compare one derivative with ``order`` differences of ``function`` at every point of every case."""
    trials = trials_of(function, derivative, cases, order, witness, factor)
    counts = {kind: sum(trial.judgement.finding is kind for trial in trials) for kind in Finding}
    wrong = [trial for trial in trials if trial.judgement.finding is Finding.WRONG]
    kinks = tuple(kink_of(trial) for trial in trials if trial.judgement.slopes is not None)
    shared = {
        "kinks": kinks,
        "tried": len(trials),
        "agreed": counts[Finding.AGREES],
        "skipped": counts[Finding.SKIPPED],
        "open": counts[Finding.OPEN],
    }
    tail = closing(counts, kinks)
    if not wrong:
        supported = counts[Finding.AGREES] > counts[Finding.OPEN]
        verdict = Verdict.SUPPORTED if supported else Verdict.UNDECIDED
        tried = len(trials) - counts[Finding.SKIPPED]
        text = f"{name}: {verdict.word}, agrees with differences at {counts[Finding.AGREES]} of {tried} points{tail}"
        return DerivativeCheck(name, order, verdict, text, **shared)  # type: ignore[arg-type]
    worst = max(wrong, key=lambda trial: trial.discrepancy)
    judgement = worst.judgement
    return DerivativeCheck(
        name,
        order,
        Verdict.REFUTED,
        accusation(name, worst, trials) + tail,
        worst.point,
        worst.arguments,
        worst.component,
        judgement.given,
        judgement.measured.value,
        judgement.measured.error,
        worst.discrepancy,
        tuple(trial.point for trial in wrong),
        **shared,  # type: ignore[arg-type]
    )


def kink_of(trial: Trial) -> Kink:
    """The kink or jump a trial met."""
    slopes = trial.judgement.slopes
    assert slopes is not None
    if slopes.jump:
        return Kink(trial.point, float("nan"), float("nan"), slopes.jump)
    return Kink(trial.point, slopes.left.value, slopes.right.value)


def accusation(name: str, worst: Trial, trials: Sequence[Trial]) -> str:
    """What is wrong, where and by how much, and where it is right."""
    wrong = [trial for trial in trials if trial.judgement.finding is Finding.WRONG]
    doubted = sum(trial.judgement.finding is Finding.UNSWEPT for trial in trials)
    right = [t.point for t in trials if t.judgement.finding is Finding.AGREES and t.arguments == worst.arguments]
    measured = worst.judgement.measured
    where = f"x = {worst.point!r}" + (f", arguments {worst.arguments!r}" if worst.arguments else "")
    if worst.component:
        where += f", output {worst.component[0]}, coordinate {worst.component[1]}"
    return (
        f"{name}: refuted at {where}: given {worst.judgement.given:.8g}, measured {measured.value:.8g} "
        f"± {measured.error:.1g}, relative discrepancy {worst.discrepancy:.3g}; "
        f"wrong at {len(wrong)} {'point' if len(wrong) == 1 else 'points'} measured twice"
        + (f", {doubted} more by quick differences" if doubted else "")
        + (f", right at {len(right)} from {min(right)!r} to {max(right)!r}" if right else "")
    )


def closing(counts: dict[Finding, int], kinks: Sequence[Kink]) -> str:
    """The points that do not count, and the kinks, as the end of a statement."""
    parts = []
    if counts[Finding.SKIPPED]:
        parts.append(f"{counts[Finding.SKIPPED]} outside the domain skipped")
    if counts[Finding.OPEN]:
        parts.append(f"{counts[Finding.OPEN]} not decided")
    for kind, chosen in (("kink", [k for k in kinks if not k.jump]), ("jump", [k for k in kinks if k.jump])):
        places = sorted({repr(kink.point) for kink in chosen})
        if places:
            parts.append(f"{kind} at {', '.join(places[:3])}" + (" …" if len(places) > 3 else ""))
    return f" ({'; '.join(parts)})" if parts else ""


def finite_points(points: Any) -> NDArray[np.float64]:
    """Points given by a user as an array of shape (points,) or (points, d)."""
    try:
        array = np.atleast_1d(np.asarray(points, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"points must be numbers or vectors of one length, got {points!r}; e.g. [0.5, 2.0]") from None
    if array.ndim > 2 or array.size == 0 or not all(isfinite(t) for t in array.reshape(-1)):
        raise InputError(
            f"points must be finite, shape (points,) or (points, d), got shape {array.shape}; e.g. [0.5, 2.0]"
        )
    return array
