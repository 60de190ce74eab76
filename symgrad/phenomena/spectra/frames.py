"""Tangent frames carried along an orbit, orthonormalised when the columns have spread, never after a fixed count.

A product of Jacobians turns all columns towards the fastest direction, and Gram–Schmidt recovers the slower ones from
what is left of them. The share that is left, r_jj/‖z_j‖, is measured at every orthonormalisation; where the loss
‖z_j‖/r_jj exceeds ``LIMIT`` the stretch is run again in shorter pieces. So every exponent, the smallest too, keeps
about ten digits (Benettin et al. 1980, Meccanica 15:9; Dieci & Van Vleck 1995, Appl. Numer. Math. 17:275).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.spectra.jacobians import Array, Jacobian, applied, identity

LIMIT = 1e6
FAR = 120.0
LARGE = 16
LONGEST = 4096
EPSILON = float(np.finfo(float).eps)


def orthonormalised(tangents: Array) -> tuple[Array, Array, Array]:
    """Return an orthonormal frame of the columns, the positive diagonal of R and the loss ‖z_j‖/r_jj.

    Parameters
    ----------
    tangents : shape (d, c, points); overwritten for small d

    Returns
    -------
    frame (d, c, points), diagonal (c, points) and loss (c, points); what overflowed is not finite

    Examples
    --------
    >>> z = np.array([[3.0, 3.0], [0.0, 1e-3]])[:, :, None]
    >>> frame, diagonal, loss = orthonormalised(z)
    >>> diagonal.ravel().tolist(), loss.ravel().round(0).tolist()
    ([3.0, 0.001], [1.0, 3000.0])
    """
    with np.errstate(all="ignore"):
        if tangents.shape[0] < LARGE:
            return _gram_schmidt(tangents)
        lengths = np.sqrt((tangents * tangents).sum(axis=0))
        frame, diagonal, _ = householder(tangents)
        return frame, diagonal, np.where(lengths == 0, np.inf, lengths / diagonal)


def _gram_schmidt(tangents: Array) -> tuple[Array, Array, Array]:
    """Orthonormalise in place, column by column, the later columns freed of each new one at once."""
    columns, points = tangents.shape[1:]
    diagonal, squares = np.empty((columns, points)), np.zeros((columns, points))
    for j in range(columns):
        column = tangents[:, j]
        size = np.einsum("ip,ip->p", column, column)
        np.sqrt(size, out=diagonal[j])
        squares[j] += size
        column *= 1 / diagonal[j]
        if j + 1 < columns:
            rest = tangents[:, j + 1 :]
            shares = np.einsum("ip,icp->cp", column, rest)
            rest -= column[:, None, :] * shares
            squares[j + 1 :] += shares * shares
    return tangents, diagonal, np.where(squares == 0, np.inf, np.sqrt(squares) / diagonal)


def graded_qr(columns: Array) -> tuple[Array, Array, Array]:
    """Return Q (rows, r, points), R (r, c, points) and what share of its row each r_jj has kept, (r, points).

    Columns are brought to size 1 and rows sorted by size first, so that rows of very different sizes, as saturated
    units have, keep their relative accuracy (Cox & Higham 1998, BIT 38:487).

    Examples
    --------
    >>> z = np.array([[1.0, 1.0], [1e-20, -1e-20]])[:, :, None]
    >>> frame, upper, share = graded_qr(z)
    >>> abs(upper[1, 1]).tolist(), share.round(12).tolist()
    ([2e-20], [[1.0], [2.0]])
    """
    sizes = np.abs(columns).max(axis=0)
    safe = np.where(np.isfinite(sizes) & (sizes > 0), sizes, 1.0)
    scaled = np.where(np.isfinite(columns), columns, 0.0) / safe
    heights = np.abs(scaled).max(axis=1)
    order = np.argsort(-heights, axis=0, kind="stable")
    scaled = np.take_along_axis(scaled, order[:, None, :], axis=0)
    frame, upper = np.linalg.qr(np.moveaxis(scaled, -1, 0))
    back = np.argsort(order, axis=0)
    frame = np.take_along_axis(np.moveaxis(frame, 0, -1), back[:, None, :], axis=0)
    upper = np.moveaxis(upper, 0, -1)
    sorted_heights = np.take_along_axis(heights, order, axis=0)[: len(upper)]
    corner = np.abs(upper[np.arange(len(upper)), np.arange(len(upper))])
    share = corner / np.where(sorted_heights > 0, sorted_heights, 1.0)
    return frame, upper * safe, np.where(share > 4 * len(columns) * EPSILON, share, 0.0)


def householder(tangents: Array) -> tuple[Array, Array, Array]:
    """Orthonormalise by LAPACK; the frame is orthonormal whatever the columns.

    Parameters
    ----------
    tangents : shape (d, c, points)

    Returns
    -------
    frame (d, c, points), the diagonal of R made positive (c, points), nan where a column is not finite, and the share
    of ``graded_qr``
    """
    frame, upper, share = graded_qr(tangents)
    corner = upper[np.arange(len(upper)), np.arange(len(upper))]
    frame *= np.where(corner < 0, -1.0, 1.0)
    diagonal = np.where(share > 0, np.abs(corner), 0.0)
    return frame, np.where(np.isfinite(tangents).all(axis=0), diagonal, np.nan), share


@dataclass
class TangentFrame:
    """An orthonormal frame at each point, with the logarithms of what Gram–Schmidt has measured so far.

    Parameters
    ----------
    frame : shape (d, d, points)
    logs : sums of log r_jj since the last ``take``, in nats, shape (d, points); -inf where a direction is lost
    lost : directions that the product has annihilated, to double precision, shape (d, points)
    broken : points where a Jacobian was not finite, shape (points,)
    rounding : bound of the rounding that Gram–Schmidt has added to each sum, in nats, shape (d, points)
    stride : how many steps are now taken between two orthonormalisations
    count : how many orthonormalisations there were
    """

    frame: Array
    logs: Array = field(init=False)
    lost: NDArray[np.bool_] = field(init=False)
    broken: NDArray[np.bool_] = field(init=False)
    rounding: Array = field(init=False)
    stride: int = 1
    count: int = 0
    _tangents: Array = field(init=False)
    _pending: list[Sequence[Jacobian]] = field(default_factory=list)

    def __post_init__(self) -> None:
        d, _, points = self.frame.shape
        self.logs, self.rounding = np.zeros((d, points)), np.zeros((d, points))
        self.lost, self.broken = np.zeros((d, points), dtype=bool), np.zeros(points, dtype=bool)
        self._tangents = self.frame

    @classmethod
    def unit(cls, dimension: int, points: int) -> "TangentFrame":
        """Return the unit frame at every point."""
        return cls(identity(dimension, points))

    def push(self, factors: Sequence[Jacobian]) -> None:
        """Multiply the frame by the Jacobians of one step."""
        with np.errstate(all="ignore"):
            self._tangents = applied(factors, self._tangents)
        self._pending.append(factors)
        if len(self._pending) >= self.stride:
            self.settle()

    def take(self) -> Array:
        """Return the sums of logarithms since the last call, shape (d, points), and begin new ones."""
        self.settle()
        taken = np.where(self.broken, np.nan, np.where(self.lost, -np.inf, self.logs))
        self.logs = np.zeros_like(self.logs)
        return taken

    def settle(self) -> None:
        """Orthonormalise what is pending, in shorter pieces where its columns have spread too far."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        frame, diagonal, loss = orthonormalised(self._tangents)
        with np.errstate(all="ignore"):
            logs = np.log(diagonal)
            known = ~(self.lost | self.broken)
            far = known & ~((loss <= LIMIT) & (np.abs(logs) <= FAR))
        if not far.any():
            self._accept(frame, logs, np.where(known, loss, 1.0), len(pending))
        elif len(pending) == 1:
            with np.errstate(all="ignore"):
                self._tangents = applied(pending[0], self.frame)
            self._accept_single()
        else:
            self.stride = max(1, len(pending) // 2)
            self._tangents = self.frame
            for factors in pending:
                self.push(factors)
            self.settle()

    def _accept(self, frame: Array, logs: Array, loss: Array, steps: int) -> None:
        self.frame = self._tangents = frame
        self.logs += np.where(self.lost | self.broken, 0.0, logs)
        self.rounding += EPSILON * loss
        self.count += 1
        if self.lost.any() or self.broken.any():
            self._mend()
        spread = max(float(np.log(np.max(loss, initial=1.0))) / np.log(LIMIT), float(np.abs(logs).max(initial=0)) / FAR)
        self.stride = int(min(LONGEST, max(1, steps * min(2.0, 0.8 / max(spread, 0.1)))))

    def _accept_single(self) -> None:
        """Accept one step whose columns spread beyond the limit at once, by LAPACK and with what it lost noted."""
        with np.errstate(all="ignore"):
            finite = np.isfinite(self._tangents).all(axis=(0, 1))
            self.broken |= ~finite
            frame, diagonal, share = householder(self._tangents)
            gone = ~(diagonal > 0) & finite
            self.lost |= gone
            self._accept(frame, np.log(diagonal), np.where(gone | ~finite, 1.0, 1 / share), 1)

    def _mend(self) -> None:
        """Put orthonormal frames where a direction is lost or a Jacobian was not finite."""
        places = np.flatnonzero(self.lost.any(axis=0) | self.broken)
        part = self.frame[:, :, places]
        part = np.where(np.isfinite(part).all(axis=(0, 1)), part, np.eye(len(part))[:, :, None])
        self.frame[:, :, places] = householder(part)[0]
        self._tangents = self.frame
