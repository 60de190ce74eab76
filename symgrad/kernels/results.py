"""From what a fold carried to the numbers of an outcome, in the fold's own arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symgrad.kernels.fold import Arithmetic, Carried, Number, adjoint
from symgrad.kernels.steps import Step, Steps


@dataclass(frozen=True)
class Results:
    """Every number of an outcome, before it is stacked into arrays."""

    state: list[Number]
    loss: Number | None
    compounds: Mapping[int, list[Number]]
    gradient: Mapping[str, list[Number]]
    hessian: Mapping[tuple[str, str], list[Number]]
    factors: list[Number]


def finish(carried: Carried, steps: Steps, arithmetic: Arithmetic, loss: Sequence[Number] | None) -> Results:
    """Attach the loss to what was carried; ``loss`` is the row of outputs of the loss step, or None."""
    d, target = len(carried.state), steps.gradient
    layered = target.composition.layered
    shared = [name for name in target.wrt if name not in layered]
    index = {name: a for a, name in enumerate(target.wrt)}
    value, outer, own, bend = (None, [arithmetic.one], [], []) if loss is None else _loss_parts(steps.loss, loss)
    if loss is None:
        gradient = {name: list(carried.first[index[name]]) for name in shared}
        hessian = {_pair(target.wrt, ab): list(s) for ab, s in carried.second.items()}
    else:
        gradient = {
            name: [
                arithmetic.dot(
                    [(outer[i], carried.first[index[name]][i]) for i in range(d)] + [(arithmetic.one, own[index[name]])]
                )
            ]
            for name in shared
        }
        hessian = {
            _pair(target.wrt, ab): [_loss_curvature(carried, ab, outer, bend, len(target.wrt), arithmetic)]
            for ab in carried.second
        }
    for name, columns in _by_layer(carried, steps, outer if steps.loss is not None else None, arithmetic).items():
        last = max(k for values in columns for k in values)
        gradient[name] = [values.get(k, arithmetic.zero) for k in range(1, last + 1) for values in columns]
    return Results(carried.state, value, carried.compounds, gradient, hessian, carried.factors)


def _by_layer(
    carried: Carried, steps: Steps, outer: list[Number] | None, arithmetic: Arithmetic
) -> dict[str, list[Mapping[int, Number]]]:
    """Return ∂/∂name[k] of the loss, or of every component of the last state where there is no loss (None)."""
    if not carried.records:
        return {}
    d = len(carried.state)
    units = [[arithmetic.one if i == j else arithmetic.zero for j in range(d)] for i in range(d)]
    found = [adjoint(carried, steps, start, arithmetic) for start in (units if outer is None else [outer])]
    return {name: [each[name] for each in found] for name in found[0]}


def _pair(wrt: Sequence[str], ab: tuple[int, int]) -> tuple[str, str]:
    return wrt[ab[0]], wrt[ab[1]]


def _loss_parts(
    step: Step | None, outputs: Sequence[Number]
) -> tuple[Number, list[Number], list[Number], list[Number]]:
    assert step is not None
    (value,), outer, own, bend = step.split(outputs)
    return value, outer, own, bend


def _loss_curvature(
    carried: Carried, ab: tuple[int, int], outer: list[Number], bend: list[Number], p: int, arithmetic: Arithmetic
) -> Number:
    """Return ∂²L/∂a∂b = L_x s_ab + L_xx s_a s_b + L_xa s_b + L_xb s_a + L_ab."""
    a, b = ab
    d = len(outer)
    width = d + p
    sa, sb = carried.first[a], carried.first[b]
    pairs = [(outer[i], carried.second[ab][i]) for i in range(d)]
    pairs += [(bend[i * width + j], arithmetic.dot([(sa[i], sb[j])])) for i in range(d) for j in range(d)]
    pairs += [(bend[i * width + d + a], sb[i]) for i in range(d)]
    pairs += [(bend[i * width + d + b], sa[i]) for i in range(d)]
    return arithmetic.dot([*pairs, (arithmetic.one, bend[(d + a) * width + d + b])])
