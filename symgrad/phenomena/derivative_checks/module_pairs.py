"""Functions and their derivatives found in a module by name, with the arguments and intervals its tables list."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from symgrad.phenomena.derivative_checks.pair_checks import Case, Function
from symgrad.phenomena.derivative_checks.sample_points import draw_points

FIRST = (
    "{0}_fp {0}_fprime {0}_df {0}prime {0}_prime {0}_der {0}_derivative {0}_grad {0}_gradient {0}_jac {0}_jacobian "
    "d_{0} grad_{0} gradient_{0} jac_{0} jacobian_{0}"
).split()
SECOND = (
    "{0}_fpp {0}_fprime2 {0}_d2f {0}prime2 {0}_prime2 {0}_der2 {0}_hess {0}_hessian d2_{0} hess_{0} hessian_{0}"
).split()
SHORT_FIRST = ("{0}p", "d{0}")
SHORT_SECOND = ("{0}pp", "d2{0}", "dd{0}")


@dataclass(frozen=True)
class Pair:
    """A function and the derivatives written for it, by name; a derivative that is missing has the name ""."""

    function: str
    first: str
    second: str


def namespace_of(subject: Any) -> dict[str, Any]:
    """The names of a module, a mapping or a simple namespace."""
    return dict(subject) if isinstance(subject, Mapping) else dict(vars(subject))


def is_namespace(subject: Any) -> bool:
    """Whether pairs are to be looked up in the subject by name."""
    return inspect.ismodule(subject) or isinstance(subject, (Mapping, SimpleNamespace))


def find_pairs(names: Mapping[str, Any]) -> tuple[Pair, ...]:
    """Every function with a derivative beside it, by the usual names: f fp fpp, f fprime fprime2, f df, grad_f …

    Examples
    --------
    >>> find_pairs({"cube_f": abs, "cube_fp": abs, "g": abs, "grad_g": abs, "map": abs})
    (Pair(function='cube_f', first='cube_fp', second=''), Pair(function='g', first='grad_g', second=''))
    """
    callables = {name for name, value in names.items() if callable(value) and not inspect.isclass(value)}
    pairs = []
    for name in sorted(callables):
        first = partner(name, FIRST, SHORT_FIRST, callables)
        second = partner(name, SECOND, SHORT_SECOND, callables)
        if first or second:
            pairs.append(Pair(name, first, second))
    derivatives = {found for pair in pairs for found in (pair.first, pair.second)}
    return tuple(pair for pair in pairs if pair.function not in derivatives)


def partner(name: str, patterns: Iterable[str], short: Iterable[str], callables: set[str]) -> str:
    """The first derivative name present; short forms such as fp and df only go with names like f, g2 and NAME_f."""
    bases = [name, name[:-2]] if name.endswith("_f") else [name]
    tried = [pattern.format(base) for base in bases for pattern in patterns]
    if name.endswith("_f") or re.fullmatch(r"[A-Za-z]\d*", name):
        tried = [pattern.format(name) for pattern in short] + tried
    return next((found for found in tried if found in callables and found != name), "")


def listed_entries(names: Mapping[str, Any], function: Function) -> list[Mapping[str, Any]]:
    """Rows of the module's own tables (lists of mappings) that name the function."""
    rows = []
    for name, table in names.items():
        if name.startswith("__") or not isinstance(table, (list, tuple)):
            continue
        for row in table:
            if isinstance(row, Mapping) and any(value is function for value in row.values()):
                rows.append(row)
    return rows


def cases_of(function: Function, rows: Iterable[Mapping[str, Any]], *, seed: int) -> tuple[Case, ...]:
    """Arguments and points from rows with keys args, bracket, x0, x1 and root; without a row, drawn ones.

    Rows with equal arguments share one case. Extra positional arguments nobody lists are drawn as small integers.
    """
    grouped: dict[tuple[object, ...], tuple[list[tuple[float, float]], list[float]]] = {}
    for row in rows:
        intervals, near = grouped.setdefault(tuple(row.get("args", ())), ([], []))
        bracket = row.get("bracket")
        if bracket is not None and len(bracket) == 2:
            intervals.append((float(bracket[0]), float(bracket[1])))
        near.extend(float(row[key]) for key in ("x0", "x1", "root") if is_real(row.get(key)))
    if not grouped:
        grouped = {arguments: ([], []) for arguments in drawn_arguments(function, seed)}
    return tuple(
        Case(arguments, draw_points(intervals, sorted(set(near)), seed=seed))
        for arguments, (intervals, near) in grouped.items()
    )


def is_real(value: Any) -> bool:
    """Whether a table entry is one finite real number."""
    return isinstance(value, (int, float, np.floating)) and bool(np.isfinite(value))


def drawn_arguments(function: Function, seed: int) -> list[tuple[object, ...]]:
    """Three draws of small positive integers for the required arguments after the first."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return [()]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(item.kind in positional and item.default is inspect.Parameter.empty for item in parameters)
    generator = np.random.default_rng(seed)
    return [tuple(int(n) for n in generator.integers(2, 7, count)) for _ in range(3)] if count else [()]
