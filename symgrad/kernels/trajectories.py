"""Slow orbits, all their blocks at once: Newton's method on the trajectory instead of one block after another.

The unknowns are the states x_1 … x_N at the ends of N blocks, the equations x_(j+1) = F(x_j). Linearised they are an
affine recurrence (multiple shooting: Bellen & Zennaro 1989, J. Comput. Appl. Math. 25:341), so that each iteration
evaluates the block program once for all j. The solution is accepted only if every equation holds to rounding, and
another iteration brings it no nearer.
"""

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.blocks import BlockProgram
from symgrad.kernels.orbits import LARGE, LOST, LOST_EXPONENT, Orbits
from symgrad.kernels.plans import Bound

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
ITERATIONS = 12
ROUNDING = 2e-14  # the roundings of a block, which its factors amplify
STAGNANT = 0.25
CHUNK = 512
SEVERAL = 24  # from so many orbits on, a loop over blocks is shorter on arrays than on numbers


def affine_recurrence(factors: Array, terms: Array, first: Array) -> Array:
    """Return y_1 … y_N of y_(j+1) = factor_j y_j + term_j, shape (N, orbits) like factors and terms.

    >>> affine_recurrence(np.array([[0.5], [2.0]]), np.array([[1.0], [0.0]]), np.array([4.0])).tolist()
    [[3.0], [6.0]]
    """
    found = np.empty(factors.shape)
    if factors.shape[1] >= SEVERAL:
        value = first
        for j in range(len(factors)):
            value = np.add(factors[j] * value, terms[j], out=found[j])
        return found
    for i in range(factors.shape[1]):
        column, number = [], float(first[i])
        for factor, term in zip(factors[:, i].tolist(), terms[:, i].tolist(), strict=True):
            number = factor * number + term
            column.append(number)
        found[:, i] = column
    return found


def solve(bound: Bound, start: Array, blocks: int) -> Mask:
    """Find the trajectories of so many blocks from some starts; afterwards ``bound`` holds every block's results.

    The points of ``bound`` are blocks and orbits, shape (blocks, orbits). Returns whose trajectory was found.
    """
    program, shape = bound.program, (blocks, len(start))
    ends, state = np.broadcast_to(start, shape).copy(), bound.state.reshape(shape)
    (new,), (product, *_) = (bound.outputs(part) for part in (program.values, program.jacobian))
    new, product = (np.broadcast_to(one, blocks * len(start)).reshape(shape) for one in (new, product))
    size, found, lost = np.full(len(start), np.inf), np.zeros(len(start), bool), np.zeros(len(start), bool)
    for _ in range(ITERATIONS):
        state[0], state[1:] = start, ends[:-1]
        bound.run()
        residual = new - ends
        before, size = size, np.abs(residual).max(axis=0)
        lost |= ~(size < np.inf) & ~found
        holds = (np.abs(residual) <= ROUNDING * np.abs(ends)).all(axis=0)
        found |= holds & ((size >= STAGNANT * before) | (size == 0.0)) & ~lost
        going = np.flatnonzero(~found & ~lost)
        if not len(going):
            break
        step = affine_recurrence(product[:, going], residual[:, going], np.zeros(len(going)))
        ends[:, going] += step
    return found


def follow(block: BlockProgram, bound: Bound, orbits: Orbits, blocks: int) -> Mask:
    """Carry orbits through so many blocks at once, if their trajectories are found and stay within float64.

    An orbit that stays where it is, because float64 loses its slopes on the way, is flagged. Returns who was carried.
    """
    program, shape = block.program, (blocks, len(orbits.state))
    found: Mask = solve(bound, orbits.state, blocks) & (orbits.scale == 0.0) & ~orbits.flagged
    new, product, *own = (
        np.broadcast_to(one, blocks * shape[1]).reshape(shape)
        for one in bound.outputs((*program.values, program.jacobian[0], *block.own))
    )
    mantissas, powers = np.frexp(product)
    found &= (mantissas != 0.0).all(axis=0) & (powers.min(axis=0) >= LOST_EXPONENT)
    slopes = np.empty(orbits.slopes.shape)
    for i, added in enumerate(own):
        slopes[i] = affine_recurrence(product, added, orbits.slopes[i])[-1]
    size = np.abs(slopes)
    held = ((size > LOST) & (size < LARGE)) | (size == 0.0)
    orbits.flagged |= found & ((size > 0.0) & (size <= LOST)).any(axis=0)
    found &= held.all(axis=0)
    mantissa, exponent = orbits.mantissa.copy(), orbits.exponent + powers.sum(axis=0)
    for first in range(0, blocks, CHUNK):
        mantissa, more = np.frexp(mantissa * np.multiply.reduce(mantissas[first : first + CHUNK], axis=0))
        exponent = exponent + more
    chosen = np.flatnonzero(found)
    orbits.state[chosen], orbits.mantissa[chosen] = new[-1, chosen], mantissa[chosen]
    orbits.exponent[chosen], orbits.slopes[:, chosen] = exponent[chosen], slopes[:, chosen]
    return found
