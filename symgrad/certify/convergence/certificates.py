"""What a theorem of convergence says about one start: the root, the constants it rests on, the error of every step.

References
----------
L. V. Kantorovich (1948), *Functional analysis and applied mathematics*: h = βηL ≤ 1/2.
S. Smale (1986), "Newton's method estimates from data at one point"; L. Blum, F. Cucker, M. Shub & S. Smale (1998),
*Complexity and Real Computation*, ch. 8: α = βγ < (13 - 3√17)/4.
R. Krawczyk (1969), *Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken*.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import acb, arb, ctx, fmpz

from symgrad.certify.balls import Ball
from symgrad.errors import InputError
from symgrad.evidence import Verdict

KANTOROVICH, SMALE, KRAWCZYK, NO_METHOD = "Kantorovich", "Smale alpha", "Krawczyk", "none"
BY = {KANTOROVICH: " by Kantorovich", SMALE: " by Smale's alpha", KRAWCZYK: " by Krawczyk", NO_METHOD: ""}
BOUNDS = {
    KANTOROVICH: "2**(1-k)*(2*h)**(2**k-1)*eta",
    SMALE: "(1/2)**(2**k-1)*2*beta",
    KRAWCZYK: "rho_k with rho_0 = rho, rho_{k+1} = min(q, kappa*rho_k)*rho_k",
}
MOST_STEPS = 100_000
WIDE = arb(2) ** -30  # a ball this wide is printed as the interval it is


@dataclass(frozen=True)
class Certificate:
    """A theorem of convergence applied to one start (or to every start in a box).

    Parameters
    ----------
    method : "Kantorovich", "Smale alpha" or "Krawczyk"; "none" where several were tried and none applies
    verdict : CERTIFIED, or UNDECIDED where the theorem's condition is not met or its constants cannot be enclosed
    unknowns : the names of the unknowns
    start : encloses the point (or the box) that the theorem was applied to, shape (unknowns,)
    statement : the sentence, with what it rests on
    root : encloses the root, shape (unknowns,); None where nothing is certified
    radius : an upper bound of the distance between the start and the root (maximum norm)
    constants : the constants of the theorem, name → value (rounded up)
    step : which iterate of the exact Newton path the theorem was applied to; 0 is the start itself
    """

    method: str
    verdict: Verdict
    unknowns: tuple[str, ...]
    start: tuple[Ball, ...]
    statement: str
    root: tuple[Ball, ...] | None = None
    radius: float | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    step: int = 0

    @property
    def is_certified(self) -> bool:
        """Whether convergence is certified."""
        return self.verdict is Verdict.CERTIFIED

    @property
    def value(self) -> tuple[float | complex, ...] | None:
        """The middle of the ball around the root, one number for each unknown."""
        return None if self.root is None else tuple(middle(side.value) for side in self.root)

    def error_after(self, steps: int) -> float:
        """Return an upper bound of the distance between the iterate after ``steps`` steps and the root.

        Raises
        ------
        InputError : nothing is certified, or nothing is certified about so early an iterate
        """
        if not self.is_certified or steps < self.step:
            raise InputError(f"no error bound is certified after {steps} steps; {self.statement}")
        with ctx.workprec(64):
            bound = log_errors(self.method, self.constants, steps - self.step)[-1]
            return rounded_up(bound.exp())

    def steps_to(self, digits: int) -> int | None:
        """Return after how many steps the error is certainly at most 10**-digits; None where nothing is certified.

        Examples
        --------
        >>> from symgrad.certify.convergence import smale_alpha
        >>> smale_alpha("x**2 - 2", "x", 1.5).steps_to(30)
        7
        """
        if not self.is_certified:
            return None
        with ctx.workprec(64):
            found = _first_below(self.method, self.constants, -digits * arb(10).log())
        return None if found is None else self.step + found


def _first_below(method: str, constants: Mapping[str, float], goal: arb) -> int | None:
    """Return the first step whose error is certainly below a bound, both as logarithms."""
    count = 8
    while count <= MOST_STEPS:
        for k, error in enumerate(log_errors(method, constants, count)):
            if bool(error <= goal):
                return k
        count *= 4
    return None


def log_errors(method: str, constants: Mapping[str, float], steps: int) -> list[arb]:
    """Return the logarithms of the error bounds after 0, …, ``steps`` steps by the estimate of a method."""
    if method == KRAWCZYK:
        return _contracting(constants, steps)
    if method == SMALE:
        first, base, ratio = _log(2 * arb(constants["beta"])), -arb(2).log(), arb(0)
    else:
        first, base, ratio = _log(2 * arb(constants["eta"])), _log(2 * arb(constants["h"])), -arb(2).log()
    if not first.is_finite() and first < 0:
        return [first] * (steps + 1)
    if not base.is_finite():
        return [first, *[arb("-inf")] * steps]
    # Beyond 2**64 the exponent no longer matters to any number of digits that is ever asked for.
    return [first + k * ratio + arb(fmpz(2) ** min(k, 64) - 1) * base for k in range(steps + 1)]


def _contracting(constants: Mapping[str, float], steps: int) -> list[arb]:
    error, linear, square = (_log(arb(constants.get(name, math.inf))) for name in ("rho", "q", "kappa"))
    errors = [error]
    for _ in range(steps):
        if not error.is_finite():
            break
        factor = square + error
        error = arb((error + (factor if bool(factor < linear) else linear)).upper())
        errors.append(error)
    return errors + [error] * (steps + 1 - len(errors))


def _log(value: arb) -> arb:
    """Return the logarithm of a bound; -inf for an error of exactly 0."""
    return arb("-inf") if value.is_zero() else value.log()


def rounded_up(value: arb) -> float:
    """Return the least float64 at or above every number of a ball, infinity where it is not bounded."""
    if not value.is_finite():
        return 0.0 if bool(value < 0) or value.is_zero() else math.inf
    top = arb(value.upper())
    nearest = float(top)
    return nearest if bool(arb(nearest) >= top) else math.nextafter(nearest, math.inf)


def _upwards(distance: float) -> str:
    """Return a distance to three digits, rounded up."""
    short = f"{distance:.3g}"
    return short if float(short) >= distance else f"{distance * 1.005:.3g}"


def middle(value: Any) -> float | complex:
    """Return the float64 or complex128 number at the middle of a ball."""
    return complex(float(value.real.mid()), float(value.imag.mid())) if isinstance(value, acb) else float(value.mid())


def point_text(unknowns: Sequence[str], values: Sequence[Any], digits: int = 15) -> str:
    """Return "x = 1.5, y in [1, 2]" for narrow and wide balls."""
    return ", ".join(_side_text(name, value, digits) for name, value in zip(unknowns, values, strict=True))


def _side_text(name: str, value: Any, digits: int) -> str:
    if isinstance(value, acb):
        return f"{name} = {middle(acb(_number(value.real), _number(value.imag))):.{digits}g}"
    if bool(value.rad() > WIDE):
        low, high = (float(end.mid()) for end in (value.lower(), value.upper()))
        return f"{name} in [{low:.6g}, {high:.6g}]"
    return f"{name} = {middle(_number(value)):.{digits}g}"


def _number(part: arb) -> arb:
    """Return the middle of a narrow ball, 0 where it is not known to differ from 0."""
    return arb(0) if bool(part.contains(0)) and bool(part.rad() <= WIDE) else part


def undecided(
    method: str, unknowns: Sequence[str], start: Sequence[Any], why: str, constants: Mapping[str, float] | None = None
) -> Certificate:
    """Return the certificate that says why it is none."""
    statement = f"undecided{BY[method]} from {point_text(unknowns, start)}: {why}"
    known = {name: value for name, value in (constants or {}).items() if math.isfinite(value)}
    balls = tuple(Ball(value) for value in start)
    return Certificate(method, Verdict.UNDECIDED, tuple(unknowns), balls, statement, constants=known)


def certified(
    method: str,
    unknowns: Sequence[str],
    start: Sequence[Any],
    root: Sequence[Any],
    radius: arb,
    constants: Mapping[str, float],
    because: str,
) -> Certificate:
    """Return the certificate of a theorem whose conditions hold."""
    distance = rounded_up(radius)
    statement = (
        f"Newton's method from {point_text(unknowns, start)} converges to the root {point_text(unknowns, root)}, at "
        f"most {_upwards(distance)} away: {because}; the error after k steps is at most {BOUNDS[method]}"
    )
    balls = tuple(Ball(value) for value in start), tuple(Ball(value) for value in root)
    return Certificate(method, Verdict.CERTIFIED, tuple(unknowns), balls[0], statement, balls[1], distance, constants)
