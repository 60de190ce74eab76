"""Update rules stepped by kernels: training as an orbit in parameter space, gradients of any size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import UpdateMap
from symgrad.errors import InputError
from symgrad.kernels.kernel import Kernel
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import floats_of
from symgrad.kernels.signed_log import SignedLog

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """The orbit of parameters under an update rule, for (…) starts side by side.

    Parameters
    ----------
    names : the parameters that move
    positions : shape (steps + 1, names, …)
    losses : the loss before each step and after the last, shape (steps + 1, …)
    lengths : the length of each step, shape (steps, …)
    """

    names: tuple[str, ...]
    positions: Array
    losses: Array
    lengths: Array


def _no_shape(at: Mapping[str, Any]) -> InputError:
    listing = ", ".join(f"{name} {np.shape(value)}" for name, value in at.items())
    return InputError(f"the first values do not broadcast to one shape: {listing}; give arrays that do")


@dataclass(frozen=True)
class UpdateKernel:
    """A compiled update rule: calling it follows the rule for so many steps.

    Examples
    --------
    >>> from symgrad.derivation import gradient, gradient_step
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> rule = gradient_step(gradient(Map("w*x", "x"), "(x - 1)**2", wrt="w"), eta="1/4")
    >>> to_kernel(rule)({"w": 0.0}, 1.0, steps=2).positions[:, 0].tolist()
    [0.0, 0.5, 0.75]
    """

    update: UpdateMap
    kernel: Kernel

    def __call__(
        self,
        at: Mapping[str, Any],
        start: Any,
        parameters: Mapping[str, Any] | None = None,
        *,
        depth: int | None = None,
        steps: int,
    ) -> Path:
        """Follow the rule from ``at`` (name → number or array) for ``steps`` steps.

        A step that leaves float64 puts the parameter at ±inf, where it stays.
        """
        names = self.update.gradient.wrt
        if set(at) != set(names):
            raise InputError(
                f"the rule moves {', '.join(names)}, got values for {', '.join(at) or 'none'}; give each one"
            )
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise InputError(f"steps must be a positive integer, got {steps!r}; give e.g. 100")
        if both := set(names) & set(parameters or {}):
            raise InputError(f"the rule moves {sorted(both)[0]!r}; give its first value in the first argument only")
        try:
            where = np.stack(np.broadcast_arrays(*(floats_of(f"parameter {name!r}", at[name]) for name in names)))
        except ValueError as problem:
            raise problem if isinstance(problem, InputError) else _no_shape(at) from None
        positions, losses, lengths = [where], [], []
        for count in range(steps + 1):
            outcome = self.kernel(start, dict(parameters or {}) | self._inside(where), depth=depth)
            assert outcome.loss is not None
            losses.append(np.broadcast_to(outcome.loss.value, where.shape[1:]))
            if count < steps:
                with np.errstate(all="ignore"):
                    change = self._change(outcome)
                    where = np.where(np.isinf(where), where, where + np.where(np.isnan(change), 0.0, change))
                positions.append(where)
                lengths.append(np.sqrt(np.sum(change**2, axis=0)))
        return Path(names, np.stack(positions), np.stack(losses), np.stack(lengths))

    def _inside(self, where: Array) -> dict[str, Array]:
        largest = np.finfo(float).max
        return {name: np.clip(where[i], -largest, largest) for i, name in enumerate(self.update.gradient.wrt)}

    def _change(self, outcome: Outcome) -> Array:
        """Return θ⁺ - θ, shape (names, …)."""
        gradients = [outcome.gradient[name] for name in self.update.gradient.wrt]
        if self.update.rule == "newton":
            return -newton_change(gradients, outcome.hessian, self.update.gradient.wrt)
        size = float(self.update.step_size)
        if self.update.threshold is None:
            return np.stack([-size * g.value for g in gradients])
        log_norm = 0.5 * np.logaddexp.reduce([2 * g.log_abs for g in gradients])
        kept = np.minimum(log_norm, np.log(float(self.update.threshold)))
        direction = [g.sign * np.exp(g.log_abs - log_norm + kept) for g in gradients]
        return np.stack([np.where(np.isneginf(log_norm), 0.0, -size * d) for d in direction])


def newton_change(
    gradients: list[SignedLog], hessian: Mapping[tuple[str, str], SignedLog], names: tuple[str, ...]
) -> Array:
    """Return H⁻¹g, shape (names, …), scaled so that neither leaves float64 on the way; nan where H is singular."""
    p = len(names)
    entries = [[hessian[names[min(i, j)], names[max(i, j)]] for j in range(p)] for i in range(p)]
    scale_h = np.max([e.exponent for row in entries for e in row], axis=0)
    scale_g = np.max([g.exponent for g in gradients], axis=0)
    matrix = np.array([[SignedLog.from_parts(e.mantissa, e.exponent - scale_h).value for e in row] for row in entries])
    right = np.array([SignedLog.from_parts(g.mantissa, g.exponent - scale_g).value for g in gradients])
    matrix, right = np.moveaxis(matrix, (0, 1), (-2, -1)), np.moveaxis(right, 0, -1)[..., None]
    singular = ~(np.abs(np.linalg.det(matrix)) > 0)
    safe = np.where(singular[..., None, None], np.eye(p), matrix)
    solved = np.linalg.solve(safe, right)[..., 0]
    solved = np.where(singular[..., None], np.nan, solved)
    return np.moveaxis(SignedLog.from_parts(solved, (scale_g - scale_h)[..., None]).value, -1, 0)
