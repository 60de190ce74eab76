"""Random networks of one kind of cell: their steps layer by layer, tied or untied, driven or not."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.maps.cells import Cell, cell
from symgrad.maps.cells.registry import CELLS
from symgrad.phenomena.networks.initialisations import draw_parameters
from symgrad.phenomena.networks.steps import CellStep, cell_step

Array = NDArray[np.float64]
REACH = 28.0


@dataclass(frozen=True)
class Architecture:
    """A kind of random network.

    Parameters
    ----------
    name : how reports call it
    cell : a name of ``CELLS``
    law : a name of ``INITIALISATIONS``
    options : the cell's options; the symbol L in a branch scale is the depth
    forget_bias : see ``draw_parameters``
    tied : whether all steps share their weights; recurrent cells do
    driven : whether a recurrent cell gets an input of independent standard normal numbers in every step
    gain : factor of every weight

    Examples
    --------
    >>> net = Architecture("plain", "dense", "orthogonal", options={"activation": "identity"})
    >>> steps = walk(net, width=4, depth=3, members=2, rng=np.random.default_rng(0))
    >>> [step.jacobian.shape for step in steps]
    [(4, 4, 2), (4, 4, 2), (4, 4, 2)]
    """

    name: str
    cell: str
    law: str = "glorot_normal"
    options: Mapping[str, Any] = field(default_factory=dict)
    forget_bias: float | str | None = None
    tied: bool = False
    driven: bool = True
    gain: float = 1.0

    def made(self) -> Cell:
        """Return the cell, driven by as many inputs as it has units, or by none."""
        row = CELLS.get(self.cell)
        inputs = {} if row is None or not row.driven or self.driven else {"inputs": 0}
        return cell(self.cell, **inputs, **self.options)


def walk(
    network: Architecture, *, width: int, depth: int, members: int, rng: np.random.Generator, transient: int = 0
) -> Iterator[CellStep]:
    """Yield the steps of random networks, member beside member, from standard normal states or, recurrent, from 0.

    Parameters
    ----------
    network : the kind
    width : the number of units, also of the inputs
    depth : the number of steps
    members : how many independent networks
    rng : the source of weights, states and inputs
    transient : steps taken before the first one that is returned

    Raises
    ------
    InputError : a width, depth or number of members below 1
    """
    if depth < 1 or transient < 0:
        raise InputError(f"depth must be a positive integer and transient 0 or more, got {depth} and {transient}")
    layer = network.made()
    inputs = width if layer.inputs else 0
    numbers = {s.name: float(depth if s.name == "L" else np.nan) for s in layer.numbers}
    if unset := [name for name, value in numbers.items() if np.isnan(value)]:
        raise InputError(f"the {network.cell} cell's {unset[0]!r} has no value; give it as an option, e.g. '1/10'")

    def draw() -> dict[str, Any]:
        drawn = draw_parameters(
            layer,
            network.law,
            rng=rng,
            width=width,
            inputs=inputs,
            members=members,
            gain=network.gain,
            forget_bias=network.forget_bias,
            horizon=depth if network.forget_bias == "chrono" else None,
        )
        return {**drawn, **numbers}

    tied = network.tied or CELLS[network.cell].driven
    parameters = draw()
    resting = CELLS[network.cell].driven
    state: dict[str, Array] = {
        s.name: np.zeros((width, members)) if resting else rng.standard_normal((width, members)) for s in layer.state
    }
    for k in range(transient + depth):
        if k and not tied:
            parameters = draw()
        outside = rng.standard_normal((inputs, members)) if inputs else None
        step = cell_step(layer, state, parameters, inputs=outside)
        state = step.state
        if k >= transient:
            yield step


def _products(steps: Iterable[CellStep]) -> Iterator[tuple[dict[str, Array], Array]]:
    """Yield J_t ⋯ J_1 after every step t, state by state and of size 1, with the logarithm of its ‖·‖_F/√s."""
    product: dict[str, Array] | None = None
    sums = np.zeros(1)
    for step in steps:
        product = step.push(_unit(step) if product is None else product)
        squares = sum(np.einsum("pij,pij->p", part, part) for part in product.values())
        sizes = np.sqrt(np.asarray(squares) / sum(part.shape[1] for part in product.values()))
        with np.errstate(divide="ignore"):
            sums = sums + np.log(sizes)
        safe = np.where(sizes > 0, sizes, 1.0)[:, None, None]
        product = {name: part / safe for name, part in product.items()}
        yield product, sums


def log_norms(steps: Iterable[CellStep]) -> Array:
    """Return log(‖J_t ⋯ J_1‖_F/√s) after every step t, shape (steps, members); -inf for an exact zero.

    Examples
    --------
    >>> net = Architecture("linear", "dense", "orthogonal", options={"activation": "identity"})
    >>> steps = walk(net, width=4, depth=3, members=1, rng=np.random.default_rng(0))
    >>> bool(np.abs(log_norms(steps)).max() < 1e-14)
    True
    """
    return np.array([sums for _, sums in _products(steps)])


def leading_log_singular_values(steps: Iterable[CellStep]) -> Array:
    """Return log σ of J_T ⋯ J_1, the largest first, as far as float64 reaches below the largest.

    One SVD of the product itself, for wide networks: values more than ``REACH`` nats below the largest are lost in
    rounding and returned as nan; a product that is exactly 0 has -inf throughout. ``log_singular_values`` loses none.

    Returns
    -------
    logarithms in nats, shape (s, members)

    Examples
    --------
    >>> net = Architecture("linear", "dense", "orthogonal", options={"activation": "identity"})
    >>> steps = walk(net, width=4, depth=3, members=2, rng=np.random.default_rng(0))
    >>> leading_log_singular_values(steps).shape
    (4, 2)
    """
    product, sums = next(iter(deque(_products(steps), maxlen=1)))
    values = np.linalg.svd(np.concatenate(list(product.values()), axis=1), compute_uv=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values)
        reached = ~(logs - logs[:, :1] <= -REACH)
        whole = np.where(reached, logs + sums[:, None], np.nan)
        return np.asarray(np.where(np.isneginf(sums)[:, None], -np.inf, whole).T)


def _unit(step: CellStep) -> dict[str, Array]:
    """Return the unit matrix over all states, state by state, for every member."""
    count = int(np.prod(step.members))
    edges = np.cumsum([0, *(step.values[s.name].shape[1] for s in step.cell.state)])
    whole = np.eye(edges[-1])
    return {
        s.name: np.broadcast_to(whole[a:b], (count, b - a, edges[-1]))
        for s, a, b in zip(step.cell.state, edges, edges[1:], strict=False)
    }
