"""Results of single points and tiles, stacked and brought into the shape of the call."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.outcome import Outcome, Status, growth_of
from symgrad.kernels.points import Points
from symgrad.kernels.signed_log import SignedLog, broadcast_to, stack

if TYPE_CHECKING:
    from symgrad.kernels.results import Results
    from symgrad.maps import Composition


@dataclass(frozen=True)
class Stacked:
    """The results of some points as arrays whose last axis is the point."""

    parts: Mapping[Any, SignedLog]

    @staticmethod
    def of(results: "Results", points: int) -> "Stacked":
        """Stack the numbers of an extended fold."""

        def pile(values: Sequence[SignedLog]) -> SignedLog:
            return stack([broadcast_to(v, (points,)) for v in values])

        parts: dict[Any, SignedLog] = {"state": pile(results.state)}
        if results.loss is not None:
            parts["loss"] = pile([results.loss])
        parts |= {("compound", order): pile(v) for order, v in results.compounds.items()}
        parts |= {("gradient", name): pile(v) for name, v in results.gradient.items() if v}
        parts |= {("hessian", pair): pile(v) for pair, v in results.hessian.items()}
        if results.factors:
            parts["trace"] = pile(results.factors)
        return Stacked(parts)

    def with_columns(self, index: NDArray[np.intp], other: "Stacked") -> "Stacked":
        """Return the same results with the points at ``index`` taken from ``other``."""
        merged = {}
        for key, part in self.parts.items():
            mantissa, exponent = part.mantissa.copy(), part.exponent.copy()
            mantissa[:, index], exponent[:, index] = other.parts[key].mantissa, other.parts[key].exponent
            merged[key] = SignedLog(mantissa, exponent)
        return Stacked(merged)


def joined(pieces: Sequence[Stacked]) -> Stacked:
    """Join results of neighbouring tiles along the points."""
    return Stacked(
        {
            key: SignedLog(
                np.concatenate([p.parts[key].mantissa for p in pieces], axis=1),
                np.concatenate([p.parts[key].exponent for p in pieces], axis=1),
            )
            for key in pieces[0].parts
        }
    )


def to_outcome(
    stacked: Stacked,
    chain: "Composition",
    points: Points,
    backend: str,
    digits: Mapping[str, str | list[str]] | None = None,
    *,
    settled: float = 0.0,
    open_factor: float = math.nan,
    growth: NDArray[np.float64] | None = None,
) -> Outcome:
    """Bring stacked results into the shape of the call; ``growth`` is log|product| where it is known already."""
    d, parts, shape = chain.dimension, stacked.parts, points.shape
    layered = set(chain.layered)

    def shaped(part: SignedLog, single: bool) -> SignedLog:
        lead = () if single else (part.shape[0],)
        return part.reshape((*lead, *shape))

    state = shaped(parts["state"], single=False)
    product = parts["compound", 1]
    square = () if d == 1 else (d, d)
    floats = state.value.view()
    floats.flags.writeable = False
    status = _status(floats)
    gradients = {key[1]: part for key, part in parts.items() if key[0] == "gradient"}
    hessians = {key[1]: part for key, part in parts.items() if key[0] == "hessian"}
    per_layer = () if d == 1 or "loss" in parts else (d,)

    def gradient_of(name: str, part: SignedLog) -> SignedLog:
        if name not in layered:
            return shaped(part, single=part.shape[0] == 1)
        lead = (part.shape[0] // d, d) if per_layer else (part.shape[0],)
        return part.reshape((*lead, *shape))

    if growth is None:
        growth = growth_of({order: parts["compound", order] for order in range(1, d + 1)})
    return Outcome(
        state=floats,
        state_log=state,
        loss=shaped(parts["loss"], single=True) if "loss" in parts else None,
        product=product.reshape((*square, *shape)),
        growth=growth.reshape((d, *shape)),
        gradient={name: gradient_of(name, part) for name, part in gradients.items()},
        hessian={n: shaped(p, single=p.shape[0] == 1) for n, p in hessians.items()},
        trace=shaped(parts["trace"], single=False).log_abs if "trace" in parts else None,
        status=status,
        depth=int(chain.depth) if len(chain.blocks) == 1 else sum(int(b.layers) for b in chain.blocks),
        backend=backend,
        digits=digits,
        settled=settled,
        open_factor=open_factor,
    )


def _status(state: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return how the state of each point ended; the components are on the first axis."""
    finite = np.isfinite(state).all(axis=0)
    status = np.zeros(finite.shape, dtype=np.int8)
    if not finite.all():
        status[~finite] = Status.DIVERGED
        status[np.isnan(state).any(axis=0)] = Status.UNDEFINED
    return status
