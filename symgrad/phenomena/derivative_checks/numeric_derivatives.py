"""Hand-written numeric derivatives checked against their functions: which one is wrong, where, and by how much."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.derivative_checks.module_pairs import (
    Pair,
    cases_of,
    find_pairs,
    is_namespace,
    listed_entries,
    namespace_of,
)
from symgrad.phenomena.derivative_checks.pair_checks import Case, Function, check_derivative, finite_points
from symgrad.phenomena.derivative_checks.results import DerivativeCheck, GradientReport
from symgrad.phenomena.derivative_checks.sample_points import draw_points


def check_gradient(
    function: Any,
    gradient: Callable[..., Any] | None = None,
    points: Any = None,
    *,
    second: Callable[..., Any] | None = None,
    args: Sequence[object] = (),
    intervals: Sequence[tuple[float, float]] = (),
    near: Sequence[float] = (),
    cases: Sequence[Mapping[str, Any]] | None = None,
    factor: float = 10.0,
    seed: int = 0,
) -> GradientReport:
    """Say of hand-written derivatives whether differences support them, and where and by how much they are wrong.

    A sweep of difference steps is extrapolated (Richardson 1911), each estimate with a bar no smaller step
    contradicts; the complex step (Squire and Trapp 1998) refines it where it agrees. A value is called wrong only
    where it misses the central, the left and the right estimate by ``factor`` times their bars, on two ladders of
    steps. At a kink every value between the one-sided slopes is accepted, and the kink is named.

    Parameters
    ----------
    function : the function of a number or of a vector; or a module, mapping or namespace in which pairs such as
        NAME_f, NAME_fp, NAME_fpp or f, grad_f are found by name
    gradient : its derivative; for a vector the gradient, or the Jacobian with rows = outputs
    points : where to compare, shape (points,) or (points, d); drawn over scales and signs when not given
    second : the second derivative, or the Hessian of a function with one output
    args : extra arguments of all the callables
    intervals, near : where more points are drawn, for functions of one number
    cases : for a module, rows with keys f, args, bracket, x0, root; by default the tables in the module itself
    factor : how many bars a value must be off to be called wrong, at least 2
    seed : of the drawn points

    Raises
    ------
    InputError
        If something is not callable, the points are not finite, or the shapes do not fit.

    Examples
    --------
    >>> import math
    >>> check_gradient(math.sin, math.cos).verdict.word
    'supported'
    >>> wrong = check_gradient(math.sin, lambda x: -math.cos(x), [0.5]).wrong[0]
    >>> wrong.point, round(wrong.given, 6), round(wrong.measured, 6), round(wrong.discrepancy, 6)
    (0.5, -0.877583, 0.877583, 2.0)
    """
    if factor < 2:
        raise InputError(f"factor must be at least 2, got {factor}; it multiplies the error bars, e.g. 10")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if is_namespace(function):
            if gradient is not None or second is not None:
                raise InputError("a module was given together with a gradient; give either a module or callables")
            return module_report(namespace_of(function), cases, factor, seed)
        if not callable(function) or not any(callable(item) for item in (gradient, second)):
            raise InputError(
                f"a function and its gradient are needed, got {function!r} and {gradient!r}; give two callables, "
                "or one module with pairs such as f and fprime"
            )
        drawn = draw_points(intervals, near, seed=seed) if points is None else finite_points(points)
        case = Case(tuple(args), drawn)
        return GradientReport(pair_report(function, gradient, second, (case,), factor))


def pair_report(
    function: Function, first: Function | None, second: Function | None, cases: Sequence[Case], factor: float
) -> tuple[DerivativeCheck, ...]:
    """The checks of one function's derivatives, the second against the first where the first is supported."""
    checks = []
    trusted = False
    if first is not None:
        checks.append(check_derivative(called(first), function, first, cases, factor=factor))
        trusted = checks[0].verdict is Verdict.SUPPORTED
    if second is None:
        return tuple(checks)
    name = called(second)
    if trusted and first is not None:
        witness = function if cases[0].points.ndim == 1 else None
        checks.append(as_second(check_derivative(name, first, second, cases, witness=witness, factor=factor)))
    elif cases[0].points.ndim == 1:
        checks.append(check_derivative(name, function, second, cases, order=2, factor=factor))
    else:
        text = f"{name}: undecided, its first derivative is not supported"
        checks.append(DerivativeCheck(name, 2, Verdict.UNDECIDED, text))
    return tuple(checks)


def as_second(check: DerivativeCheck) -> DerivativeCheck:
    """The same check, recorded as one of a second derivative."""
    return replace(check, order=2)


def called(function: Function) -> str:
    """The name a callable goes by."""
    return str(getattr(function, "__name__", type(function).__name__))


def module_report(
    names: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None, factor: float, seed: int
) -> GradientReport:
    """The checks of every pair found in a namespace."""
    pairs = find_pairs(names)
    if not pairs:
        raise InputError(
            "no function with a derivative beside it was found; use names such as f and fprime, or g and dg"
        )
    checks: list[DerivativeCheck] = []
    for pair in pairs:
        checks.extend(checked_pair(names, pair, rows, factor, seed))
    return GradientReport(tuple(checks))


def checked_pair(
    names: Mapping[str, Any], pair: Pair, rows: Sequence[Mapping[str, Any]] | None, factor: float, seed: int
) -> tuple[DerivativeCheck, ...]:
    """The checks of one pair; a pair that cannot be called with one number stays undecided."""
    function = names[pair.function]
    if rows is None:
        chosen = listed_entries(names, function)
    else:
        chosen = [row for row in rows if any(value is function for value in row.values())]
    found = [(order, name) for order, name in ((1, pair.first), (2, pair.second)) if name]
    try:
        cases = cases_of(function, chosen, seed=seed)
        first, second = (names[name] if name else None for name in (pair.first, pair.second))
        checks = pair_report(function, first, second, cases, factor)
    except Exception as error:
        reason = f"could not be called with one number ({type(error).__name__}: {error}); give points"
        return tuple(
            DerivativeCheck(name, order, Verdict.UNDECIDED, f"{name}: undecided, {pair.function} {reason}")
            for order, name in found
        )
    return tuple(
        replace(check, name=name, statement=name + check.statement.removeprefix(check.name))
        for check, (_, name) in zip(checks, found, strict=True)
    )
