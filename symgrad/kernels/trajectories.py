"""A single slow orbit, all its blocks at once: Newton's method on the trajectory instead of one block after another.

The unknowns are the states x_1 … x_N at the ends of N blocks, the equations x_(j+1) = F(x_j). Linearised they are an
affine recurrence (multiple shooting: Bellen & Zennaro 1989, J. Comput. Appl. Math. 25:341), so that each iteration
evaluates the block program once for all j. The solution is accepted only if every equation holds to rounding, and
another iteration brings it no nearer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.blocks import BlockProgram
from symgrad.kernels.orbits import LARGE, LOST, LOST_EXPONENT, Orbits
from symgrad.kernels.plans import Bound

Array = NDArray[np.float64]
ITERATIONS = 12
ROUNDING = 2e-14  # the roundings of a block, which its factors amplify
STAGNANT = 0.25
CHUNK = 512


def affine_recurrence(factors: Sequence[float], terms: Sequence[float], first: float) -> list[float]:
    """Return y_1 … y_N of y_(j+1) = factor_j y_j + term_j.

    >>> affine_recurrence([0.5, 2.0], [1.0, 0.0], 4.0)
    [3.0, 6.0]
    """
    found, value = [], first
    for factor, term in zip(factors, terms, strict=True):
        value = factor * value + term
        found.append(value)
    return found


def solve(bound: Bound, start: float, blocks: int) -> bool:
    """Find the trajectory of so many blocks from a start; afterwards ``bound`` holds every block's results."""
    program, ends = bound.program, np.full(blocks, start)
    (new,), (product, *_) = (bound.outputs(part) for part in (program.values, program.jacobian))
    size = np.inf
    for _ in range(ITERATIONS):
        bound.state[0] = start
        bound.state[1:] = ends[:-1]
        bound.run()
        residual = new - ends
        before, size = size, float(np.abs(residual).max())
        if not size < np.inf:
            return False
        if (np.abs(residual) <= ROUNDING * np.abs(ends)).all() and (size >= STAGNANT * before or size == 0.0):
            return True
        factors = np.broadcast_to(product, residual.shape).tolist()
        ends = ends + np.array(affine_recurrence(factors, residual.tolist(), 0.0))
    return False


def follow(block: BlockProgram, bound: Bound, orbit: Orbits, blocks: int) -> bool:
    """Carry one orbit through so many blocks at once, if its trajectory is found and stays within float64.

    An orbit that stays where it is, because float64 loses its slopes on the way, is flagged.
    """
    if orbit.scale[0] != 0.0 or orbit.flagged[0] or not solve(bound, float(orbit.state[0]), blocks):
        return False
    program = block.program
    (new,), (product, *_), own = (bound.outputs(part) for part in (program.values, program.jacobian, block.own))
    factors = np.broadcast_to(product, blocks)
    mantissas, powers = np.frexp(factors)
    if (mantissas == 0.0).any() or powers.min() < LOST_EXPONENT:
        return False
    slopes = [_last(factors, added, float(row[0])) for row, added in zip(orbit.slopes, own, strict=True)]
    if not all(LOST < abs(s) < LARGE or s == 0.0 for s in slopes):
        orbit.flagged[0] = any(0.0 < abs(s) <= LOST for s in slopes)
        return False
    mantissa, exponent = float(orbit.mantissa[0]), float(orbit.exponent[0]) + float(powers.sum())
    for first in range(0, blocks, CHUNK):
        mantissa, more = np.frexp(mantissa * np.multiply.reduce(mantissas[first : first + CHUNK]))
        exponent += float(more)
    orbit.state[0], orbit.mantissa[0], orbit.exponent[0] = new[-1], mantissa, exponent
    orbit.slopes[:, 0] = slopes
    return True


def _last(factors: Array, added: Any, first: float) -> float:
    terms = np.broadcast_to(added, factors.shape)
    return affine_recurrence(factors.tolist(), terms.tolist(), first)[-1]
