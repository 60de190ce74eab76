"""Orbits in arithmetic with unlimited exponents: slow, but orbits that repeat bit for bit are finished at once.

After a state has repeated over twelve applications, the affine map s -> P s + Q of those twelve is raised to the
power that remains by repeated squaring.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.fold import Arithmetic, Carried, advance, structural
from symgrad.kernels.points import Points
from symgrad.kernels.results import finish
from symgrad.kernels.signed_log import SignedLog, add, broadcast_to, multiply
from symgrad.kernels.stacking import Stacked
from symgrad.kernels.steps import Steps
from symgrad.maps import Composition, Map

Index = NDArray[np.intp]
SPAN = 12
DEEPEST = 1_000_000
ZERO, ONE = SignedLog.from_float(0.0), SignedLog.from_float(1.0)


@dataclass(frozen=True)
class Piece:
    """What a piece of a chain does to its points: the last state, and s -> product·s + own for each name."""

    state: SignedLog
    product: SignedLog
    own: tuple[SignedLog, ...]

    def then(self, later: "Piece") -> "Piece":
        """Return this piece followed by a later one."""
        own = (add(multiply(later.product, q), r) for q, r in zip(self.own, later.own, strict=True))
        return Piece(later.state, multiply(later.product, self.product), tuple(own))

    def at(self, index: Any) -> "Piece":
        """Return some of the points."""
        return Piece(self.state[index], self.product[index], tuple(q[index] for q in self.own))

    def put(self, index: Any, other: "Piece") -> None:
        """Write points back."""
        for one, new in zip(
            (self.state, self.product, *self.own), (other.state, other.product, *other.own), strict=True
        ):
            one.mantissa[index], one.exponent[index] = new.mantissa, new.exponent


def power(piece: Piece, times: int) -> Piece:
    """Return a piece that ends where it began, so many times in a row.

    >>> half = Piece(ONE, SignedLog.from_float(0.5), (ONE,))
    >>> float(power(half, 1000).own[0].value), float(power(half, 100000).product.exponent)
    (2.0, -99999.0)
    """
    result, square = None, piece
    while times:
        if times % 2:
            result = square if result is None else result.then(square)
        times //= 2
        square = square.then(square) if times else square
    assert result is not None
    return result


def _same(a: SignedLog, b: SignedLog) -> NDArray[np.bool_]:
    return np.asarray((a.mantissa == b.mantissa) & (a.exponent == b.exponent))


@dataclass(frozen=True)
class Unlimited:
    """The derived steps of a scalar chain with an arithmetic whose numbers never leave their range."""

    steps: Steps
    arithmetic: Arithmetic
    points: Points

    def piece(self, state: SignedLog, index: Index, layers: Iterator[tuple[Map, int]]) -> Piece:
        """Carry some points through the layers, from an identity."""
        names, floats, n = self.steps.gradient.wrt, self.points.at(index), len(index)
        carried = Carried([state], {1: [self.arithmetic.one]}, [[self.arithmetic.zero] for _ in names], {})
        for layer, k in layers:
            step = self.steps.layers[layer]
            known: dict[Any, Any] = dict(zip(step.state, carried.state, strict=True))
            for name, symbol in zip(step.names, step.arguments, strict=True):
                known[symbol] = SignedLog.from_float(floats(name, k if name in layer.layered else None))
            numbers = structural(step, self.arithmetic.evaluate(step, known), self.arithmetic)
            advance(carried, step, numbers, self.arithmetic)

        def wide(number: SignedLog) -> SignedLog:
            whole = broadcast_to(number, (n,))
            return SignedLog(whole.mantissa.copy(), whole.exponent.copy())

        return Piece(wide(carried.state[0]), wide(carried.compounds[1][0]), tuple(wide(s) for (s,) in carried.first))

    def repeated(self, state: SignedLog, index: Index, body: Sequence[Map], times: int) -> Piece:
        """Carry points through equal applications, looking ever more seldom for those that have settled."""

        def layers(applications: int) -> Iterator[tuple[Map, int]]:
            return ((layer, 1) for _ in range(applications) for layer in body)

        rest = times % SPAN
        whole = self.piece(state, index, layers(rest))
        left, count, open_ = times // SPAN, 1, np.arange(len(index))
        while left and len(open_):
            count = min(count, left)
            if (times - rest) - left * SPAN + count * SPAN * len(body) > DEEPEST:
                raise InputError(
                    f"{len(open_)} point(s) leave float64 and have not settled within {DEEPEST} steps of {times}; "
                    "ask for a smaller depth, or for numbers of ordinary size"
                )
            here = whole.at(open_)
            if count > 1:
                here = here.then(self.piece(here.state, index[open_], layers((count - 1) * SPAN)))
            block = self.piece(here.state, index[open_], layers(SPAN))
            settled = _same(here.state, block.state) | np.isnan(block.state.mantissa)
            left -= count
            whole.put(open_, here.then(block))
            if left and settled.any():
                chosen = np.flatnonzero(settled)
                done = here.at(chosen).then(power(block.at(chosen), left + 1))
                whole.put(open_[chosen], done)
            open_, count = open_[~settled], 2 * count
        return whole

    def whole(self, chain: Composition, index: Index) -> Piece:
        """Carry points through a whole chain."""
        state = SignedLog.from_float(self.points.flat_start(index)[0])
        total: Piece | None = None
        for block in chain.blocks:
            if any(layer.layered for layer in block.body):
                one = self.piece(state, index, Composition((block,)).schedule())
            else:
                one = self.repeated(state, index, block.body, int(block.depth))
            total, state = one if total is None else total.then(one), one.state
        assert total is not None
        return total


def run_unlimited(steps: Steps, arithmetic: Arithmetic, chain: Composition, points: Points, index: Index) -> Stacked:
    """Return the results of some points of a scalar chain without derivatives by a value per layer."""
    wrt, n, state = steps.gradient.wrt, len(index), {s.name for s in chain.state}
    with np.errstate(all="ignore"):
        piece = Unlimited(steps, arithmetic, points).whole(chain, index)
        first = [[piece.product if name in state else q] for name, q in zip(wrt, piece.own, strict=True)]
        carried = Carried([piece.state], {1: [piece.product]}, first, {})
        loss: Sequence[Any] | None = None
        if steps.loss is not None:
            value: Callable[[str, int | None], Any] = points.at(index)
            known: dict[Any, Any] = {steps.loss.state[0]: piece.state}
            for name, symbol in zip(steps.loss.names, steps.loss.arguments, strict=True):
                known[symbol] = SignedLog.from_float(value(name, None))
            loss = arithmetic.evaluate(steps.loss, known)
        return Stacked.of(finish(carried, steps, arithmetic, loss), n)
