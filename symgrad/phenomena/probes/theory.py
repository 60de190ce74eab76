"""What mean-field theory predicts for a network, from the variances of its own weights, block by block.

Each operation acts on the mean square m of a vector's entries and on that of a gradient: weights of variance σ_w²/N
take m to σ_w²m + σ_b² and multiply squared gradients by σ_w², a nonlinearity takes m to Eφ² and multiplies them by
Eφ'², and a skip connection with a branch scaled by s adds: m + s²m', 1 + s²χ'.

References
----------
Poole et al. (2016), arXiv 1606.05340; Schoenholz et al. (2017), arXiv 1611.01232; Yang & Schoenholz (2017),
arXiv 1712.08969 (residual networks); Chen, Pennington & Schoenholz (2018), arXiv 1806.05394 (recurrent networks).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.criticality import critical_point
from symgrad.phenomena.meanfield.finite_width import log_variance_per_layer
from symgrad.phenomena.meanfield.length_maps import length_map
from symgrad.phenomena.meanfield.moments import moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, nonlinearity
from symgrad.phenomena.probes.regimes import TOLERANCE, GradientRegime, name_regime

ALIKE = 1e-6
SAME = 0.1


@dataclass(frozen=True)
class Weights:
    """Weights as drawn: σ_w² = N times their mean square, σ_b² the mean square of the biases, N inputs per unit."""

    sigma_w2: float
    sigma_b2: float
    fan_in: int


@dataclass(frozen=True)
class Nonlinear:
    """A nonlinearity, as symgrad writes it."""

    phi: str


@dataclass(frozen=True)
class Normalised:
    """Layer normalisation with the mean squares of its gain and of its shift."""

    gain2: float = 1.0
    shift2: float = 0.0


@dataclass(frozen=True)
class Skip:
    """x + scale·branch(x)."""

    branch: tuple["Operation", ...]
    scale: float = 1.0


@dataclass(frozen=True)
class Scaled:
    """Multiplication by a number."""

    factor: float


Operation = Weights | Nonlinear | Normalised | Skip | Scaled


@dataclass(frozen=True)
class Prediction:
    """What theory says about the network as it is initialised.

    Parameters
    ----------
    rate : predicted (1/L) log of the root mean squared gain, at the network's own depth and input, nats per block
    blocks : the part of each block, nats; one less than the network has where its last block has no law
    spread : standard deviation of the rate over random networks of these widths, to first order in 1/width, at most
    regime : of ``rate``
    sigma_w2, sigma_b2 : averages over the blocks, nan where blocks hold several or none
    phi : the nonlinearity, "" where it differs from block to block
    chi1 : χ₁ at the length that deep networks of these variances tend to, None where there is none
    asymptotic_rate : ½ log χ₁, nats per block
    sentence : what the prediction rests on
    """

    rate: float
    blocks: tuple[float, ...] = field(repr=False)
    spread: float
    regime: GradientRegime
    sigma_w2: float
    sigma_b2: float
    phi: str
    chi1: float | None
    asymptotic_rate: float | None
    sentence: str


@dataclass(frozen=True)
class Suggestion:
    """What would make the network critical.

    Parameters
    ----------
    sentence : what to do, for a person
    parameter : what to change, e.g. "weights"; "" for nothing
    factor : what to multiply it by, None where nothing is to be multiplied
    added : what to add to it, None where nothing is to be added
    """

    sentence: str
    parameter: str = ""
    factor: float | None = None
    added: float | None = None


def pushed(operations: Sequence[Operation], square: float) -> tuple[float, float, float]:
    """Return the mean square after the operations, the growth of squared gradients, and their log-variance.

    >>> square, growth, _ = pushed([Weights(2.0, 0.0, 64), Nonlinear("relu")], 1.0)
    >>> round(square, 12), round(growth, 12)
    (1.0, 1.0)
    >>> pushed([Skip((Nonlinear("identity"), Weights(0.5, 0.0, 8)))], 1.0)[:2]
    (1.5, 1.5)
    """
    growth, variance = 1.0, 0.0
    fan_in, waiting = 0, 0.0
    for operation in operations:
        match operation:
            case Weights():
                square, factor = operation.sigma_w2 * square + operation.sigma_b2, operation.sigma_w2
                # A linear layer adds 2/N; the rest of β/N comes from the nonlinearity behind it, or before it.
                variance += (2.0 + waiting) / operation.fan_in
                fan_in, waiting = 0 if waiting else operation.fan_in, 0.0
            case Nonlinear():
                phi = nonlinearity(operation.phi)
                extra = _extra_variance(phi, square)
                waiting = 0.0 if fan_in else extra
                variance, fan_in = variance + (extra / fan_in if fan_in else 0.0), 0
                found = moments(phi, np.array([square]))
                square, factor = float(found.square[0]), float(found.slope_square[0])
            case Normalised():
                factor = operation.gain2 / square if square > 0 else math.inf
                square = operation.gain2 + operation.shift2
            case Scaled():
                factor = operation.factor**2
                square *= factor
            case Skip():
                inner, inside, spread = pushed(operation.branch, square)
                scale = operation.scale**2
                square, factor = square + scale * inner, 1.0 + scale * inside
                variance += spread * (scale * inside / factor) ** 2
        growth *= factor
    return square, growth, variance


def _extra_variance(phi: Nonlinearity, square: float) -> float:
    """Return β - 2, by which a nonlinearity exceeds a linear layer, 0 where its average is not resolved."""
    try:
        return log_variance_per_layer(phi, max(square, 1e-12)) - 2.0
    except InputError:
        return 0.0


def predict(blocks: Sequence[Sequence[Operation]], square: float, *, tolerance: float = TOLERANCE) -> Prediction:
    """Return the prediction for blocks of operations, from the mean square of the input's entries.

    Examples
    --------
    >>> layer = (Weights(0.25, 0.0, 512), Nonlinear("tanh"))
    >>> found = predict([layer] * 50, 1.0)
    >>> round(found.rate, 3), round(found.asymptotic_rate, 6), found.regime.word
    (-0.698, -0.693147, 'vanishing')
    """
    rates, variance = [], 0.0
    known: dict[tuple[tuple[Operation, ...], str], tuple[float, float, float]] = {}
    for operations in blocks:
        # Tied layers soon repeat themselves to 14 digits.
        key = tuple(operations), f"{square:.14g}"
        if key not in known:
            known[key] = pushed(operations, square)
        square, growth, spread = known[key]
        rates.append(0.5 * math.log(growth) if growth > 0 else -math.inf)
        variance += spread
    depth = len(rates)
    rate = float(np.mean(rates))
    spread = 0.5 * math.sqrt(variance) / depth
    regime = name_regime(rate, depth, tolerance=tolerance)
    shared = _shared(blocks)
    means = _mean_variances(blocks, shared)
    basis = "mean field at this depth, from the variances of the network's own weights"
    if shared is None or math.isnan(means[0]):
        return Prediction(rate, tuple(rates), spread, regime, *means, shared or "", None, None, basis)
    chi1, limit, note = _limit(shared, *means)
    return Prediction(rate, tuple(rates), spread, regime, *means, shared, chi1, limit, basis + note)


def _limit(phi: str, sigma_w2: float, sigma_b2: float) -> tuple[float | None, float | None, str]:
    """Return χ₁ in deep networks, ½ log χ₁, and what to say where there is none."""
    function = nonlinearity(phi)
    try:
        point = length_map(function, sigma_w2=sigma_w2, sigma_b2=sigma_b2).attractor
    except InputError as error:
        return None, None, f"; χ₁ in deep networks: {error}"
    if function.homogeneous:
        chi1 = sigma_w2 * float(moments(function, np.array(1.0)).slope_square)
    elif point is not None:
        chi1 = point.chi1
    else:
        return None, None, "; no fixed length, so no χ₁ in deep networks"
    return chi1, 0.5 * math.log(chi1) if chi1 > 0 else -math.inf, ""


def plain(operations: Sequence[Operation]) -> tuple[Weights, str] | None:
    """Return the weights and the nonlinearity of a block that holds one of each, "identity" for weights alone.

    A number that multiplies what the weights give counts with them.

    >>> plain([Weights(4.0, 0.0, 64), Scaled(0.5), Nonlinear("tanh")])
    (Weights(sigma_w2=1.0, sigma_b2=0.0, fan_in=64), 'tanh')
    """
    weights, phi = None, None
    for operation in operations:
        match operation:
            case Weights() if weights is None:
                weights = operation
            case Scaled() if weights is not None:
                square = operation.factor**2
                # Behind the nonlinearity it multiplies what the next weights see, and no biases.
                biases = weights.sigma_b2 * (square if phi is None else 1.0)
                weights = Weights(square * weights.sigma_w2, biases, weights.fan_in)
            case Nonlinear() if phi is None:
                phi = operation.phi
            case _:
                return None
    return None if weights is None else (weights, phi or "identity")


def _shared(blocks: Sequence[Sequence[Operation]]) -> str | None:
    """Return the nonlinearity of all plain blocks; a linear one at either end is a reading layer and does not count."""
    found = [plain(operations) for operations in blocks]
    names = [None if row is None else row[1] for row in found]
    if len(names) > 1 and names[-1] == "identity":
        names.pop()
    if len(names) > 1 and names[0] == "identity":
        names.pop(0)
    return names[0] if names and len(set(names)) == 1 else None


def _mean_variances(blocks: Sequence[Sequence[Operation]], phi: str | None) -> tuple[float, float]:
    """Return the average variances of the blocks with the shared nonlinearity, nan where there is none."""
    found = [row[0] for row in map(plain, blocks) if row is not None and row[1] == phi]
    if not found or any(w.sigma_w2 <= 0 for w in found):
        return math.nan, math.nan
    # The geometric mean: it is the product of the factors that counts.
    product = math.exp(float(np.mean([math.log(w.sigma_w2) for w in found])))
    return product, float(np.mean([w.sigma_b2 for w in found]))


def critical_factor(weights: Weights, phi: str) -> tuple[float, str] | None:
    """Return what to multiply weights by to make a plain layer critical, and what is special there; None for nothing.

    >>> critical_factor(Weights(0.25, 0.0, 512), "tanh")[0]
    2.0
    """
    try:
        point = critical_point(nonlinearity(phi), sigma_b2=weights.sigma_b2)
    except InputError:
        return None
    if point is None or weights.sigma_w2 <= 0:
        return None
    note = point.sentence
    if point.q is None and weights.sigma_b2 > 0:
        note = f"with σ_b² > 0 no length is fixed there: it grows by {weights.sigma_b2:.3g} per layer"
    return math.sqrt(point.sigma_w2 / weights.sigma_w2), note


def suggest(
    blocks: Sequence[Sequence[Operation]], rate: float, *, tolerance: float = TOLERANCE, parameter: str = "weights"
) -> Suggestion:
    """Return what would make a network critical, from its operations and its measured rate.

    Examples
    --------
    >>> layer = (Weights(0.25, 0.0, 512), Nonlinear("tanh"))
    >>> suggest([layer] * 50, -0.7).sentence
    'multiply the weights by 2: σ_w² = 1 is critical for tanh at σ_b² = 0; the length falls to 0, slower than \
exponentially there'
    """
    regime = name_regime(rate, len(blocks), tolerance=tolerance)
    if any(isinstance(o, Skip) for operations in blocks for o in operations):
        return _of_skips(blocks, regime)
    shared = _shared(blocks)
    means = _mean_variances(blocks, shared)
    if shared is None or math.isnan(means[0]):
        if regime is GradientRegime.NEAR_CRITICAL:
            return Suggestion("leave the network as it is: it is near-critical")
        return Suggestion("no critical gain is known: the blocks are not one kind of layer with one nonlinearity")
    found = critical_factor(Weights(*means, 1), shared)
    if found is None:
        return Suggestion(f"no critical gain exists: {shared} has no χ₁ = 1 at σ_b² = {means[1]:.4g}")
    factor, note = found
    where = f"σ_w² = {factor**2 * means[0]:.5g} is critical for {shared} at σ_b² = {means[1]:.4g}"
    what = "the weights" if parameter == "weights" else parameter
    keep = f"near-critical already; exactly critical after multiplying {what} by"
    start = keep if regime is GradientRegime.NEAR_CRITICAL else f"multiply {what} by"
    uneven = " in the mean, block by block as listed" if _uneven(blocks, shared) else ""
    return Suggestion(f"{start} {factor:.4g}{uneven}: {where}{f'; {note}' if note else ''}", parameter, factor)


def _uneven(blocks: Sequence[Sequence[Operation]], phi: str) -> bool:
    sizes = [row[0].sigma_w2 for row in map(plain, blocks) if row is not None and row[1] == phi]
    return max(sizes) > (1.0 + SAME) * min(sizes)


def _of_skips(blocks: Sequence[Sequence[Operation]], regime: GradientRegime) -> Suggestion:
    """Return what to do with branches: those of L blocks, scaled by 1/√L, multiply squared gradients by about e^χ."""
    count = sum(any(isinstance(o, Skip) for o in operations) for operations in blocks)
    if regime is GradientRegime.NEAR_CRITICAL:
        return Suggestion("leave the branches as they are: with its skip connections the network is near-critical")
    if regime is not GradientRegime.EXPLODING:
        return Suggestion("the loss is in the blocks without a skip connection, or in what follows the sum: look there")
    factor = 1.0 / math.sqrt(count)
    sentence = (
        f"multiply the output of every branch by {factor:.4g} = 1/√{count}: the gradient then grows by a factor that"
    )
    return Suggestion(f"{sentence} does not depend on depth", "branches", factor)


def odd(phi: str) -> bool:
    """Return whether φ(-x) = -φ(x), at points of many sizes.

    >>> odd("tanh"), odd("relu")
    (True, False)
    """
    function, points = nonlinearity(phi).value, np.logspace(-3, 2, 60)
    return bool(np.allclose(function(-points), -function(points), rtol=ALIKE, atol=ALIKE))


def supported(operations: Sequence[Operation]) -> bool:
    """Return whether the laws above hold for this order of operations.

    Normalisation must follow weights or a skip, so that its input has mean 0; the branch of a skip must end in weights
    or in an odd nonlinearity, so that it is not correlated with what it is added to.
    """
    for before, after in pairwise((None, *operations)):
        if isinstance(after, Normalised) and isinstance(before, Nonlinear):
            return False
        if isinstance(after, Skip):
            last = after.branch[-1] if after.branch else None
            fine = isinstance(last, Weights) or (isinstance(last, Nonlinear) and odd(last.phi))
            if not fine or not any(isinstance(o, Weights) for o in after.branch) or not supported(after.branch):
                return False
    return True
