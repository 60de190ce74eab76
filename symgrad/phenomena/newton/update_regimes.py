"""Newton's steps, gradient steps and recurrent layers in one table of regimes: the product of the derivatives along x.

All are maps that are iterated, so that the product ∏ N'(x_k) along an orbit has one of the same regimes, whatever the
map stands for. It says what becomes of a small change of the start: forgotten (vanishing), kept, or blown up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symgrad.derivation import Regime
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import to_kernel
from symgrad.maps import Map, to_text
from symgrad.phenomena.newton.orbits import Fate, NewtonOrbit, newton_orbit
from symgrad.phenomena.regimes import regime_of_outcome
from symgrad.symbols import n

STEPS = 1000
LONGEST_EXACT = 8
LARGEST_EXACT = 400
HEADINGS = ("update", "map", "start", "orbit", "regime of the product", "nats per step", "rests on")


@dataclass(frozen=True)
class UpdateRegime:
    """The regime of the product of an update's derivatives along one orbit.

    Parameters
    ----------
    name : what the update is called
    update : the map
    start : where the orbit begins
    regime : what becomes of the product
    rate : in nats per step; -inf towards a superattracting point, where the product vanishes faster than any power
    verdict : what the regime rests on
    orbit : the orbit of a scalar update, None for several components
    orbit_word : what the states do, in one or two words
    """

    name: str
    update: Map
    start: Any
    regime: Regime
    rate: float
    verdict: Verdict
    orbit: NewtonOrbit | None
    orbit_word: str

    def row(self) -> tuple[str, ...]:
        """Return one row of a table, under ``HEADINGS``."""
        maps = "; ".join(to_text(e) for e in self.update.exprs)
        rate = "−∞" if self.rate == -math.inf else f"{self.rate + 0.0:.4g}"
        return self.name, maps, str(self.start), self.orbit_word, self.regime.word, rate, self.verdict.word


def regime_of_update(
    name: str,
    update: Map,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    steps: int = STEPS,
) -> UpdateRegime:
    """Return the regime of the product of derivatives of an update, or of any layer that is repeated.

    Parameters
    ----------
    name : what to call it
    update : a real map of one or several components
    start : the start, a number or one for each component
    parameters : name → number
    steps : how many steps are followed, at most

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> found = regime_of_update("Newton, no root", newton("x**2 + 1", "x"), 0.7)
    >>> found.regime.word, found.orbit.fate.word, abs(found.rate - math.log(2)) < 0.02
    ('exploding', 'undecided', True)
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 16:
        raise InputError(f"steps must be a whole number from 16 on, got {steps!r}; give e.g. 1000")
    orbit = newton_orbit(update, start, steps, parameters=parameters) if update.dimension == 1 else None
    if orbit is not None and (settled := _by_the_orbit(update, start, parameters, orbit)) is not None:
        regime, verdict = settled
        return UpdateRegime(name, update, start, regime, orbit.rate, verdict, orbit, _word(orbit))
    kernel = to_kernel(update**n)
    outcome = kernel(start, parameters, depth=steps)
    point = regime_of_outcome(outcome, kernel=kernel, start=start, parameters=parameters, depth=steps)
    rate = float(outcome.rate) if orbit is None else orbit.rate
    seen = point.orbit.word if point.orbit is not None else "unsettled"
    decided = orbit is not None and orbit.fate not in (Fate.UNDECIDED, Fate.SINGULAR)
    word = _word(orbit) if decided and orbit is not None else seen
    return UpdateRegime(name, update, start, point.regime, rate, point.verdict, orbit, word)


def _by_the_orbit(
    update: Map, start: Any, parameters: Mapping[str, Any] | None, orbit: NewtonOrbit
) -> tuple[Regime, Verdict] | None:
    """Return what the attractor alone settles, None where the kernel has to decide."""
    if orbit.fate is Fate.SINGULAR:
        return Regime.UNDECIDED, Verdict.UNDECIDED
    if orbit.domain == "complex" or orbit.attractor is None:
        return None
    if orbit.attractor.size == 0:
        exact = _meets_a_critical_point(update, start, parameters)
        return (Regime.ZERO, Verdict.PROVED) if exact else (Regime.VANISHING, Verdict.SAMPLED)
    return None


def _meets_a_critical_point(update: Map, start: Any, parameters: Mapping[str, Any] | None) -> bool:
    """Whether N' is exactly 0 at one of the first points of the orbit, in exact arithmetic."""
    (state,) = update.state
    given = {str(name): value for name, value in (parameters or {}).items()}
    try:
        known = {p: sympy.Rational(str(given[p.name])) for p in update.parameters}
        here: Any = sympy.Rational(str(start))
        for _ in range(LONGEST_EXACT):
            at = {**known, state: here}
            if update.jacobian[0][0].xreplace(at) == 0:
                return True
            here = update.expr.xreplace(at)
            if not here.is_Rational or len(str(here)) > LARGEST_EXACT:
                return False
    except (TypeError, ValueError):
        return False
    return False


def _word(orbit: NewtonOrbit) -> str:
    if orbit.fate is Fate.CYCLE:
        return f"{orbit.attractor.kind if orbit.attractor else ''} cycle of {orbit.period}".strip()
    if orbit.fate is Fate.CONVERGED and orbit.attractor is not None:
        return f"{orbit.attractor.kind} fixed point"
    return orbit.fate.word


def update_regimes(
    rows: Sequence[tuple[str, Map, Any, Mapping[str, Any] | None]], *, steps: int = STEPS
) -> tuple[UpdateRegime, ...]:
    """Return the regimes of several updates and layers, in one vocabulary.

    Parameters
    ----------
    rows : (name, map, start, parameters) of each
    steps : how many steps of each are followed, at most

    Examples
    --------
    >>> from symgrad.derivation import gradient_step, newton
    >>> table = update_regimes([
    ...     ("Newton", newton("x**3 - 2*x + 2", "x"), 0, None),
    ...     ("gradient", gradient_step("x**2", "x"), 1, {"eta": 1.5}),
    ...     ("layer", Map("tanh(w*x)", "x"), 1, {"w": 0.5}),
    ... ])
    >>> [(entry.name, entry.regime.word, entry.verdict.word) for entry in table]
    [('Newton', 'zero', 'proved'), ('gradient', 'exploding', 'proved'), ('layer', 'vanishing', 'proved')]
    """
    return tuple(regime_of_update(name, update, start, given, steps=steps) for name, update, start, given in rows)
