"""The fold behind Newton's step of a composition: state, product and relative curvature in float64, exponents beside.

With P_k = ∏_{j<=k} f_j' the relative curvature is a plain sum, F''/F' = Σ_k (f_k''/f_k') P_{k-1}, in which nothing
overflows that is not meant to: product and sum each carry a power of two. Points that float64 cannot carry — a factor
or a residual that underflows, a state that overflows — are flagged, and left to the arithmetic with unlimited
exponents.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.floats import CHECK, LARGE, LOST, SMALL, CompiledStep
from symgrad.kernels.kernel import Kernel
from symgrad.kernels.signed_log import SignedLog
from symgrad.maps import Map

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FURTHEST = 2000.0


@dataclass
class NewtonFold:
    """What travels with the state of some points, all of shape (points,).

    Parameters
    ----------
    state : x_k
    product : P_k · 2**-product_exponent
    curvature : the sum of the relative curvature so far · 2**-curvature_exponent
    flagged : where float64 has lost the point
    dead : where a factor was exactly 0
    """

    state: Array
    product: Array
    product_exponent: Array
    curvature: Array
    curvature_exponent: Array
    flagged: Mask
    dead: Mask

    @classmethod
    def of(cls, start: Array) -> "NewtonFold":
        """Return the fold before its first layer."""
        zeros, none = np.zeros(start.shape), np.zeros(start.shape, dtype=bool)
        return cls(start, np.ones(start.shape), zeros, zeros.copy(), zeros.copy(), none, none.copy())

    def advance(self, value: Any, slope: Any, bend: Any, zeros_exact: bool) -> None:
        """Add one layer: f, f' and f'' at the state that enters it."""
        if not (isinstance(bend, float) and bend == 0.0):
            self._add(np.where(self.dead, 0.0, bend / np.where(slope == 0.0, 1.0, slope)) * self.product)
        self.product = self.product * slope
        self.state = np.broadcast_to(np.asarray(value, dtype=np.float64), self.product.shape)
        size = np.abs(slope)
        lost = ~np.isfinite(size) | (size < LOST)
        if zeros_exact:
            self.dead = self.dead | (size == 0.0)
            lost &= size != 0.0
        self.flagged = self.flagged | lost

    def _add(self, term: Array) -> None:
        fresh = (self.curvature == 0.0) & (term != 0.0)
        shift = np.clip(self.product_exponent - self.curvature_exponent, -FURTHEST, FURTHEST)
        shifted = np.ldexp(term, np.where(fresh, 0.0, shift).astype(np.intc))
        self.curvature_exponent = np.where(fresh, self.product_exponent, self.curvature_exponent)
        self.curvature = self.curvature + shifted

    def rescale(self) -> None:
        """Bring product and curvature back to a middling size, and flag states and sums that are no floats."""
        self.flagged = self.flagged | ~np.isfinite(self.state) | ~np.isfinite(self.curvature)
        self.product, self.product_exponent = _middling(self.product, self.product_exponent)
        self.curvature, self.curvature_exponent = _middling(self.curvature, self.curvature_exponent)


def _middling(values: Array, exponent: Array) -> tuple[Array, Array]:
    size = np.abs(values)
    off = np.isfinite(size) & (size > 0.0) & ((size > LARGE) | (size < SMALL))
    if not off.any():
        return values, exponent
    mantissa, powers = np.frexp(values)
    return np.where(off, mantissa, values), np.where(off, exponent + powers, exponent)


def _bend_of(compiled: CompiledStep, numbers: list[Any]) -> tuple[Any, Any, Any]:
    values, jacobian, _, second = compiled.step.split(numbers)
    return values[0], jacobian[0], second[0]


def fold_newton(
    kernel: Kernel, start: Array, values: Callable[[str, int | None], Any], schedule: Iterable[tuple[Map, int]]
) -> tuple[NewtonFold, SignedLog]:
    """Carry some points through the schedule; return the fold and the residual, the loss of the kernel.

    Parameters
    ----------
    kernel : of a scalar composition with second derivatives
    start : shape (points,)
    values : (name, layer or None) → value
    """
    fold = NewtonFold.of(np.array(start, dtype=np.float64))
    zeros_exact = all(step.zeros_exact for step in kernel.compiled.values())
    loss = kernel.compiled_loss
    assert loss is not None
    with np.errstate(all="ignore"):
        for count, (layer, k) in enumerate(schedule, start=1):
            compiled = kernel.compiled[layer]
            arguments = [values(name, k if name in layer.layered else None) for name in compiled.step.names]
            fold.advance(*_bend_of(compiled, compiled([fold.state], arguments)), zeros_exact)
            if count % CHECK == 0:
                fold.rescale()
        fold.rescale()
        residual = loss([fold.state], [values(name, None) for name in loss.step.names])[0]
        residual = np.broadcast_to(np.asarray(residual, dtype=np.float64), fold.state.shape)
        faint = (np.abs(fold.state) < LOST) & (fold.state != np.asarray(start)) & (np.abs(residual) < LOST)
        fold.flagged = fold.flagged | ~np.isfinite(residual) | faint
    return fold, SignedLog.from_float(residual)
