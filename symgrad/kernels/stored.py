"""Kernels made of finished programs alone: what a cache keeps of a kernel, and what a call needs of it; no SymPy.

A stored kernel is called like any other and computes the same numbers, because the same backends run the same programs.
Where a backend would need the algebra behind them it raises ``NeedsAlgebra``, and the caller derives the kernel anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

from symgrad.errors import InputError
from symgrad.kernels.calls import call_kernel
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.program import OPERATIONS, TRUTHS, Program

LARGEST_PROGRAM = 20_000
MOST_COMPONENTS = 4
MOST_LAYERS = 1000


class NeedsAlgebra(Exception):
    """A stored kernel was asked for what only the derived one can answer."""


@dataclass(frozen=True)
class StoredName:
    """A component of the state, or a parameter."""

    name: str


@dataclass(frozen=True)
class StoredLayer:
    """One distinct layer, by its number, and its names with a value per layer."""

    number: int
    layered: tuple[str, ...]


@dataclass(frozen=True)
class StoredBlock:
    """A body of layers, the first applied first, and how often it is applied."""

    body: tuple[StoredLayer, ...]
    depth: int | None

    @property
    def layers(self) -> int:
        """The number of layers, body length times depth."""
        return len(self.body) * (self.depth or 0)


@dataclass(frozen=True)
class StoredChain:
    """A chain of one block with the names it uses; ``depth`` is None until a call gives it."""

    state: tuple[StoredName, ...]
    parameters: tuple[StoredName, ...]
    body: tuple[StoredLayer, ...]
    depth: int | None = None

    domain = "real"

    @property
    def blocks(self) -> tuple[StoredBlock, ...]:
        """The one block."""
        return (StoredBlock(self.body, self.depth),)

    @property
    def dimension(self) -> int:
        """The number of components of the state."""
        return len(self.state)

    @property
    def maps(self) -> tuple[StoredLayer, ...]:
        """The distinct layers, in order of first application."""
        return tuple(dict.fromkeys(self.body))

    @property
    def layered(self) -> tuple[str, ...]:
        """The names with a value per layer, sorted."""
        return tuple(sorted({name for layer in self.body for name in layer.layered}))

    @property
    def depth_symbols(self) -> tuple[str, ...]:
        """The depth where it has no value yet."""
        return ("n",) if self.depth is None else ()

    def at_depth(self, depth: int | None) -> "StoredChain":
        """Return the chain with this depth, or as it is where none is given."""
        if depth is None or depth == self.depth:
            return self
        if self.depth is not None:
            raise InputError(f"the composition has depth {self.depth}, not {depth}; leave the depth out")
        return replace(self, depth=depth)

    def schedule(self) -> Iterator[tuple[StoredLayer, int]]:
        """Yield (layer, k) in order of application."""
        for application in range(1, (self.depth or 0) + 1):
            for layer in self.body:
                yield layer, application


@dataclass(frozen=True)
class StoredPrograms:
    """The programs of a stored kernel: one per distinct layer, and the loss."""

    layers: Mapping[StoredLayer, Program]
    loss: Program | None


@dataclass(frozen=True)
class StoredTarget:
    """What is computed: the chain and the names differentiated by."""

    composition: StoredChain
    wrt: tuple[str, ...]
    second_order: bool = False


@dataclass(frozen=True, eq=False)
class StoredKernel:
    """A kernel that knows its programs and no algebra.

    Parameters
    ----------
    target : the chain and the names differentiated by
    programs : the programs of every layer and of the loss
    bare : the programs of every layer without derivatives by names
    backend : "auto", "numpy" or "llvm"

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> kernel = to_kernel(gradient(Map("w*x + b", "x") ** 3, wrt="w"))
    >>> stored = stored_kernel(kernel_data(kernel), depth=2, backend="auto")
    >>> stored(1.0, {"w": 0.5, "b": 1}).gradient["w"].value.tolist()
    2.0
    """

    target: StoredTarget
    programs: StoredPrograms
    bare: StoredPrograms
    backend: str

    @property
    def composition(self) -> StoredChain:
        """The chain of layers."""
        return self.target.composition

    @cached_property
    def bodies(self) -> dict[Any, Any]:
        """What fast backends prepared from the programs, kept for the next call."""
        return {}

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The names that need a value, sorted."""
        programs = [*self.programs.layers.values(), *([self.programs.loss] if self.programs.loss else [])]
        names = {one.name for program in programs for one in program.inputs if one.kind != "state"}
        return tuple(sorted(names | {p.name for p in self.composition.parameters}))

    @cached_property
    def repeated(self) -> "StoredKernel":
        """The kernel of the block alone at any depth, for its state and product."""
        if self.programs is self.bare and self.composition.depth is None:
            return self
        chain = replace(self.composition, depth=None)
        return StoredKernel(StoredTarget(chain, ()), self.bare, self.bare, "auto")

    @property
    def steps(self) -> NoReturn:
        """The derived steps, which are not stored."""
        raise NeedsAlgebra("the derived steps")

    @property
    def compiled(self) -> NoReturn:
        """The steps compiled by lambdify, which are not stored."""
        raise NeedsAlgebra("the compiled steps")

    def __call__(
        self,
        start: Any,
        parameters: Mapping[str, Any] | None = None,
        *,
        depth: int | None = None,
        threads: int | None = None,
        trace: bool = False,
    ) -> Outcome:
        """Evaluate as ``Kernel`` does, or raise ``NeedsAlgebra``."""
        return call_kernel(self, start, parameters, depth=depth, threads=threads, trace=trace)


def kernel_data(kernel: Any) -> dict[str, Any] | None:
    """Return a kernel of one repeated block as plain data, None where it has no programs.

    Parameters
    ----------
    kernel : a ``Kernel``
    """
    chain, programs, bare = kernel.composition, kernel.programs, kernel.repeated.programs
    fits = chain.dimension <= MOST_COMPONENTS and chain.domain == "real" and len(chain.blocks) == 1
    if not fits or isinstance(programs, str) or isinstance(bare, str) or kernel.target.second_order:
        return None
    place = {layer: i for i, layer in enumerate(programs.layers)}
    return {
        "state": [s.name for s in chain.state],
        "parameters": [p.name for p in chain.parameters],
        "wrt": list(kernel.target.wrt),
        "body": [place[layer] for layer in chain.blocks[0].body],
        "layered": [list(layer.layered) for layer in programs.layers],
        "layers": [program.to_data() for program in programs.layers.values()],
        "bare": [bare.layers[layer].to_data() for layer in programs.layers],
        "loss": None if programs.loss is None else programs.loss.to_data(),
    }


def stored_kernel(data: Any, *, depth: int, backend: str) -> StoredKernel:
    """Return the kernel of ``kernel_data``.

    Raises
    ------
    InputError : the data is no kernel: wrong types, unknown operations, slots or names that are not there
    """
    try:
        return _kernel(data, depth, backend)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as problem:
        raise InputError(f"this is no stored kernel: {problem!r}; derive it anew") from problem


def _kernel(data: Any, depth: int, backend: str) -> StoredKernel:
    state, parameters, wrt = (_names(data[key]) for key in ("state", "parameters", "wrt"))
    d = len(state)
    _need(1 <= d <= MOST_COMPONENTS, "a state")
    layered = [_names(part) for part in data["layered"]]
    size = len(layered)
    _need(0 < size <= MOST_LAYERS and len(data["layers"]) == len(data["bare"]) == size, "a program per layer")
    layers = [StoredLayer(i, names) for i, names in enumerate(layered)]
    body = data["body"]
    _need(isinstance(body, list) and 0 < len(body) <= MOST_LAYERS, "a body")
    _need(all(type(i) is int and 0 <= i < size for i in body) and set(body) == set(range(size)), "layers of the body")
    shared = set(parameters)
    full, bare = (
        {layer: _program(part, d, names, shared, layer) for layer, part in zip(layers, data[key], strict=True)}
        for key, names in (("layers", wrt), ("bare", ()))
    )
    loss = None if data["loss"] is None else _program(data["loss"], d, wrt, None, None)
    chain = StoredChain(
        tuple(map(StoredName, state)), tuple(map(StoredName, parameters)), tuple(layers[i] for i in body), depth
    )
    return StoredKernel(StoredTarget(chain, wrt), StoredPrograms(full, loss), StoredPrograms(bare, None), backend)


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} is needed")


def _names(given: Any) -> tuple[str, ...]:
    _need(isinstance(given, list) and all(type(name) is str for name in given), "a list of names")
    _need(len(set(given)) == len(given), "a list of different names")
    return tuple(given)


def _program(
    data: Any, components: int, wrt: Sequence[str], shared: set[str] | None, layer: StoredLayer | None
) -> Program:
    """Return one program whose inputs are the state and known names, and whose outputs are those of a step."""
    _need(len(data["instructions"]) + len(data["constants"]) <= LARGEST_PROGRAM, "a program of ordinary size")
    numbers = [*(a for row in data["instructions"] for a in row[1:])]
    numbers += [slot for key in ("values", "jacobian", "local") for slot in data[key]]
    _need(all(type(number) is int for number in numbers), "slots that are whole numbers")
    _need(type(data["zeros_exact"]) is bool, "a truth")
    program = Program.from_data(data)
    _need(program.wrt == tuple(wrt), "the names differentiated by")
    outputs = (len(program.values), len(program.jacobian), len(program.local))
    rows = components if layer else 1
    _need(outputs == (rows, rows * components, rows * len(wrt)), "values, slopes and derivatives by each name")
    kinds = [one.kind for one in program.inputs]
    _need([kind == "state" for kind in kinds] == [i < components for i in range(len(kinds))], "the state first")
    names = [one.name for one in program.inputs[components:]]
    _need(len(set(names)) == len(names), "different inputs")
    for one in program.inputs[components:]:
        known = (
            layer is not None and one.name in layer.layered
            if one.kind == "layer"
            else shared is None or one.name in shared
        )
        _need(known, f"a name of the chain instead of {one.name!r}")
    _check_truths(program)
    return program


def _check_truths(program: Program) -> None:
    """Refuse numbers where truths are needed, and the other way round."""
    truth = [False] * program.first_instruction
    for one in program.instructions:
        given = [truth[a] for a in one.arguments]
        if one.op in ("and", "or", "not"):
            wanted = [True] * OPERATIONS[one.op][0]
        else:
            wanted = [one.op == "select", *[False] * (len(given) - 1)]
        _need(given == wanted, f"arguments of another kind for {one.op}")
        truth.append(one.op in TRUTHS)
    _need(not any(truth[slot] for slot in program.outputs), "numbers as outputs")
