"""How fast the sensitivity of Newton's iterates comes to the implicit function's: measured beside the proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import gradient
from symgrad.derivation.implicit_sensitivity import ImplicitSensitivity
from symgrad.errors import InputError
from symgrad.kernels import to_kernel
from symgrad.maps import Map
from symgrad.phenomena.newton.scalar_maps import scalar_map
from symgrad.symbols import n

Array = NDArray[np.float64]
DIGITS = 60


@dataclass(frozen=True)
class SensitivityPath:
    """The sensitivity ∂x_k/∂θ of the first Newton iterates, beside -F_θ/F_x at the last one.

    Parameters
    ----------
    states : x_0 … x_n, shape (n + 1,)
    sensitivities : ∂x_k/∂θ, shape (n + 1,); 0 at the start
    limit : -F_θ/F_x at the last state
    log_errors : log|∂x_k/∂θ - limit| in nats, shape (n + 1,), measured in many digits
    """

    states: Array
    sensitivities: Array
    limit: float
    log_errors: Array = field(repr=False)

    @property
    def order(self) -> float | None:
        """The measured order of convergence, e_{k+1} ~ e_k^order, from the last three errors above the digits."""
        logs = self.log_errors[np.isfinite(self.log_errors) & (self.log_errors > -0.8 * DIGITS * np.log(10.0))]
        if len(logs) < 3 or not logs[-1] < logs[-2] < logs[-3]:
            return None
        return float((logs[-1] - logs[-2]) / (logs[-2] - logs[-3]))


def sensitivity_path(
    subject: ImplicitSensitivity,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    steps: int = 8,
) -> SensitivityPath:
    """Follow Newton's iterates and their derivative in the parameter by a kernel of ``DIGITS`` digits.

    Parameters
    ----------
    subject : from ``implicit_sensitivity``
    start : x_0, which does not depend on θ
    parameters : name → number, θ included
    steps : how many steps, at most

    Examples
    --------
    >>> from symgrad.derivation.implicit_sensitivity import implicit_sensitivity
    >>> path = sensitivity_path(implicit_sensitivity("x**2 - a", "x", "a"), 1, {"a": 2}, steps=7)
    >>> float(path.sensitivities[-1].round(12)), round(path.limit, 12), round(path.order, 1)
    (0.353553390593, 0.353553390593, 2.0)
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a positive integer, got {steps!r}; give e.g. 8")
    import mpmath  # at start-up it would cost a command that does not need it

    name = subject.theta.name
    kernel = to_kernel(gradient(subject.update**n, wrt=name), digits=DIGITS)
    known = {str(key): value for key, value in (parameters or {}).items()}
    rows = [kernel(start, known, depth=count).digits for count in range(1, steps + 1)]
    for count, row in enumerate(rows, start=1):
        if row is None or "undefined" in (row["state"][0], row[f"gradient {name}"]):
            raise InputError(f"step {count} from {start} has no value, F_x vanishes before it; start elsewhere")
    ctx = mpmath.MPContext()
    ctx.dps = DIGITS
    states = [ctx.mpmathify(start)] + [ctx.mpf(row["state"][0]) for row in rows if row]
    found = [ctx.mpf(0)] + [ctx.mpf(row[f"gradient {name}"]) for row in rows if row]
    limit = _value(subject, states[-1], known)
    errors = [abs(each - limit) for each in found]
    logs = [float(ctx.log(e)) if e else -np.inf for e in errors]
    return SensitivityPath(
        np.array([float(v) for v in states]), np.array([float(v) for v in found]), float(limit), np.array(logs)
    )


def _value(subject: ImplicitSensitivity, state: Any, known: Mapping[str, Any]) -> Any:
    """Return -F_θ/F_x at a state, in many digits."""
    value = Map(subject.value, subject.x.name)
    used = {p.name for p in value.parameters}
    precise = scalar_map(value, {key: v for key, v in known.items() if key in used}).precise(state)
    if precise is None:
        raise InputError(f"F_x vanishes at {float(state):g}, so that the root has no derivative there; start elsewhere")
    return precise[0]
