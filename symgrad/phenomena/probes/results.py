"""What a probe found: blocks, recurrent paths, the whole network; and its text."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symgrad.evidence import Verdict
from symgrad.phenomena.probes.blocks import BlockKind
from symgrad.phenomena.probes.regimes import GradientRegime
from symgrad.phenomena.probes.theory import Prediction, Suggestion

Array = NDArray[np.float64]
Cell = str | int | float
SHOWN = 6
LONGEST = 52


@dataclass(frozen=True)
class Block:
    """One factor of the Jacobian product.

    Parameters
    ----------
    name, kind : which modules it holds, and what it is
    inputs, outputs : entries of a sample before and after it
    log_gain : what it adds to log‖∂h_L/∂h_l‖_F of the gradient that reaches it, nats, mean over the samples
    standard_error : of ``log_gain`` over the samples, nan for one sample
    regime : of ``log_gain``
    predicted : the same by theory, nats; None where theory has no law for it
    largest, smallest : singular values of its own Jacobian, extremes over the samples measured; None where not measured
    tolerance : relative error of ``largest``
    sign : of a scalar block, + or - for each sample; "" for others
    dead : units whose slope is 0 for every sample of the batch, None without a nonlinearity at hand
    saturated : share of units and samples with a slope below 1 % of the steepest, None likewise
    factor : what to multiply its weights by to make it critical, None where theory has no answer
    """

    name: str
    kind: BlockKind
    inputs: int
    outputs: int
    log_gain: float
    standard_error: float
    regime: GradientRegime
    predicted: float | None
    largest: float | None
    smallest: float | None
    tolerance: float
    sign: str = ""
    dead: int | None = None
    saturated: float | None = None
    factor: float | None = None


@dataclass(frozen=True)
class Path:
    """A way through time in a recurrent layer.

    Parameters
    ----------
    name : of the layer and of the way
    steps : time steps
    rate, standard_error : (1/T) log(‖∂s_T/∂s_0‖_F/√n), nats per step, from zero states
    regime : of ``rate``
    gate : mean of the forget gate (LSTM) or of the update gate (GRU), None for others
    prediction : mean-field theory for a vanilla layer, with the inputs as its biases; None for others
    """

    name: str
    steps: int
    rate: float
    standard_error: float
    regime: GradientRegime
    gate: float | None = None
    prediction: Prediction | None = None


@dataclass(frozen=True, eq=False)
class Probe:
    """What a network does to gradients on a batch, beside what theory predicts.

    Parameters
    ----------
    model : the kind of module
    blocks : from the input to the output
    rate : (1/L) log(‖J‖_F/√n) of the whole Jacobian, n outputs, L blocks: mean over the samples, nats per block
    standard_error : of ``rate`` over the samples, the network held fixed; nan for one sample
    regime : of ``rate``
    verdict : SAMPLED, or UNDECIDED where two standard errors reach into another regime
    prediction : what theory says, None where it has no law for some block before the last
    suggestion : what would make the network critical
    paths : the ways through time in recurrent layers
    log_norms : log(‖∂h_L/∂h_l‖_F/√n), nats, shape (L + 1, samples): what reaches each boundary, input first
    log_largest : log of the largest singular value of the whole Jacobian, shape (samples measured,); None if unmeasured
    zeros : share of samples whose Jacobian is exactly 0, left out of ``rate``
    cotangents : how many were pulled back; all of them where ``exact``
    samples, batch : samples measured, and given
    precision : floating-point type of the model
    tolerance : largest near-critical |rate|, nats per block
    notes : what else is worth saying
    """

    model: str
    blocks: tuple[Block, ...]
    rate: float
    standard_error: float
    regime: GradientRegime
    verdict: Verdict
    prediction: Prediction | None
    suggestion: Suggestion
    paths: tuple[Path, ...]
    log_norms: Array = field(repr=False)
    log_largest: Array | None = field(repr=False)
    zeros: float
    exact: bool
    cotangents: int
    samples: int
    batch: int
    precision: str
    tolerance: float
    notes: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The number of blocks."""
        return len(self.blocks)

    @property
    def rates(self) -> Array:
        """The rate of the last 1, 2, …, L blocks, nats per block, mean over the samples, shape (L,)."""
        sums = self.log_norms[:-1][::-1]
        means, _ = mean_and_error(sums)
        means, _ = mean_and_error(sums)
        return means / np.arange(1, len(sums) + 1)

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns of ``rows``."""
        return (
            "block",
            "regime",
            "log gain",
            "theory",
            "largest σ",
            "smallest σ",
            "sign",
            "dead",
            "saturated",
            "× weights",
        )

    @property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """One row per block, a dash for what was not measured or has no theory: ``Table(probe.header, probe.rows)``."""
        return tuple(_row(block) for block in self.blocks)

    @property
    def status(self) -> str:
        """The finding in one sentence."""
        if self.regime in (GradientRegime.ZERO, GradientRegime.UNDECIDED):
            return str(self.regime.value)
        factor = _power_of_ten(self.rate * self.depth)
        return f"{self.regime.word}: a gradient is multiplied by about {factor} on its way back through the network"

    def __str__(self) -> str:
        """The report for a person."""
        return "\n".join(_lines(self))


def mean_and_error(samples: Array) -> tuple[Array, Array]:
    """Return mean and standard error over the last axis, exact zeros (-inf) left out unless there is nothing else.

    >>> mean, error = mean_and_error(np.array([[1.0, 3.0], [-np.inf, 2.0]]))
    >>> mean.tolist(), error.tolist()
    ([2.0, 2.0], [1.0, nan])
    """
    there = ~np.isneginf(samples)
    count = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, samples, 0.0).sum(axis=-1) / count
        squares = (np.where(there, samples - mean[..., None], 0.0) ** 2).sum(axis=-1)
        error = np.sqrt(squares / (count - 1) / count)
    return np.where(count > 0, mean, -np.inf), np.where(count > 1, error, np.nan)


def _power_of_ten(log: float) -> str:
    """Return exp(log) as text, whatever its size.

    >>> _power_of_ten(-1000.0), _power_of_ten(0.7)
    ('5.1e-435', '2')
    """
    if abs(log) < 7:
        return f"{math.exp(log):.2g}"
    exponent = math.floor(log / math.log(10.0))
    return f"{math.exp(log - exponent * math.log(10.0)):.1f}e{exponent:+d}"


def _row(block: Block) -> tuple[Cell, ...]:
    def shown(value: float | None) -> Cell:
        return "–" if value is None else value

    return (
        block.name,
        block.regime.word,
        block.log_gain,
        shown(block.predicted),
        shown(block.largest),
        shown(block.smallest),
        block.sign or "–",
        shown(block.dead),
        shown(block.saturated),
        shown(block.factor),
    )


def _plus_minus(value: float, error: float) -> str:
    return f"{value:+.4g}" + ("" if math.isnan(error) else f" ± {error:.1g}")


def _lines(probe: Probe) -> list[str]:
    unit = "step" if all(b.kind is BlockKind.STEP for b in probe.blocks) else "block"
    plural = f"{probe.depth} {unit}{'' if probe.depth == 1 else 's'}"
    means = "all unit cotangents" if probe.exact else f"{probe.cotangents} random cotangents"
    measured = _plus_minus(probe.rate, probe.standard_error)
    lines = [
        f"{probe.model}: {plural}, {probe.samples} of {probe.batch} samples, {means}, {probe.precision}",
        f"  {probe.status}",
        f"  measured: {measured} nats per {unit} ({probe.verdict.word}){_peak(probe)}",
        *_theory_lines(probe.prediction, unit, probe.depth),
        *(_path_line(path) for path in probe.paths),
        f"  to do: {probe.suggestion.sentence}",
        *(f"  note: {note}" for note in probe.notes),
    ]
    return [*lines, *_table(probe)]


def _peak(probe: Probe) -> str:
    """Return the largest singular value of the whole Jacobian, where it was measured and is not 0."""
    if probe.log_largest is None or not np.isfinite(probe.log_largest).any():
        return ""
    return f"; largest singular value of the whole Jacobian {_power_of_ten(float(probe.log_largest.max()))}"


def _theory_lines(prediction: Prediction | None, unit: str, depth: int) -> list[str]:
    if prediction is None:
        return ["  theory: none for a network with these blocks"]
    at = ""
    if not math.isnan(prediction.sigma_w2):
        at = f" ({prediction.phi}, σ_w² = {prediction.sigma_w2:.4g}, σ_b² = {prediction.sigma_b2:.4g})"
    deep = prediction.asymptotic_rate
    limit = "" if deep is None else f"; in deep networks ½ log χ₁ = {deep:+.4g}"
    word = prediction.regime.word
    spread = f" ± {prediction.spread:.1g} over networks" if 0 < prediction.spread < 1 else ""
    part = "" if len(prediction.blocks) == depth else f" in the first {len(prediction.blocks)}"
    return [f"  theory:   {prediction.rate:+.4g}{spread}, nats per {unit}{part}{at}: {word}{limit}"]


def _path_line(path: Path) -> str:
    gate = "" if path.gate is None else f", mean gate {path.gate:.3g}"
    theory = "" if path.prediction is None else f", theory {path.prediction.rate:+.4g}"
    rate = _plus_minus(path.rate, path.standard_error)
    return f"  {path.name}: {rate} nats per step over {path.steps} steps: {path.regime.word}{gate}{theory}"


def _table(probe: Probe) -> list[str]:
    """Return the first and the last rows, aligned."""
    rows = [probe.header, *[tuple(_text(cell) for cell in row) for row in probe.rows]]
    hidden = {len(rows[0]) - 1} if _even(probe) else set()
    columns = [k for k in range(len(rows[0])) if k < 3 or (k not in hidden and any(row[k] != "–" for row in rows[1:]))]
    if len(rows) > 2 * SHOWN + 2:
        gap = tuple("…" for _ in rows[0])
        rows = [*rows[: SHOWN + 1], gap, *rows[-SHOWN:]]
    widths = [max(len(row[k]) for row in rows) for k in columns]
    return [
        "  "
        + "  ".join(
            row[k].ljust(w) if k < 2 else row[k].rjust(w) for k, w in zip(columns, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _even(probe: Probe) -> bool:
    """Return whether one factor serves all weights, within a tenth."""
    factors = [block.factor for block in probe.blocks if block.factor is not None]
    return not factors or max(factors) <= 1.1 * min(factors)


def _text(cell: Cell) -> str:
    text = str(cell) if isinstance(cell, str) else f"{cell:.4g}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
