"""Joining the outcomes of chunks of points into one, whatever an outcome holds."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels import Outcome, SignedLog

Path: TypeAlias = tuple[Any, ...]


def _arrays(value: Any, path: Path) -> Iterator[tuple[Path, NDArray[Any]]]:
    """Yield every array inside a value, with the way to it."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, SignedLog):
        yield (*path, "mantissa"), value.mantissa
        yield (*path, "exponent"), value.exponent
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _arrays(part, (*path, key))


def _rebuilt(value: Any, path: Path, arrays: Mapping[Path, NDArray[Any]]) -> Any:
    """Return a value of the same form made of other arrays."""
    if isinstance(value, np.ndarray):
        return arrays[path]
    if isinstance(value, SignedLog):
        return SignedLog(arrays[*path, "mantissa"], arrays[*path, "exponent"])
    if isinstance(value, Mapping):
        return {key: _rebuilt(part, (*path, key), arrays) for key, part in value.items()}
    return value


class Assembly:
    """Arrays for all points of a grid, filled chunk by chunk; the points are the last axis of every array."""

    def __init__(self, points: int) -> None:
        self._points = points
        self._arrays: dict[Path, NDArray[Any]] = {}
        self._template: Outcome | None = None

    def add(self, first: int, outcome: Outcome) -> None:
        """Put the outcome of one chunk, evaluated at the flat points from ``first`` on, in its place."""
        if self._template is None:
            self._template = outcome
        for field in fields(outcome):
            for path, part in _arrays(getattr(outcome, field.name), (field.name,)):
                if path not in self._arrays:
                    self._arrays[path] = np.empty((*part.shape[:-1], self._points), dtype=part.dtype)
                self._arrays[path][..., first : first + part.shape[-1]] = part

    def outcome(self, shape: tuple[int, ...]) -> Outcome:
        """Return the outcome of all points, in the shape of the grid."""
        if self._template is None:
            raise ValueError("no chunk was added")
        shaped = {path: array.reshape((*array.shape[:-1], *shape)) for path, array in self._arrays.items()}
        names = {path[0] for path in shaped}
        parts = {name: _rebuilt(getattr(self._template, name), (name,), shaped) for name in names}
        return replace(self._template, **parts, digits=self._template.digits if self._points == 1 else None)
