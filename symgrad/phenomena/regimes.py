"""Which regime each point of a sweep is in: exact where a multiplier is known, else measured over the layers computed.

A point is decided, in this order,

1. exactly (verdict proved), for the very floats of the grid, where every factor is the same known number a (compared
   exactly with 0 and ±1), where a bound of all factors is below 1, and where the start is exactly a fixed point;
2. by its rate log|product|/depth (verdict sampled): vanishing below -tolerance, exploding above tolerance, provided
   that |log|product|| is at least ``FAR`` nats, or that the second half of the layers went on in the same direction
   by a factor of 10 at least. A bounded transient or a power of the depth (x -> tanh x has product n**(-3/2)) does
   not, and stays undecided;
3. within the tolerance by its last factors (verdict sampled): constant or alternating where log|product| moved by
   less than ``SETTLED`` nats in the second half of the layers and every one of the last factors is as near to 1, or
   to -1; oscillating where the logarithms of the last factors repeat with sum 0, or only the sign moves.

Everything else is undecided. λ = 0 alone decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Regime, Sign
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import Outcome, Status
from symgrad.phenomena.fraction_ranges import Unknown
from symgrad.phenomena.point_statements import CODE, OPEN, REGIMES, PointStatements, exact_fraction, point_statements
from symgrad.phenomena.tails import (
    ORBITS,
    SETTLED,
    SHORTEST,
    SIGNS,
    UNMEASURED,
    Index,
    Orbit,
    applications,
    evaluate_prefix,
    measure,
    period_of,
    tail,
)
from symgrad.sweeps import Axis, Sweep

if TYPE_CHECKING:
    from symgrad.kernels import Kernel
    from symgrad.kernels.stored import StoredKernel
    from symgrad.phenomena.exact_curves import ExactRegime

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

TOLERANCE = 0.01
FAR = 40.0
DECISIVE = float(np.log(10.0))
CHUNK = 16384


@dataclass(frozen=True, eq=False)
class RegimeMap:
    """The regime of every point of a sweep.

    Parameters
    ----------
    codes : index into ``tuple(Regime)``, the shape of the grid
    proved : where the regime is proved, the same shape
    rate : log|product|/depth (largest singular value for several components), nats per step, the same shape
    tolerance : the rate in nats per step below which a rate decides nothing
    exact : regimes known by condition or equation, for the whole plane
    axes : the axes of the sweep, none for a bare outcome
    conflicts : where the layers computed show another regime than the one that is proved, the same shape
    overlays : exact bifurcation curves in the plane of the axes, where they were asked for
    """

    codes: Codes = field(repr=False)
    proved: NDArray[np.bool_] = field(repr=False)
    rate: Array = field(repr=False)
    tolerance: float
    exact: "tuple[ExactRegime, ...]" = ()
    axes: tuple[Axis, ...] = ()
    conflicts: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool), repr=False)
    overlays: tuple[Any, ...] = ()

    @property
    def disagreements(self) -> int:
        """How many points show another regime than the one proved for them; the proof stands, and both are told."""
        return int(self.conflicts.sum())

    @cached_property
    def regimes(self) -> NDArray[np.object_]:
        """The ``Regime`` of every point."""
        return np.array(REGIMES, dtype=object)[self.codes]

    @property
    def verdict(self) -> Verdict:
        """Proved if every point is, undecided if none is decided, else sampled."""
        if self.proved.all():
            return Verdict.PROVED
        return Verdict.UNDECIDED if np.all(self.codes == CODE[Regime.UNDECIDED]) else Verdict.SAMPLED

    def shares(self) -> dict[str, float]:
        """Return the share of each regime among the points, every regime's word included."""
        return {r.word: float(np.mean(self.codes == code)) for code, r in enumerate(REGIMES)}


@dataclass(frozen=True)
class PointRegime:
    """The regime of one point, with the facts beside it.

    Parameters
    ----------
    regime : what becomes of the product
    verdict : proved, sampled or undecided
    sign : what the sign of the partial products does over the last layers, None where it is not measured
    orbit : what the states do over the last layers, None where it is not measured
    period : the period of a cycle, 1 at a fixed point, None otherwise
    """

    regime: Regime
    verdict: Verdict
    sign: Sign | None
    orbit: Orbit | None
    period: int | None


def classify(subject: Sweep | Outcome, *, tolerance: float = TOLERANCE) -> RegimeMap:
    """Return the regime of every point of a sweep; the rules are at the head of this module.

    Parameters
    ----------
    subject : a sweep; a bare outcome is classified by its rates (and its trace, where it has one) alone
    tolerance : in nats per step, positive

    Examples
    --------
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> from symgrad.sweeps import sweep
    >>> from symgrad.symbols import n
    >>> line = sweep(to_kernel(Map("w*x + b", "x") ** n), Axis("w", -2, 2, 5), start=1, parameters={"b": 0}, depth=30)
    >>> regimes = classify(line)
    >>> [regime.word for regime in regimes.regimes], regimes.verdict.word
    (['exploding', 'alternating', 'zero', 'constant', 'exploding'], 'proved')
    >>> print(regimes.exact[2].condition)
    w = 1
    """
    _check_tolerance(tolerance)
    if isinstance(subject, Outcome):
        codes = _Sampling(subject, None, tolerance).codes()
        shape = subject.status.shape
        return RegimeMap(codes.reshape(shape), np.zeros(shape, dtype=bool), subject.rate, tolerance)
    if not isinstance(subject, Sweep):
        raise InputError(f"classify takes a sweep or an outcome, got {type(subject).__name__}; run sweep first")
    from symgrad.phenomena.multipliers import exact_codes

    exact = exact_codes(subject)
    proved = exact != OPEN
    codes = exact.reshape(-1).copy()
    sampled = _Sampling(subject.outcome, subject, tolerance).codes()
    places = np.flatnonzero(~proved)
    codes[places] = sampled[places]
    shape = subject.shape
    conflicts = _conflicts(codes, sampled).reshape(shape)
    statements = _statements(subject)
    return RegimeMap(codes.reshape(shape), proved, subject.outcome.rate, tolerance, statements, subject.axes, conflicts)


def _conflicts(stated: Codes, sampled: Codes) -> NDArray[np.bool_]:
    """Return where a sampled regime contradicts the stated one; an exact zero is a way to vanish."""
    silent = sampled == CODE[Regime.UNDECIDED]
    vanished = (stated == CODE[Regime.VANISHING]) & (sampled == CODE[Regime.ZERO])
    return np.asarray((stated != sampled) & ~silent & ~vanished)


def regime_of_outcome(
    outcome: Outcome,
    *,
    kernel: "Kernel | StoredKernel",
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int | None = None,
    tolerance: float = TOLERANCE,
    statements: PointStatements | None = None,
) -> PointRegime:
    """Return the regime of a single point, with what its sign and its orbit do.

    Parameters
    ----------
    outcome : what ``kernel`` returned for the other arguments, which are those of that call
    statements : what algebra says about the chain; derived from it if not given

    Raises
    ------
    NeedsAlgebra : a stored kernel, and the statements do not decide the point

    Examples
    --------
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> kernel = to_kernel(Map("r*x*(1 - x)", "x") ** n)
    >>> given = {"start": 0.3, "parameters": {"r": 2.5}, "depth": 200}
    >>> point = regime_of_outcome(kernel(0.3, {"r": 2.5}, depth=200), kernel=kernel, **given)
    >>> point.regime.word, point.verdict.word, point.sign.word, point.orbit.word
    ('vanishing', 'sampled', 'alternating', 'fixed point')
    """
    if outcome.status.size != 1:
        raise InputError(f"one point is needed, the outcome has {outcome.status.size}; classify a sweep instead")
    several = kernel.composition.dimension > 1
    components = tuple(start) if several else (start,)
    single = Sweep(kernel, (), components, dict(parameters or {}), depth, outcome)  # type: ignore[arg-type]
    _check_tolerance(tolerance)
    code = _proved_code(single, statements)
    verdict = Verdict.PROVED
    if code == OPEN:
        code = int(_Sampling(outcome, single, tolerance).codes()[0])
        verdict = Verdict.UNDECIDED if code == CODE[Regime.UNDECIDED] else Verdict.SAMPLED
    regime = REGIMES[code]
    if applications(single) is None:
        return PointRegime(regime, verdict, None, None, None)
    facts = measure(single, np.zeros(1, dtype=np.intp), tolerance=tolerance)
    sign, orbit, period = int(facts.sign[0]), ORBITS[int(facts.orbit[0])], int(facts.period[0])
    return PointRegime(regime, verdict, None if sign == UNMEASURED else SIGNS[sign], orbit, period or None)


def _check_tolerance(tolerance: float) -> None:
    if not isinstance(tolerance, float | int) or not 0 < tolerance < np.inf:
        raise InputError(f"tolerance must be positive, got {tolerance!r}; it is a rate in nats per step, e.g. 0.01")


def _proved_code(single: Sweep, given: PointStatements | None) -> int:
    """Return the code of the regime proved at the one point of a sweep without axes: by fractions, else by SymPy."""
    from symgrad.kernels.stored import NeedsAlgebra, StoredKernel

    kernel: Any = single.kernel
    chain = kernel.composition
    statements = point_statements(chain) if given is None else given
    point = {p.name: exact_fraction(single.parameters.get(p.name)) for p in chain.parameters}
    point |= {s.name: exact_fraction(v) for s, v in zip(chain.state, single.start, strict=True)}
    known = {name: value for name, value in point.items() if value is not None}
    if len(known) < len(point):
        return OPEN
    try:
        return statements.code(known, nonzero=bool(np.all(single.outcome.product.mantissa != 0)))
    except Unknown as unknown:
        if isinstance(kernel, StoredKernel):
            raise NeedsAlgebra(str(unknown)) from unknown
    from symgrad.phenomena.multipliers import exact_codes

    return int(exact_codes(single).reshape(-1)[0])


@dataclass(frozen=True)
class _Sampling:
    """The regimes that the layers computed show, point by point."""

    outcome: Outcome
    sweep: Sweep | None
    tolerance: float

    def codes(self) -> Codes:
        """Return the codes of all points, flat."""
        outcome = self.outcome
        growth, depth = outcome.growth[0].reshape(-1), outcome.depth
        lead = outcome.product.mantissa.ndim - outcome.status.ndim
        zero = np.all(outcome.product.mantissa == 0, axis=tuple(range(lead))).reshape(-1)
        known = np.isfinite(growth) & (outcome.status.reshape(-1) != Status.UNDEFINED) & ~zero
        with np.errstate(invalid="ignore"):
            steep = known & (np.abs(growth) > self.tolerance * depth)
        codes = np.where(zero, CODE[Regime.ZERO], CODE[Regime.UNDECIDED]).astype(np.int8)
        far = steep & (np.abs(growth) >= FAR)
        codes[far] = _direction(growth[far])
        near = np.flatnonzero(known & ~far)
        for index in np.array_split(near, max(1, -(-near.size // CHUNK))):
            if index.size:
                codes[index] = self._near(index, growth[index], steep[index])
        return codes

    def _near(self, index: Index, growth: Array, steep: NDArray[np.bool_]) -> Codes:
        """Decide points whose product is not far from 1 by what the second half of the layers did."""
        codes = np.full(index.size, CODE[Regime.UNDECIDED], dtype=np.int8)
        total = None if self.sweep is None else applications(self.sweep)
        if self.sweep is not None and total is not None:
            if total < 2:
                return codes
            half = total // 2
            drift = growth - evaluate_prefix(self.sweep, index, half).growth
        elif self.outcome.trace is not None:
            trace = self.outcome.trace.reshape(self.outcome.trace.shape[0], -1)[:, index]
            total, half = trace.shape[0], trace.shape[0] // 2
            drift = trace[half:].sum(axis=0)
        else:
            return np.where(steep, _direction(growth), codes).astype(np.int8)
        with np.errstate(invalid="ignore"):
            goes_on = (np.abs(drift) >= DECISIVE) & (np.abs(drift) > self.tolerance * (total - half))
            decided = steep & goes_on & (np.sign(drift) == np.sign(growth))
        codes[decided] = _direction(growth[decided])
        rest = np.flatnonzero(~decided & (np.abs(drift) < DECISIVE))
        if self.sweep is not None and total >= SHORTEST and rest.size:
            codes[rest] = _settled_codes(self.sweep, index[rest], drift[rest], total)
        return codes


def _direction(growth: Array) -> Codes:
    return np.where(growth > 0, CODE[Regime.EXPLODING], CODE[Regime.VANISHING]).astype(np.int8)


def _settled_codes(sweep: Sweep, index: Index, drift: Array, total: int) -> Codes:
    """Tell constant, alternating and oscillating products by their last factors."""
    if sweep.kernel.composition.dimension > 1:
        return _settled_matrices(sweep, index, drift, total)
    end = tail(sweep, index)
    with np.errstate(invalid="ignore"):
        quiet = (np.abs(drift) <= SETTLED) & (np.abs(end.logs).max(axis=0) <= SETTLED)
        period = period_of(end.logs, SETTLED)
        sums = np.zeros(index.size)
        for p in np.unique(period[period > 1]):
            sums = np.where(period == p, np.abs(end.logs[-p:].sum(axis=0)), sums)
        swings = (period > 1) & (sums <= SETTLED) & (np.abs(drift) <= np.abs(end.logs).sum(axis=0))
    conditions = [quiet & (end.signs > 0).all(axis=0), quiet & (end.signs < 0).all(axis=0), quiet | swings]
    choices = [CODE[r] for r in (Regime.CONSTANT, Regime.ALTERNATING, Regime.OSCILLATING)]
    return np.select(conditions, choices, CODE[Regime.UNDECIDED]).astype(np.int8)


def _settled_matrices(sweep: Sweep, index: Index, drift: Array, total: int) -> Codes:
    """Tell constant, alternating and oscillating products of matrices by their last two partial products."""
    last, before = evaluate_prefix(sweep, index, total), evaluate_prefix(sweep, index, total - 1)
    with np.errstate(all="ignore"):
        slack = SETTLED * np.abs(last.product).max(axis=0)
        quiet = (np.abs(drift) <= SETTLED) & (np.abs(last.growth - before.growth) <= SETTLED)
        stays = (np.abs(last.product - before.product) <= slack).all(axis=0)
        turns = (np.abs(last.product + before.product) <= slack).all(axis=0)
    choices = [CODE[r] for r in (Regime.CONSTANT, Regime.ALTERNATING, Regime.OSCILLATING)]
    return np.select([quiet & stays, quiet & turns, quiet], choices, CODE[Regime.UNDECIDED]).astype(np.int8)


def _statements(sweep: Sweep) -> "tuple[ExactRegime, ...]":
    """Return what algebra says about the whole plane, with the values that are not swept put in as decimals."""
    from symgrad.derivation import exact_regimes, one_block
    from symgrad.maps import Block, Composition, Map
    from symgrad.phenomena.exact_curves import ExactRegime

    chain = one_block(sweep.kernel.composition)
    if chain is None:
        return ()
    swept = {axis.name for axis in sweep.axes}
    known = {p: _decimal(sweep.parameters.get(p.name)) for p in chain.parameters if p.name not in swept}
    if None in known.values():
        return ()
    (state,) = chain.state
    block = chain.blocks[0]
    body = tuple(Map([e.xreplace(known) for e in layer.exprs], chain.state) for layer in block.body)
    start = state if state.name in swept else _decimal(sweep.start[0])
    found = exact_regimes(Composition((Block(body, block.depth),)), [start])
    return tuple(ExactRegime(statement, Verdict.PROVED, sweep.axes) for statement in found)


def _decimal(value: Any) -> Any:
    """Return a number as the decimal its shortest text states, None where it is none."""
    import sympy

    from symgrad.phenomena.multipliers import exact_number

    if isinstance(value, float | np.floating):
        return sympy.Rational(repr(float(value))) if np.isfinite(value) else None
    return exact_number(value)
