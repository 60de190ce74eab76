"""What a kernel returns: state, loss, product and gradient of every point, safe from overflow and underflow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.signed_log import LN2, SignedLog

Array = NDArray[np.float64]


class Status(IntEnum):
    """How the state of a point ended."""

    FINITE = 0
    DIVERGED = 1
    UNDEFINED = 2


@dataclass(frozen=True)
class Outcome:
    """The result of one kernel call; (…) is the broadcast shape of start and parameters, d the state's size.

    Parameters
    ----------
    state : the last state as float64, shape (d, …), read-only; ±inf where it left float64
    state_log : the last state, shape (d, …), also where it left float64
    loss : the loss, shape (…), or None without one
    product : the chain product dx_n/dx_0, shape (…) for d = 1, else (d, d, …), rows = new
    growth : natural logarithms of the product's singular values, largest first, shape (d, …)
    gradient : name → ∂loss/∂name, shape (…); without a loss ∂(last state)/∂name, shape (…) for d = 1, else (d, …);
        a parameter with a value per layer has the layer as its first axis, before that of the components
    hessian : (name, name) → second derivatives, as ``gradient``; empty unless asked for
    trace : log|factor| in nats of every layer, shape (layers, …), or None
    status : Status of each point, shape (…)
    depth : how often the chain was applied (layers, for chains of several blocks)
    backend : the backend that computed it
    digits : key → decimal strings of all digits asked for, or None
    settled : the share of the points whose orbit repeated and was finished in closed form, 0 to 1
    open_factor : the largest |product of a block of 12 applications| among orbits that did not settle, nan without any;
        for several components the largest Frobenius norm of such a product
    """

    state: Array
    state_log: SignedLog
    loss: SignedLog | None
    product: SignedLog
    growth: Array
    gradient: Mapping[str, SignedLog]
    hessian: Mapping[tuple[str, str], SignedLog]
    trace: Array | None
    status: NDArray[np.int8]
    depth: int
    backend: str
    digits: Mapping[str, str | list[str]] | None = None
    settled: float = 0.0
    open_factor: float = math.nan

    @property
    def rate(self) -> Array:
        """The largest growth rate, log(singular value)/depth, in nats per step, shape (…); -inf where it is zero."""
        return np.asarray(self.growth[0] / self.depth)


def growth_of(compounds: Mapping[int, SignedLog]) -> Array:
    """Return log singular values from the compound matrices of a product, largest first.

    The spectral norm of the p-th compound is σ_1⋯σ_p, so that each value keeps its relative accuracy however far
    the values lie apart (Horn & Johnson 1991, Topics in Matrix Analysis, sec. 3.1).

    Parameters
    ----------
    compounds : order p → the p-th compound, entries row-major, shape (C(d,p)², points)
    """
    sums = [_log_norm(compounds[order]) for order in sorted(compounds)]
    growth = [sums[0]]
    with np.errstate(invalid="ignore"):
        for larger, smaller in zip(sums[1:], sums, strict=False):
            growth.append(np.where(np.isneginf(larger), -np.inf, larger - smaller))
    return np.stack(growth)


def _log_norm(compound: SignedLog) -> Array:
    """Return the log spectral norm of matrices whose entries are stacked row-major on the first axis."""
    entries, points = compound.shape
    if entries == 1:
        return np.asarray(compound[0].log_abs)
    size = round(entries**0.5)
    filled = np.where(compound.mantissa != 0, compound.exponent, -np.inf)
    largest = filled.max(axis=0)
    scale = np.where(np.isfinite(largest), largest, 0.0)
    shift = np.clip(compound.exponent - scale, -4000, 0).astype(np.intc)
    floats = np.ldexp(compound.mantissa, shift)
    if size == 2:  # half the sum of the two hypotenuses: a rotation and a reflection make up the matrix
        a, b, c, d = floats
        norms = (np.hypot(a + d, b - c) + np.hypot(a - d, b + c)) / 2
    else:
        norms = _norms(floats.reshape(size, size, points).transpose(2, 0, 1))
    with np.errstate(divide="ignore"):
        return np.where(largest == np.inf, np.inf, np.log(norms) + scale * LN2)


def _norms(matrices: Array) -> Array:
    """Return the spectral norms of matrices of shape (points, size, size), nan where an entry is no number."""
    usable = np.isfinite(matrices).all(axis=(1, 2))
    norms = np.full(len(matrices), np.nan)
    if usable.any():
        norms[usable] = np.linalg.svd(matrices[usable], compute_uv=False)[:, 0]
    return norms
