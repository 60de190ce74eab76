"""Orbits in arithmetic with unlimited exponents: slow, but orbits that repeat bit for bit are finished at once.

After a state has repeated over twelve applications, the affine map s -> P s + Q of those twelve is raised to the
power that remains by repeated squaring.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.decays import decay_of, dwindles
from symgrad.kernels.fold import Arithmetic, Carried, advance, initial, structural
from symgrad.kernels.points import Points
from symgrad.kernels.powers import power
from symgrad.kernels.results import finish
from symgrad.kernels.signed_log import SignedLog, add, broadcast_to, multiply
from symgrad.kernels.since import Since
from symgrad.kernels.stacking import Stacked
from symgrad.kernels.steps import Steps
from symgrad.maps import Composition, Map

Index = NDArray[np.intp]
SPAN = 12
DEEPEST = 1_000_000
ZERO, ONE = SignedLog.from_float(0.0), SignedLog.from_float(1.0)


Numbers: TypeAlias = tuple[SignedLog, ...]


def _matrix_product(a: Numbers, b: Numbers) -> Numbers:
    """Return the product of two square matrices, row-major."""
    size = round(len(a) ** 0.5)
    rows = range(size)
    return tuple(reduce(add, (multiply(a[i * size + m], b[m * size + j]) for m in rows)) for i in rows for j in rows)


@dataclass(frozen=True)
class Piece:
    """What a piece of a chain does to its points: the last state, and s -> product·s + own for each name.

    Parameters
    ----------
    state : the components of the last state
    compounds : order → the compound matrix of the product, row-major; the first is the product itself
    own : the components of what is added, for each name
    """

    state: Numbers
    compounds: Mapping[int, Numbers]
    own: tuple[Numbers, ...]

    def then(self, later: "Piece") -> "Piece":
        """Return this piece followed by a later one."""
        compounds = {order: _matrix_product(b, self.compounds[order]) for order, b in later.compounds.items()}
        product, rows = later.compounds[1], range(len(self.state))
        own = tuple(
            tuple(reduce(add, (multiply(product[i * len(q) + j], q[j]) for j in rows), r[i]) for i in rows)
            for q, r in zip(self.own, later.own, strict=True)
        )
        return Piece(later.state, compounds, own)

    @property
    def numbers(self) -> Numbers:
        """Every number in one row."""
        groups = (self.state, *self.compounds.values(), *self.own)
        return tuple(number for group in groups for number in group)

    def at(self, index: Any) -> "Piece":
        """Return some of the points."""
        compounds = {order: tuple(c[index] for c in compound) for order, compound in self.compounds.items()}
        own = tuple(tuple(q[index] for q in column) for column in self.own)
        return Piece(tuple(s[index] for s in self.state), compounds, own)

    def put(self, index: Any, other: "Piece") -> None:
        """Write points back."""
        for one, new in zip(self.numbers, other.numbers, strict=True):
            one.mantissa[index], one.exponent[index] = new.mantissa, new.exponent


def _settled(before: Numbers, after: Numbers) -> NDArray[np.bool_]:
    """Return where every component repeats, or one is undefined and stays so."""
    same = [(a.mantissa == b.mantissa) & (a.exponent == b.exponent) for a, b in zip(before, after, strict=True)]
    return np.asarray(np.all([s | np.isnan(b.mantissa) for s, b in zip(same, after, strict=True)], axis=0))


@dataclass(frozen=True)
class Unlimited:
    """The derived steps of a chain with an arithmetic whose numbers never leave their range."""

    steps: Steps
    arithmetic: Arithmetic
    points: Points

    def piece(self, state: Numbers, index: Index, layers: Iterator[tuple[Map, int]]) -> Piece:
        """Carry some points through the layers, from an identity."""
        names, floats, n = self.steps.gradient.wrt, self.points.at(index), len(index)
        carried = initial(state, self.steps.gradient, self.arithmetic)
        carried.second = {}
        carried.first = [[self.arithmetic.zero] * len(state) for _ in names]
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

        compounds = {order: tuple(wide(c) for c in compound) for order, compound in carried.compounds.items()}
        own = tuple(tuple(wide(s) for s in column) for column in carried.first)
        return Piece(tuple(wide(s) for s in carried.state), compounds, own)

    def repeated(self, state: Numbers, index: Index, body: Sequence[Map], times: int) -> Piece:
        """Carry points through equal applications, looking ever more seldom for those that have settled or die away."""

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
            settled = _settled(here.state, block.state)
            left -= count
            whole.put(open_, here.then(block))
            if left and settled.any():
                chosen = np.flatnonzero(settled)
                done = here.at(chosen).then(power(block.at(chosen), left + 1))
                whole.put(open_[chosen], done)
            if left and len(state) == 1:
                chosen = np.flatnonzero(~settled & dwindles(here.state[0], block.state[0]))
                some, where = block.at(chosen), index[open_[chosen]]
                dying, holds = self._dying(here.at(chosen).state, some, where, layers(SPAN), left)
                whole.put(open_[chosen[holds]], here.at(chosen[holds]).then(some.at(holds)).then(dying))
                settled[chosen[holds]] = True
            open_, count = open_[~settled], 2 * count
        return whole

    def _dying(
        self, before: Numbers, block: Piece, index: Index, later: Iterator[tuple[Map, int]], left: int
    ) -> tuple[Piece, Index]:
        """Return what is left of orbits that a block takes to ``block.state``, and which of them die away linearly."""
        after = self.piece(block.state, index, later)
        states = before[0], block.state[0], after.state[0]
        factors = [(one.compounds[1][0], [q for (q,) in one.own]) for one in (block, after)]
        law, holds = decay_of(states, *zip(*factors, strict=True))
        chosen = np.flatnonzero(holds)
        rest = power(law.at(chosen), left)
        x = block.state[0][chosen]
        own = tuple((add(multiply(a, x), b),) for a, b in zip(rest.slopes, rest.constants, strict=True))
        return Piece((multiply(rest.factor, x),), {1: (rest.factor,)}, own), chosen

    def whole(self, chain: Composition, index: Index) -> Piece:
        """Carry points through a whole chain."""
        state: Numbers = tuple(SignedLog.from_float(s) for s in self.points.flat_start(index))
        total: Piece | None = None
        for block in chain.blocks:
            if any(layer.layered for layer in block.body):
                one = self.piece(state, index, Composition((block,)).schedule())
            else:
                one = self.repeated(state, index, block.body, int(block.depth))
            total, state = one if total is None else total.then(one), one.state
        assert total is not None
        return total

    def ended(self, chain: Composition, index: Index, since: Since) -> Piece:
        """Carry some points on from where float64 left them."""
        zero = SignedLog.from_float(np.zeros(len(index)))
        own = tuple((since.own.get(name, zero),) for name in self.steps.gradient.wrt)
        begun = Piece((since.state,), {1: (since.product,)}, own)
        if not since.left:
            return begun
        return begun.then(self.repeated(begun.state, index, chain.blocks[0].body, since.left))


def run_unlimited(
    steps: Steps,
    arithmetic: Arithmetic,
    chain: Composition,
    points: Points,
    index: Index,
    since: Since | None = None,
) -> Stacked:
    """Return the results of some points of a chain without derivatives by a value per layer.

    Parameters
    ----------
    since : where float64 left them, in a chain of one component and one block
    """
    wrt, n, state = steps.gradient.wrt, len(index), [s.name for s in chain.state]
    with np.errstate(all="ignore"):
        run = Unlimited(steps, arithmetic, points)
        piece = run.whole(chain, index) if since is None else run.ended(chain, index, since)
        columns = {name: list(piece.compounds[1][i :: len(state)]) for i, name in enumerate(state)}
        first = [columns.get(name, list(q)) for name, q in zip(wrt, piece.own, strict=True)]
        compounds = {order: list(compound) for order, compound in piece.compounds.items()}
        carried = Carried(list(piece.state), compounds, first, {})
        loss: Sequence[Any] | None = None
        if steps.loss is not None:
            value: Callable[[str, int | None], Any] = points.at(index)
            known: dict[Any, Any] = dict(zip(steps.loss.state, piece.state, strict=True))
            for name, symbol in zip(steps.loss.names, steps.loss.arguments, strict=True):
                known[symbol] = SignedLog.from_float(value(name, None))
            loss = arithmetic.evaluate(steps.loss, known)
        return Stacked.of(finish(carried, steps, arithmetic, loss), n)
