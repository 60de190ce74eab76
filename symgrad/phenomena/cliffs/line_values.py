"""Loss and gradient exactly on a basin line, at any depth.

On the line the orbit is constant after its pre-images, so that every sensitivity is a geometric sum: with μ = f'(x₀),
dx_T/dx₀ = μ^T and dx_T/dθ = f_θ(x₀)·(μ^T − 1)/(μ − 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symgrad.derivation import CliffCurve, Gradient, geometric_sum_proof
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import differentiate
from symgrad.phenomena.cliffs.chain_steps import Place, checked, derivative_exprs, loss_of, place_on, signed
from symgrad.symbols import real


@dataclass(frozen=True)
class OnCurve:
    """Values exactly on a basin line.

    Parameters
    ----------
    point : both parameters, rounded
    depth : applications of the chain
    state : the last state
    multiplier : μ of the fixed point
    loss : of the last state
    product : dx_T/dx₀
    gradient : name → derivative of the loss, both parameters
    verdict : proved; the numbers are evaluated with more bits than they have
    method : the argument
    """

    point: Mapping[str, float]
    depth: int
    state: float
    multiplier: float
    loss: float
    product: SignedLog
    gradient: Mapping[str, SignedLog]
    verdict: Verdict
    method: str


def values_on(curve: CliffCurve, target: Gradient, start: Any, at: Any, depth: int) -> OnCurve:
    """Return loss and gradient exactly on a basin line, in closed form, at a cost that does not grow with depth.

    Parameters
    ----------
    curve : of origin "basin line", from ``cliff_curves``
    target : the gradient of a loss of the last state (of the last state itself without a loss)
    start : x₀, that of the curve
    at : the value of ``curve.along``
    depth : applications of the chain

    Examples
    --------
    >>> from sympy import Rational
    >>> from symgrad.derivation import cliff_curves, gradient
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> chain = Map("w*sigmoid(x) + b", "x") ** n
    >>> line = cliff_curves(chain, ("w", "b"), Rational(1, 2))[0]
    >>> found = values_on(line, gradient(chain, "(sigmoid(x) - 7/10)**2", wrt="w,b"), line.start, 5, 50)
    >>> found.point["b"], round(float(found.gradient["b"].value), 9)
    (-2.612296656009273, -661.682801323)
    """
    steps = checked(curve, target, start, depth)
    if not curve.lands:
        raise InputError(
            f"closed forms hold on basin lines, this curve is a {curve.origin}; use fold_ridge for its height"
        )
    place = place_on(curve, at, bits=160 + 2 * steps.bit_length())
    state, product, sensitivity = _closed_forms(place, steps)
    loss, (x,) = loss_of(target), curve.layer.state
    outer = place.value(differentiate(loss, x), state)
    gradient = {
        name: signed(outer * s + place.value(differentiate(loss, real(name)), state), place.ctx)
        for name, s in sensitivity.items()
    }
    return OnCurve(
        place.point,
        steps,
        float(state),
        float(place.value(curve.multiplier)),
        float(place.value(loss, state)),
        signed(product, place.ctx),
        gradient,
        Verdict.PROVED,
        geometric_sum_proof(),
    )


def _closed_forms(place: Place, depth: int) -> tuple[Any, Any, dict[str, Any]]:
    """Return the last state, dx_T/dx₀ and dx_T/dθ on the curve: steps that lead in, whole periods, and what is left."""
    curve = place.curve
    fx, ft = derivative_exprs(curve)
    states = [place.value(e) for e in curve.lands]
    slopes = [place.value(fx, s) for s in states]
    local = {name: [place.value(e, s) for s in states] for name, e in ft.items()}
    lead, period = min(curve.preimages, depth), curve.period
    whole, rest = divmod(depth - lead, period)
    order = [*range(lead)] if depth <= lead else [*range(curve.preimages)]
    cycle = [curve.preimages + i for i in range(period)] if depth > lead or depth == curve.preimages else []
    multiplier = place.ctx.fprod(slopes[i] for i in cycle) if cycle else place.ctx.mpf(1)
    power = multiplier**whole
    product = place.ctx.fprod(slopes[i] for i in order) * power * place.ctx.fprod(slopes[i] for i in cycle[:rest])
    total = whole if multiplier == 1 else (power - 1) / (multiplier - 1)
    sensitivity = {}
    for name, values in local.items():
        s = place.ctx.mpf(0)
        for i in order:
            s = slopes[i] * s + values[i]
        round_trip = place.ctx.mpf(0)
        for i in cycle:
            round_trip = slopes[i] * round_trip + values[i]
        s = power * s + total * round_trip
        for i in cycle[:rest]:
            s = slopes[i] * s + values[i]
        sensitivity[name] = s
    last = states[cycle[rest]] if cycle else states[lead]
    return last, product, sensitivity
