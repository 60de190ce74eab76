"""The start and parameters of a kernel call, broadcast to one shape."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.parsing import parse_number

Array = NDArray[np.float64]


def _is_expression(value: Any) -> bool:
    """Say whether a value is SymPy's; none is before SymPy has been loaded, and this does not load it."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Expr)


def _exact(value: Any) -> Any:
    """Keep a single exact number (int, Fraction, SymPy number, text such as "1/3") as it is, for the oracle."""
    if isinstance(value, str):
        return parse_number(value)
    if isinstance(value, int | Fraction):
        return value
    if not _is_expression(value):
        return None
    if not (value.is_real and value.is_number):
        raise TypeError
    return value


def _float(value: Any) -> float:
    """Return a number as the nearest float; ±inf where an exact one is too large."""
    exact = _exact(value)
    if exact is None and not isinstance(value, float | np.integer | np.floating | np.bool_):
        raise TypeError
    try:
        return float(value if exact is None else exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def floats_of(name: str, value: Any) -> Array:
    """Return a number or an array of numbers as float64, refusing what is none; ±inf is a state like others."""
    try:
        array = np.asarray(value) if _exact(value) is None else np.asarray(_float(value))
        if array.dtype.kind in "OU":
            entries = np.array(value, dtype=object)
            array = np.array([_float(v) for v in entries.ravel()]).reshape(entries.shape)
        if array.dtype.kind not in "biuf":
            raise TypeError
        with np.errstate(over="ignore"):
            floats = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number or an array of numbers, got {str(value)[:60]!r}") from None
    if np.isnan(floats).any():
        raise InputError(f"{name} contains nan; give finite numbers")
    if floats.size == 0:
        raise InputError(f"{name} is an empty array; give at least one number")
    return floats


def _kept(value: Any) -> Any:
    exact = _exact(value)
    return float(value) if exact is None else exact


@dataclass(frozen=True)
class Points:
    """The start and parameters of one call, broadcast to one shape and flattened on demand."""

    shape: tuple[int, ...]
    start: tuple[Array, ...]
    shared: Mapping[str, Array]
    layered: Mapping[str, Array]
    exact: Mapping[str, Any]

    @property
    def size(self) -> int:
        """The number of points."""
        return int(np.prod(self.shape, dtype=int))

    @staticmethod
    def gather(components: Sequence[Any], parameters: Mapping[str, Any], longest: Mapping[str, int]) -> "Points":
        """Read numbers and arrays; ``longest`` says how many layers each name with a value per layer needs."""
        start = tuple(floats_of("the start", c) for c in components)
        values = {name: floats_of(f"parameter {name!r}", value) for name, value in parameters.items()}
        for name, layers in longest.items():
            given = values[name].shape[0] if values[name].ndim else None
            if given != layers:
                found = "a single value" if given is None else f"{given} values"
                raise InputError(f"{name!r} needs one value per layer, {layers} in all, got {found}; give a list")
        shapes = [s.shape for s in start]
        shapes += [v.shape[1:] if name in longest else v.shape for name, v in values.items()]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            listing = ", ".join(map(str, shapes))
            raise InputError(f"start and parameters do not broadcast to one shape: {listing}") from None
        exact = {f"start {i}": _exact(c) for i, c in enumerate(components)}
        exact |= {name: _exact(v) for name, v in parameters.items()}
        exact |= {n: [_kept(v) for v in parameters[n]] for n in longest if np.ndim(values[n]) == 1}
        shared = {n: v for n, v in values.items() if n not in longest}
        return Points(shape, start, shared, {n: values[n] for n in longest}, exact)

    def check_range(self) -> None:
        """Refuse exact numbers that float64 cannot hold."""
        for name, given in self.exact.items():
            for value in given if isinstance(given, list) else [given]:
                if value is not None and (np.isinf(_float(value)) or (_float(value) == 0.0 and value != 0)):
                    raise InputError(
                        f"{name} lies outside float64 (2.2e-308 to 1.8e308); ask for digits, e.g. digits=30, or rescale"
                    )

    def flat_start(self, index: Any) -> list[Array]:
        """Return the start components at the flat indices."""
        return [np.broadcast_to(s, self.shape).reshape(-1)[index] for s in self.start]

    def at(self, index: Any) -> Callable[[str, int | None], Any]:
        """Return the lookup (name, k) → value at the flat indices; a value all points share stays a scalar."""
        cached: dict[str, Any] = {}

        def value(name: str, k: int | None) -> Any:
            if k is not None:
                row = self.layered[name][k - 1]
                return float(row) if row.ndim == 0 else np.broadcast_to(row, self.shape).reshape(-1)[index]
            if name not in cached:
                given = self.shared[name]
                scalar = given.ndim == 0
                cached[name] = float(given) if scalar else np.broadcast_to(given, self.shape).reshape(-1)[index]
            return cached[name]

        return value

    def exact_at(self, index: int) -> tuple[list[Any], Callable[[str, int | None], Any]]:
        """Return one point's start and lookup, exact numbers where exact numbers were given."""
        start = [
            e if (e := self.exact[f"start {i}"]) is not None else s[0]
            for i, s in enumerate(self.flat_start(slice(index, index + 1)))
        ]
        floats = self.at(slice(index, index + 1))

        def value(name: str, k: int | None) -> Any:
            given = self.exact.get(name)
            if given is not None:
                return given if k is None else given[k - 1]
            found = floats(name, k)
            return found if isinstance(found, float) else found[0]

        return start, value
