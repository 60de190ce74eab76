"""The llvm backend: chains of one component compiled for this processor, threads taking groups of points in turn."""

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels import numpy_backend as general
from symgrad.kernels.llvm.engine import Compiled, available, compile_text, lanes
from symgrad.kernels.llvm.loops import FIXED, FLAGGED, SETTLED, Chain, module_text
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


def carry(kernel: Any, chain: "Composition", points: Points, runner: Any, *, look: bool) -> tuple[Array, Chain]:
    """Carry all points through the chain; one row per output, shape (outputs, points padded to whole groups)."""
    width = lanes()
    plan = _chain(kernel, chain, points)
    compiled = _compiled(kernel, plan, width)
    groups = -(-points.size // width)
    given = [points.start[0], *(points.shared[name] for name in plan.names)]
    columns = [_column(value, points.shape, width, groups * width) for value in given]
    rows = np.empty((plan.outputs, groups * width))
    blocks, rest = divmod(int(chain.blocks[0].depth), SPAN)
    inputs, outputs = _pointers([array for array, _ in columns]), _pointers(list(rows))
    strides = (ctypes.c_int64 * len(columns))(*(stride for _, stride in columns))
    counter = ctypes.c_int64(0)
    patience = PATIENCE // SPAN if points.size * blocks * SPAN > TOO_MANY + PATIENCE else blocks + 1
    counts = (groups, max(1, min(PORTION, groups // 8)), blocks, SPAN, rest, patience if look else 0)

    def work(_: int) -> None:
        compiled.function(inputs, strides, outputs, ctypes.addressof(counter), *counts)

    runner(work, range(min(4, -(-groups // PORTION))))
    return rows, plan


def _whole(rows: Array, plan: Chain, size: int) -> dict[Any, SignedLog]:
    """Return the results of all points, each array of shape (1, points)."""

    def number(row: int) -> SignedLog:
        return SignedLog(rows[row : row + 1, :size], rows[row + 1 : row + 2, :size])

    whole: dict[Any, SignedLog] = {"state": number(FIXED.index("state mantissa")), ("compound", 1): number(1)}
    row = len(FIXED)
    if plan.loss is not None:
        whole["loss"], row = number(row), row + 2
    for name in plan.wrt:
        whole["gradient", name], row = number(row), row + 2
    return whole


def _outcome(
    rows: Array, whole: dict[Any, SignedLog], plan: Chain, chain: "Composition", points: Points, settled: Any
) -> Outcome:
    """Return the outcome of points that float64 carried: everything is there, nothing is computed again."""
    shape, size = points.shape, points.size
    shaped = {key: SignedLog(one.mantissa.reshape(shape), one.exponent.reshape(shape)) for key, one in whole.items()}
    noted = rows[FIXED.index("noted"), :size]
    open_ = noted[~np.isnan(noted)]
    state = whole["state"]
    return Outcome(
        state=rows[0, :size].reshape((1, *shape)),
        state_log=SignedLog(state.mantissa.reshape((1, *shape)), state.exponent.reshape((1, *shape))),
        loss=shaped.get("loss"),
        product=shaped["compound", 1],
        growth=rows[FIXED.index("growth"), :size].reshape((1, *shape)),
        gradient={name: shaped["gradient", name] for name in plan.wrt},
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
    rows, plan = carry(kernel, chain, points, runner, look=True)
    size = points.size
    whole = _whole(rows, plan, size)
    status, factor = rows[3, :size], rows[4, :size]
    settled = status == SETTLED
    lost = np.flatnonzero((status % SETTLED == FLAGGED) | general._beyond(points))
    if not len(lost):
        return _outcome(rows, whole, plan, chain, points, settled)
    whole = {key: SignedLog(one.mantissa.copy(), one.exponent.copy()) for key, one in whole.items()}
    task = general.Task(kernel, chain, points, plan.slopes)
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
