"""Random networks of finite width and depth, drawn exactly: what mean-field theory predicts, measured.

A layer's fresh weights meet only a few vectors: the activations of two inputs and the tangents they carry. Given those
vectors, the columns of A, the product WA is Gaussian with covariance σ_w²AᵀA/N in every row; it is drawn as such, which
is the law of the full matrix at a small part of its cost.

References
----------
Balduzzi et al. (2017), arXiv 1702.08591 (correlation of gradients with depth); Hanin & Nica (2020), Comm.
Math. Phys. 376:287 (log-normal gradients); Newman (1986), Comm. Math. Phys. 103:121.
"""

import math
from dataclasses import dataclass

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.finite_width import check_width
from symgrad.phenomena.meanfield.length_maps import check_variances
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import Array
from symgrad.phenomena.meanfield.trajectories import check_start

CHUNK = 128


@dataclass(frozen=True)
class Estimate:
    """A mean over independent networks and its standard error, arrays of one shape."""

    mean: Array
    error: Array


def estimate(samples: Array) -> Estimate:
    """Return mean and standard error over the first axis.

    >>> estimate(np.array([1.0, 3.0]))
    Estimate(mean=np.float64(2.0), error=np.float64(1.0))
    """
    count = samples.shape[0]
    return Estimate(samples.mean(axis=0), samples.std(axis=0, ddof=1) / math.sqrt(count))


@dataclass(frozen=True)
class Networks:
    """What was measured in independent networks, shape (networks, depth + 1) each, the start first.

    Parameters
    ----------
    lengths : |z|²/N of the first input
    correlations : z·z'/(|z||z'|) of the two inputs
    log_gradients : log of the squared length of a tangent of length 1, pushed through the layers, nats
    gradient_correlations : cosine between the tangents at the two inputs
    """

    lengths: Array
    correlations: Array
    log_gradients: Array
    gradient_correlations: Array


def simulate(
    phi: Phi,
    *,
    width: int,
    depth: int,
    networks: int,
    sigma_w2: float,
    sigma_b2: float,
    length: float = 1.0,
    correlation: float = 0.5,
    branch: float | None = None,
    seed: int = 0,
) -> Networks:
    """Draw random networks and measure lengths, correlations and gradients in every layer.

    Parameters
    ----------
    phi : the nonlinearity
    width, depth, networks : units per layer, layers, independent networks
    sigma_w2, sigma_b2 : the variances σ_w² and σ_b²
    length, correlation : of the Gaussian preactivations at the start
    branch : the scale of residual branches; None for plain layers
    seed : of the ``numpy.random.SeedSequence``, one child for every 128 networks

    Examples
    --------
    >>> found = simulate("tanh", width=64, depth=3, networks=5, sigma_w2=1.5, sigma_b2=0.1)
    >>> found.lengths.shape, bool((abs(found.correlations) <= 1).all())
    ((5, 4), True)
    """
    phi = nonlinearity(phi)
    check_width(width)
    check_variances(sigma_w2, sigma_b2)
    check_start(length, correlation, depth)
    if networks < 2:
        raise InputError(f"networks must be at least 2, got {networks}; a standard error needs e.g. 100")
    counts = [min(CHUNK, networks - i) for i in range(0, networks, CHUNK)]
    parts = []
    for count, child in zip(counts, np.random.SeedSequence(seed).spawn(len(counts)), strict=True):
        rng = np.random.default_rng(child)
        first, other = math.sqrt(length) * rng.standard_normal((2, count, width))
        second = correlation * first + math.sqrt(1.0 - correlation**2) * other
        tangent = rng.standard_normal((count, width))
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        state = np.stack([first, second], axis=2), np.stack([tangent, tangent], axis=2)
        parts.append(_run(phi, state, depth, (sigma_w2, sigma_b2), branch, rng))
    return Networks(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def _run(
    phi: Nonlinearity,
    state: tuple[Array, Array],
    depth: int,
    variances: tuple[float, float],
    branch: float | None,
    rng: np.random.Generator,
) -> tuple[Array, ...]:
    """Carry preactivations and unit tangents, shape (networks, width, 2) each, through the layers."""
    z, v = state
    count, width, _ = z.shape
    logs = np.zeros((count, 2))
    rows = [_measured(z, v, logs)]
    for _ in range(depth):
        inputs = np.concatenate([phi.value(z), phi.slope(z) * v], axis=2)
        product = math.sqrt(variances[0]) * _fresh_product(inputs, rng)
        bias = math.sqrt(variances[1]) * rng.standard_normal((count, width, 1))
        new_z, new_v = product[:, :, :2] + bias, product[:, :, 2:]
        z, v = (new_z, new_v) if branch is None else (z + branch * new_z, v + branch * new_v)
        norm = np.linalg.norm(v, axis=1)
        with np.errstate(divide="ignore"):
            logs = logs + 2.0 * np.log(norm)
        v = v / np.where(norm > 0, norm, 1.0)[:, None, :]
        rows.append(_measured(z, v, logs))
    return tuple(np.stack(parts, axis=1) for parts in zip(*rows, strict=True))


def _fresh_product(inputs: Array, rng: np.random.Generator) -> Array:
    """Return WA/√N for fresh Gaussian W and A of shape (networks, N, k)."""
    count, width, k = inputs.shape
    gram = inputs.transpose(0, 2, 1) @ inputs / width
    values, vectors = np.linalg.eigh(gram)
    root = np.sqrt(np.maximum(values, 0.0))[:, None, :] * vectors
    return np.asarray(rng.standard_normal((count, width, k)) @ root.transpose(0, 2, 1))


def _measured(z: Array, v: Array, logs: Array) -> tuple[Array, Array, Array, Array]:
    width = z.shape[1]
    squares = np.einsum("nij,nij->nj", z, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.einsum("ni,ni->n", z[:, :, 0], z[:, :, 1]) / np.sqrt(squares[:, 0] * squares[:, 1])
    return squares[:, 0] / width, correlation, logs[:, 0], np.einsum("ni,ni->n", v[:, :, 0], v[:, :, 1])


def linear_exponents(width: int, *, deviation: float, depth: int, networks: int, seed: int = 0) -> Estimate:
    """Measure the Lyapunov exponents of products of Gaussian matrices by QR, nats per layer, largest first.

    The standard errors come from the independent networks.

    >>> found = linear_exponents(1, deviation=1.0, depth=100, networks=50)
    >>> bool(abs(found.mean[0] + 0.635181) < 3 * found.error[0])
    True
    """
    check_width(width)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    frame = np.broadcast_to(np.eye(width), (networks, width, width))
    total = np.zeros((networks, width))
    for _ in range(depth):
        frame, upper = np.linalg.qr(deviation * rng.standard_normal((networks, width, width)) @ frame)
        total += np.log(np.abs(np.diagonal(upper, axis1=1, axis2=2)))
    return estimate(total / depth)
