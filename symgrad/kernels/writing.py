"""The results of tiles of orbits, written where the whole call keeps them: as floats wherever float64 holds them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import LOST, Orbits
from symgrad.kernels.plans import Plan, Workspace
from symgrad.kernels.signed_log import SignedLog, add, multiply
from symgrad.kernels.stretches import TILE

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Values = Callable[[str, int | None], Any]
HIGHEST = 2.0**1000


@dataclass
class Found:
    """The numbers of a call: floats, and those that float64 does not hold beside them.

    Parameters
    ----------
    growth : log|product|, shape (1, points)
    flagged, settled : as in ``Orbits``, shape (points,)
    open : (places, factor) of orbits that were looked at and had not settled
    floats : key → shape (points,)
    wide : key → (places, numbers), later ones overwriting earlier ones and the floats
    """

    growth: Array
    flagged: Mask
    settled: Mask
    open: list[tuple[Index, Array]] = field(default_factory=list)
    floats: dict[Any, Array] = field(default_factory=dict)
    wide: dict[Any, list[tuple[Any, SignedLog]]] = field(default_factory=dict)

    @classmethod
    def of(cls, size: int, task: Any) -> "Found":
        """Return room for the numbers of so many points, in one piece of memory."""
        keys = ["state", *(["loss"] if task.programs.loss is not None else []), ("compound", 1)]
        keys += [("gradient", name) for name in task.kernel.target.wrt]
        rows = np.empty((len(keys) + 1, size))
        flags = np.zeros((2, size), dtype=bool)
        return cls(rows[:1], flags[0], flags[1], floats=dict(zip(keys, rows[1:], strict=True)))

    @property
    def factor(self) -> Array:
        """The factors of orbits that had not settled, nan elsewhere, shape (points,)."""
        whole = np.full(self.flagged.size, np.nan)
        for places, factor in self.open:
            whole[places] = factor
        return whole

    def write(self, key: Any, places: Any, number: Any) -> None:
        """Write the numbers of some points: floats, or numbers that leave float64."""
        if isinstance(number, SignedLog):
            self.wide.setdefault(key, []).append((places, number))
        else:
            self.floats[key][places] = number

    def overwrite(self, places: Index, parts: Any) -> None:
        """Write every number of some points anew."""
        for key, number in parts.items():
            self.write(key, places, SignedLog(number.mantissa[0], number.exponent[0]))
        self.growth[0, places] = parts["compound", 1].log_abs[0]

    def numbers(self) -> dict[Any, SignedLog]:
        """Return every number, shape (1, points)."""
        found = {}
        for key, floats in self.floats.items():
            if key not in self.wide:
                found[key] = SignedLog.of_floats(floats[np.newaxis])
                continue
            whole = self._split(key)
            for places, number in self.wide[key]:
                whole.mantissa[places], whole.exponent[places] = number.mantissa, number.exponent
            found[key] = SignedLog(whole.mantissa[np.newaxis], whole.exponent[np.newaxis])
        return found

    def _split(self, key: Any) -> SignedLog:
        """Return room for mantissas and exponents, with those of the floats where not all numbers come otherwise."""
        covered = np.zeros(self.flagged.size, dtype=bool)
        for places, _ in self.wide[key]:
            covered[places] = True
        if not covered.all():
            return SignedLog.from_float(self.floats[key])
        return SignedLog(np.empty(self.flagged.size), np.empty(self.flagged.size))


def _loss_numbers(task: Any, orbits: Orbits, values: Values, workspace: Workspace) -> list[Any]:
    """Return loss, slope in the state and slopes in the names; flag what float64 cannot carry of the first two."""
    plan: Plan = task.loss_plan
    program = plan.program
    names = [one.name for one in program.inputs if one.kind != "state"]
    bound = workspace.bind(plan, len(orbits.state), [values(name, None) for name in names])
    np.copyto(bound.state, orbits.state)
    bound.run()
    numbers = bound.outputs(program.outputs)
    for number, slot in zip(numbers[:2], program.outputs[:2], strict=True):
        if program.constant(slot) != 0.0:
            size = np.abs(number)
            if not (size.min() >= LOST and size.max() < np.inf):
                orbits.flagged |= ~np.isfinite(size) | (size < LOST)
    return numbers


def _held(number: Array) -> bool:
    """Return whether float64 holds some numbers without loss: no zeros, none tiny, none huge."""
    size = np.abs(number)
    return bool(size.min() >= LOST and size.max() < HIGHEST)


def _product(tile: Orbits) -> Any:
    """Return the chain product, as floats where they hold it."""
    if not tile.exponent.any() and _held(tile.mantissa):
        return tile.mantissa
    return SignedLog.from_parts(tile.mantissa, tile.exponent)


def _slope(outer: Any, tile: Orbits, row: int, own: Any, direct: bool) -> Any:
    """Return outer · slope + own, as floats where they hold it."""
    slope = tile.slopes[row]
    if direct and not tile.scaled:
        product = outer * slope
        if _held(product):
            return product + own if np.any(own) else product
    whole = multiply(SignedLog.from_float(outer), SignedLog.from_parts(slope, tile.scale))
    return add(whole, SignedLog.from_float(own)) if np.any(own) else whole


def _growth(tile: Orbits) -> Array:
    """Return log|product|, whose two parts cannot cancel where the mantissa is near 1."""
    mantissa, exponent = np.abs(tile.mantissa), tile.exponent
    if not exponent.any():
        return np.asarray(np.log(mantissa))
    return SignedLog.from_parts(mantissa, exponent).log_abs


def _numbers(task: Any, tile: Orbits, values: Values, workspace: Workspace) -> dict[Any, Any]:
    """Return the results of a tile, having flagged those whose loss float64 cannot carry."""
    target, loss = task.kernel.target, task.programs.loss
    product = _product(tile)
    parts: dict[Any, Any] = {"state": tile.state}
    outer, own = np.ones(()), dict.fromkeys(target.wrt, np.zeros(()))
    if loss is not None:
        value, outer, *rest = _loss_numbers(task, tile, values, workspace)
        own = dict(zip(target.wrt, rest, strict=True))
        parts["loss"] = value
    parts["compound", 1] = product
    wide = product if isinstance(product, SignedLog) else SignedLog.of_floats(product)
    for name in target.wrt:
        if name in task.names:
            parts["gradient", name] = _slope(outer, tile, task.names.index(name), own[name], loss is not None)
        else:
            parts["gradient", name] = multiply(SignedLog.from_float(outer), wide)
    return parts


def write_results(
    task: Any, tile: Orbits, values: Values, found: Found, places: Any, chosen: Mask, workspace: Workspace
) -> None:
    """Write the results of the chosen points of a tile at their places among all points."""
    with np.errstate(all="ignore"):
        parts, growth, size = _numbers(task, tile, values, workspace), _growth(tile), len(tile.state)
    everyone = bool(chosen.all())
    here: Any = slice(None) if everyone else chosen
    if not everyone:
        places = (np.arange(places.start, places.stop) if isinstance(places, slice) else places)[chosen]
    for key, number in parts.items():
        if isinstance(number, SignedLog):
            rows = np.broadcast_to(number.mantissa, size), np.broadcast_to(number.exponent, size)
            found.write(key, places, SignedLog(rows[0][here], rows[1][here]))
        else:
            found.write(key, places, np.broadcast_to(number, size)[here])
    found.growth[0, places] = growth[here]
    found.flagged[places], found.settled[places] = tile.flagged[here], tile.settled[here]
    factor = tile.factor[here]
    going = np.flatnonzero(~np.isnan(factor))
    if len(going):
        found.open.append((places.start + going if isinstance(places, slice) else places[going], factor[going]))


def collect(task: Any, carrier: Any, orbits: Orbits, index: Index, found: Found, places: Index | None = None) -> None:
    """Write the results of carried points, tile by tile, at ``places`` among those of the call (default: their own)."""
    where = index if places is None else places

    def one(part: slice) -> None:
        tile, values = orbits.at(part), task.points.at(index[part])
        with carrier.workspace() as workspace:
            write_results(task, tile, values, found, where[part], np.ones(len(tile.state), dtype=bool), workspace)

    carrier.runner(one, [slice(first, min(first + TILE, len(index))) for first in range(0, len(index), TILE)])
