"""The llvm backend: chains of one component compiled for this processor, threads taking groups of points in turn."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels import numpy_backend as general
from symgrad.kernels.llvm.chain import FIXED, Chain
from symgrad.kernels.llvm.engine import Compiled, available, compile_text, lanes
from symgrad.kernels.llvm.loops import FLAGGED, SETTLED, module_text
from symgrad.kernels.llvm.operations import SUPPORTED
from symgrad.kernels.outcome import Outcome, Status
from symgrad.kernels.points import Points
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.stacking import Stacked, to_outcome
from symgrad.kernels.stretches import PATIENCE, SPAN, TOO_MANY

if TYPE_CHECKING:
    from symgrad.maps import Composition

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Rescue = Callable[[Index], Stacked]
PORTION = 32
LONGEST_BODY = 8


def obstacle(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why the llvm backend cannot compute this, None if it can."""
    if not available():
        return "anything without llvmlite: pip install 'symgrad[fast]'"
    reason = general.obstacle(kernel, chain, trace)
    if reason is not None:
        return reason
    if len(chain.blocks) != 1 or len(chain.blocks[0].body) > LONGEST_BODY:
        return f"chains other than one body of at most {LONGEST_BODY} layers, repeated"
    if chain.layered:
        return "values per layer"
    programs = [kernel.programs.layers[layer] for layer in chain.blocks[0].body]
    programs += [kernel.programs.loss] if kernel.programs.loss is not None else []
    missing = sorted(set().union(*(program.operations for program in programs)) - SUPPORTED)
    return f"the operation {missing[0]}" if missing else None


def _chain(kernel: Any, chain: "Composition", points: Points) -> Chain:
    """Return what is to be compiled."""
    layers = tuple(kernel.programs.layers[layer] for layer in chain.blocks[0].body)
    state = {s.name for s in chain.state}
    slopes = tuple(name for name in kernel.target.wrt if name not in state)
    live = tuple(
        i
        for i, name in enumerate(slopes)
        if any(layer.constant(layer.local[layer.wrt.index(name)]) != 0.0 for layer in layers)
    )
    return Chain(layers, kernel.programs.loss, tuple(points.shared), slopes, kernel.target.wrt, live)


def _compiled(kernel: Any, chain: Chain, width: int) -> Compiled:
    key = ("llvm", chain, width)
    found = kernel.bodies.get(key)
    if found is None:
        found = kernel.bodies.setdefault(key, compile_text(module_text(chain, width)))
    return found  # type: ignore[no-any-return]


def _column(value: Array, shape: tuple[int, ...], width: int, size: int) -> tuple[Array, int]:
    """Return the values of all points padded to whole groups, or one group of a shared value; and its stride."""
    if value.size == 1:
        return np.full(width, value.reshape(())), 0
    flat = np.ascontiguousarray(np.broadcast_to(value, shape)).reshape(-1)
    return (flat if len(flat) == size else np.concatenate([flat, np.repeat(flat[-1:], size - len(flat))])), 1


def _pointers(arrays: Sequence[Array]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


@dataclass(frozen=True)
class Carried:
    """What the compiled function wrote, by rows; the last axis is the point.

    Parameters
    ----------
    rows : those of ``FIXED``, then loss and gradients
    exponents : powers of two by which product and gradients are to be multiplied, None where all are 0
    """

    chain: Chain
    rows: Array
    exponents: Array | None

    def row(self, name: str) -> Array:
        """Return one of the rows of ``FIXED``."""
        return np.asarray(self.rows[FIXED.index(name)])

    @property
    def numbers(self) -> dict[Any, SignedLog]:
        """The numbers of all points, each array of shape (1, points)."""
        first, wrt = self.chain.outputs - len(self.chain.wrt), self.chain.wrt
        wide: dict[Any, int] = {("compound", 1): FIXED.index("product")}
        wide |= {("gradient", name): first + i for i, name in enumerate(wrt)}
        found = {"state": SignedLog.of_floats(self.rows[:1])}
        if self.chain.loss is not None:
            found["loss"] = SignedLog.of_floats(self.rows[len(FIXED)][np.newaxis])
        for i, (key, row) in enumerate(wide.items()):
            value = self.rows[row][np.newaxis]
            if self.exponents is None or not self.exponents[i].any():
                found[key] = SignedLog.of_floats(value)
            else:
                found[key] = SignedLog.from_parts(value, self.exponents[i][np.newaxis])
        return found


def carry(kernel: Any, chain: "Composition", points: Points, runner: Any, *, look: bool) -> Carried:
    """Carry all points through the chain."""
    width, size = lanes(), points.size
    plan = _chain(kernel, chain, points)
    compiled = _compiled(kernel, plan, width)
    groups = -(-size // width)
    given = [points.start[0], *(points.shared[name] for name in plan.names)]
    columns = [_column(value, points.shape, width, groups * width) for value in given]
    rows, exponents = np.empty((plan.outputs, groups * width)), np.zeros((plan.wide, groups * width))
    blocks, rest = divmod(int(chain.blocks[0].depth), SPAN)
    inputs, outputs = _pointers([array for array, _ in columns]), _pointers([*rows, *exponents])
    strides = (ctypes.c_int64 * len(columns))(*(stride for _, stride in columns))
    counter = (ctypes.c_int64 * 2)(0, 0)  # the next group, and whether some exponent is not 0
    patience = PATIENCE // SPAN if size * blocks * SPAN > TOO_MANY + PATIENCE else blocks + 1
    counts = (groups, max(1, min(PORTION, groups // 8)), blocks, SPAN, rest, patience if look else 0)

    def work(_: int) -> None:
        compiled.function(inputs, strides, outputs, ctypes.addressof(counter), *counts)

    runner(work, range(min(4, -(-groups // PORTION))))
    return Carried(plan, rows[:, :size], exponents[:, :size] if counter[1] else None)


def _outcome(
    found: Carried, whole: dict[Any, SignedLog], chain: "Composition", points: Points, settled: Any
) -> Outcome:
    """Return the outcome of points that float64 carried: everything is there, nothing is computed again."""
    shape = points.shape
    fate = found.row("fate")
    open_ = fate[fate >= 0.0]
    return Outcome(
        state=found.row("state").reshape((1, *shape)),
        state_log=whole["state"].reshape((1, *shape)),
        loss=whole["loss"].reshape(shape) if "loss" in whole else None,
        product=whole["compound", 1].reshape(shape),
        growth=found.row("growth").reshape((1, *shape)),
        gradient={name: whole["gradient", name].reshape(shape) for name in found.chain.wrt},
        hessian={},
        trace=None,
        status=np.full(shape, Status.FINITE, dtype=np.int8),
        depth=int(chain.depth),
        backend="llvm",
        settled=float(settled.mean()),
        open_factor=float(open_.max()) if len(open_) else np.nan,
    )


def run_llvm(kernel: Any, chain: "Composition", points: Points, runner: Any, rescue: Rescue) -> Outcome:
    """Evaluate in vector code; points float64 cannot carry go to the NumPy backend's careful path and ``rescue``."""
    points.check_range()
    found = carry(kernel, chain, points, runner, look=True)
    whole, fate = found.numbers, found.row("fate")
    settled = fate == SETTLED
    lost = np.flatnonzero((fate == FLAGGED) | general.beyond_reach(points))
    if not len(lost):
        return _outcome(found, whole, chain, points, settled)
    factor = np.where(fate < 0.0, np.nan, fate)
    whole = {key: SignedLog(one.mantissa.copy(), one.exponent.copy()) for key, one in whole.items()}
    task = general.Task(kernel, chain, points, found.chain.slopes)
    parts, settled[lost], factor[lost] = general.mend(task, runner, lost, rescue)
    general.replace(whole, lost, parts)
    open_ = factor[~np.isnan(factor)]
    return to_outcome(
        Stacked(whole),
        chain,
        points,
        "llvm",
        settled=float(settled.mean()),
        open_factor=float(open_.max()) if len(open_) else np.nan,
    )
