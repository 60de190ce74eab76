"""Measuring a chain of blocks by products with vectors: gains, singular values, slopes; nothing overflows on the way.

Cotangents are pulled back block by block (reverse mode); after each block they are brought to length 1 and the
logarithm of their length is kept, so that a chain may shrink a gradient by any factor. A product with a tangent is the
derivative of the pull-back, which is linear (Griewank & Walther 2008, Evaluating Derivatives, section 3.2).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.probes.blocks import Piece
from symgrad.phenomena.probes.extra import require_torch
from symgrad.phenomena.probes.lanczos import largest_singular_value

Array = NDArray[np.float64]
EXACT = 512
LARGEST = 1 << 20
AT_ONCE = 1 << 24
CHEAP = 1 << 18


@dataclass(frozen=True, eq=False)
class Gains:
    """What reaches each boundary of a chain from its end.

    Parameters
    ----------
    log_norms : log(‖∂h_L/∂h_l‖_F/√n_L), nats, shape (blocks + 1, samples), the whole product first
    log_largest : log of the largest singular value of the whole product, shape (samples,); None if not measured
    exact : whether all unit cotangents were pulled back, or random ones
    cotangents : how many
    """

    log_norms: Array
    log_largest: Array | None = field(repr=False)
    exact: bool
    cotangents: int


@dataclass(frozen=True)
class Factor:
    """The Jacobian of one block.

    Parameters
    ----------
    inputs, outputs : its size
    largest, smallest : singular values, the extremes over the samples, 0 below rounding; None where not measured
    tolerance : relative error of ``largest``, by its residual
    sign : of a scalar factor, one of "+", "-", "0" for each sample; "" for others
    """

    inputs: int
    outputs: int
    largest: float | None
    smallest: float | None
    tolerance: float
    sign: str


def pulled_back(after: Any, before: Any, cotangents: Any) -> Any:
    """Return vᵀJ for each cotangent v, shape (k, samples, …), of the tensor ``after`` as a function of ``before``."""
    torch = require_torch()
    size = max(after.numel(), before.numel())
    step = max(1, AT_ONCE // size)
    parts = []
    for chunk in torch.split(cotangents, step):
        try:
            (part,) = torch.autograd.grad(after, before, chunk, retain_graph=True, is_grads_batched=True)
        except RuntimeError:
            # Derivatives that cannot be vectorised are taken one by one.
            part = torch.stack([torch.autograd.grad(after, before, v, retain_graph=True)[0] for v in chunk])
        parts.append(part.detach())
    return torch.cat(parts)


def start_cotangents(tensor: Any, count: int, generator: Any) -> tuple[Any, bool]:
    """Return all unit cotangents where there are few, else ``count`` random directions, and whether these are all."""
    torch = require_torch()
    rows, size = tensor.shape[0], tensor[0].numel()
    if size <= EXACT:
        unit = torch.eye(size, dtype=tensor.dtype, device=tensor.device)
        return unit[:, None, :].expand(size, rows, size).reshape(size, *tensor.shape), True
    made = torch.randn((count, rows, size), generator=generator, dtype=torch.float64)
    made = made / torch.linalg.vector_norm(made, dim=2, keepdim=True)
    return made.reshape(count, *tensor.shape).to(dtype=tensor.dtype, device=tensor.device), False


def gains(blocks: Sequence[Piece], *, cotangents: int, generator: Any) -> Gains:
    """Pull cotangents back through a chain of blocks and keep the logarithms of their lengths."""
    torch = require_torch()
    vectors, exact = start_cotangents(blocks[-1].after, cotangents, generator)
    rows, count = vectors.shape[1], vectors.shape[0]
    logs = np.zeros(rows)
    found = [logs]
    vectors = vectors / math.sqrt(count)
    for block in reversed(blocks):
        vectors = pulled_back(block.after, block.before, vectors)
        norms = torch.linalg.vector_norm(vectors.transpose(0, 1).reshape(rows, -1), dim=1, dtype=torch.float64)
        numbers = norms.cpu().numpy()
        with np.errstate(divide="ignore"):
            logs = logs + np.log(numbers)
        found.append(logs)
        safe = torch.where(norms > 0, norms, torch.ones_like(norms)).to(vectors.dtype)
        vectors = vectors / safe.reshape(1, rows, *[1] * (vectors.dim() - 2))
    largest = None
    inputs = vectors[0, 0].numel()
    if exact and count * inputs <= LARGEST:
        few = max(1, min(rows, CHEAP // (count * inputs)))
        parts = vectors.transpose(0, 1).reshape(rows, count, inputs)[:few]
        with np.errstate(divide="ignore"):
            largest = np.log(_singular_values(parts).max(axis=1)) + logs[:few] + 0.5 * math.log(count)
    return Gains(np.array(found[::-1]), largest, exact, count)


def _singular_values(matrices: Any) -> Array:
    """Return singular values, largest first; exactly 0 below the rounding of the largest in the model's precision."""
    torch = require_torch()
    threads = torch.get_num_threads()
    # Threads that share a small matrix wait for one another: on a busy machine they take ten times as long as one.
    torch.set_num_threads(1)
    try:
        values = torch.linalg.svdvals(matrices if matrices.dtype == torch.float64 else matrices.float()).double()
    finally:
        torch.set_num_threads(threads)
    floor = float(torch.finfo(matrices.dtype).eps) * math.sqrt(max(matrices.shape[1:]))
    return np.asarray(torch.where(values > floor * values[:, :1], values, 0.0).cpu().numpy())


def factor_of(block: Piece, *, tolerance: float, generator: Any) -> Factor:
    """Measure the Jacobian of one block: all its singular values where it is small, else the largest."""
    torch = require_torch()
    rows, outputs, inputs = block.after.shape[0], block.after[0].numel(), block.before[0].numel()
    if outputs <= EXACT and outputs * inputs <= LARGEST:
        unit, _ = start_cotangents(block.after, 0, generator)
        jacobians = pulled_back(block.after, block.before, unit).transpose(0, 1).reshape(rows, outputs, inputs)
        values = _singular_values(jacobians)
        sign = ""
        if outputs == inputs == 1:
            sign = "".join("+" if v > 0 else "-" if v < 0 else "0" for v in jacobians.flatten().tolist())
        rounding = float(torch.finfo(block.after.dtype).eps) * math.sqrt(outputs)
        return Factor(inputs, outputs, float(values[:, 0].max()), float(values[:, -1].min()), rounding, sign)
    try:
        push, pull = products(block.after, block.before)
    except RuntimeError:
        # Code of one's own may have no second derivative.
        return Factor(inputs, outputs, None, None, math.nan, "")
    start = torch.randn((rows, inputs), generator=generator, dtype=torch.float64).to(block.before)
    found, residual = largest_singular_value(push, pull, start.reshape(block.before.shape), tolerance=tolerance)
    return Factor(inputs, outputs, found, None, residual, "")


def products(after: Any, before: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return v ↦ Jv and u ↦ Jᵀu of one tensor as a function of another."""
    torch = require_torch()
    dummy = torch.zeros_like(after, requires_grad=True)
    (back,) = torch.autograd.grad(after, before, dummy, create_graph=True)

    def pull(u: Any) -> Any:
        return torch.autograd.grad(after, before, u, retain_graph=True)[0].detach()

    def push(v: Any) -> Any:
        return torch.autograd.grad(back, dummy, v, retain_graph=True)[0].detach()

    return push, pull


@dataclass(frozen=True)
class Units:
    """What the nonlinearities of a block do over the whole batch.

    Parameters
    ----------
    count : units
    dead : units whose slope is exactly 0 for every sample
    saturated : share of units and samples with a slope below 1 % of the steepest that φ has
    """

    count: int
    dead: int
    saturated: float


def units_of(block: Piece, steepest: Callable[[str], float]) -> Units | None:
    """Count dead units and measure the saturated share, None where a block shows no nonlinearity."""
    torch = require_torch()
    count, dead, flat, seen = 0, 0, 0, 0
    for phi, before, after in block.activations:
        (slopes,) = torch.autograd.grad(after, before, torch.ones_like(after), retain_graph=True)
        unit = 1 if block.channels and slopes.dim() > 2 else slopes.dim() - 1
        others = [d for d in range(slopes.dim()) if d != unit]
        count += slopes.shape[unit]
        dead += int((slopes == 0).all(dim=others).sum() if others else (slopes == 0).sum())
        flat += int((slopes.abs() < 0.01 * steepest(phi)).sum())
        seen += slopes.numel()
    return Units(count, dead, flat / seen) if seen else None
