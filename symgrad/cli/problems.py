"""The question a command is asked about a composition: its text, its values, and the checks that need no SymPy."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from symgrad.cli import values
from symgrad.cli.arguments import Operand, Option
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.maps import Composition, SlicedComposition
    from symgrad.parsing import Constant, LayerRange, Node, Slice

EXPRESSION = Operand("EXPR", 'the layers, e.g. "tanh(w*x+b)"; layers separated by |, components by ;')
STATE = Option("--state", "x[,y…]", "the names of the state's components (default x)", values.names)
START = Option("--start", "V[,V…]", "where the state starts, one number for each component", values.numbers)
DEPTH = Option("--depth", "N", "how often the whole chain of layers is applied", values.depth)
SYMBOLIC_DEPTH = Option("--depth", "n|N", "how often the chain is applied; n is any depth", values.symbolic_depth)
SET = Option(
    "--set", "NAME=VALUE", "a parameter's value; NAME=[v1,v2,…] or NAME=@FILE for each layer", values.setting, (), True
)
UNTIED = Option("--untied", "w,b", "parameters of which each application has its own", values.names, ())
SLICE = Option(
    "--slice", "u=w[1..3],v=w[4..6]", "layers that share one swept name in place of their own values", values.layers, {}
)
WRT = Option("--wrt", "w,b", "the parameters to take the gradient by", values.names, ())
LOSS = Option("--loss", "EXPR", "a loss of the last state and of parameters")
AXIS = Option(
    "--axis",
    "NAME=LOW:HIGH[:COUNT]",
    f"a parameter, or a state component to sweep its start; COUNT points (default {values.DEFAULT_COUNT})",
    values.axis,
    (),
    True,
)
EXTEND = Option("--extend", "FILE.py", "a Python file that defines activations of your own; it is run", str, (), True)

COMPOSITION_OPTIONS = (STATE, UNTIED, WRT, LOSS, EXTEND)


@dataclass(frozen=True)
class Problem:
    """A composition with what is asked of it.

    Parameters
    ----------
    text : the layers as given
    state : names of the state's components
    depth : how often the chain is applied, "n" for a symbol
    start : one number for each component, or None
    settings : parameter name → number, or one number for each layer
    axes : the names swept, with their bounds
    untied, wrt : names of parameters
    loss : text of the loss, or None
    layers : how many layers the text has
    parameters : names of the parameters that layers share, those of the slice among them
    layered : names of the parameters that have a value per layer in some layer
    slice : swept name → the layers that use it in place of their own values
    """

    text: str
    state: tuple[str, ...]
    depth: int | str
    start: "tuple[Constant, ...] | None"
    settings: Mapping[str, values.Value]
    axes: tuple[values.AxisText, ...]
    untied: tuple[str, ...]
    wrt: tuple[str, ...]
    loss: str | None
    layers: int
    parameters: tuple[str, ...]
    layered: tuple[str, ...]
    slice: "Slice" = field(default_factory=dict)

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of all parameters, sorted."""
        return tuple(sorted({*self.parameters, *self.layered}))

    def composition(self) -> "Composition":
        """Build the composition; the first thing that needs SymPy."""
        return self._sliced.composition

    @cached_property
    def _sliced(self) -> "SlicedComposition":
        """The composition with the names and values that the slice leaves."""
        from symgrad.maps import SlicedComposition, apply_slice, composition_from_text
        from symgrad.symbols import n

        depth = n if isinstance(self.depth, str) else self.depth
        whole = composition_from_text(self.text, state=self.state, depth=depth, untied=self.untied)
        return apply_slice(whole, self.slice) if self.slice else SlicedComposition(whole, (), {})

    def covered(self, name: str) -> bool:
        """Say whether the slice stands for every layer of a parameter."""
        return name not in self.layered and any(one.parameter == name for r in self.slice.values() for one in r)

    def left(self, name: str) -> "list[LayerRange]":
        """Return the layers, in order, whose values of a parameter the slice leaves as they are."""
        from symgrad.parsing import uncovered

        assert isinstance(self.depth, int)
        return uncovered(self.slice, name, self.depth)

    def start_values(self) -> "dict[str, Constant]":
        """Return the start of each component that is given one."""
        return dict(zip(self.state, self.start or (), strict=False))

    def kernel_start(self, *, exact: bool = True) -> Any:
        """Return the start as kernels and sweeps take it: one number, or a list of one for each component."""
        start = [_number(value, exact) for value in self.start or ()]
        return start[0] if len(start) == 1 else start or None

    def kernel_parameters(self, *, exact: bool = True) -> dict[str, Any]:
        """Return the value of every parameter that is set; those with a value per layer as one for each application.

        Parameters
        ----------
        exact : constants such as pi as SymPy's numbers; otherwise as the nearest floats, which load nothing

        Raises
        ------
        InputError : a list is longer or shorter than the depth
        """
        assert isinstance(self.depth, int)
        if self.slice:
            return self._sliced_parameters()
        fitted = {
            name: values.fits_layers(name, value, self.depth) if name in self.layered else value
            for name, value in self.settings.items()
        }
        return {name: _number(value, exact) for name, value in fitted.items()}

    def _sliced_parameters(self) -> dict[str, Any]:
        """Return the values by the names of the sliced composition."""
        assert isinstance(self.depth, int)
        given = {name: values.exact(value) for name, value in self.settings.items() if name not in self.layered}
        rests: dict[str, Any] = {}
        for name in self.layered:
            of_left = values.of_layers(name, self.settings[name], self.depth, self.left(name))
            rests[name] = iter(values.exact(of_left))
        for own, stretch in self._sliced.left.items():
            given[own] = tuple(islice(rests[stretch.parameter], len(stretch)))
        return given

    def axis_rows(self) -> list[dict[str, object]]:
        """Return the axes as rows of an answer."""
        return [
            {"name": a.name, "low": float(values.exact(a.low)), "high": float(values.exact(a.high)), "count": a.count}
            for a in self.axes
        ]


def _number(value: values.Value, exact: bool) -> Any:
    return values.exact(value) if exact else values.nearest(value)


def read_problem(arguments: argparse.Namespace, *, default_depth: int | str | None = None) -> Problem:
    """Read and check what is asked, without importing SymPy.

    Raises
    ------
    InputError : the text cannot be read, or a name is used for what it is not
    """
    from symgrad.parsing import indexed_names, names, parse, parse_layers, uncovered

    (text,) = arguments.operands
    chain = parse_layers(text)
    text_of_loss = getattr(arguments, "loss", None)
    loss = None if text_of_loss is None else parse(text_of_loss)
    nodes = [node for layer in chain for node in layer]
    used = frozenset().union(*map(names, nodes), names(loss) if loss else ())
    layered = frozenset().union(*map(indexed_names, nodes))
    state = _state(arguments.state, chain, used)
    untied: tuple[str, ...] = arguments.untied
    of_layers = frozenset().union(*map(names, nodes)) - set(state)
    _all_known(untied, of_layers, "--untied")
    depth = _depth(arguments.depth, len(chain), default_depth)
    ties: Slice = getattr(arguments, "slice", {})
    all_layered = sorted({*layered, *untied})
    _check_slice(ties, depth, state, of_layers, all_layered)
    return Problem(
        text=text,
        state=state,
        depth=depth,
        start=getattr(arguments, "start", None),
        settings=values.once(getattr(arguments, "set", ()), "--set"),
        axes=getattr(arguments, "axis", ()),
        untied=untied,
        wrt=getattr(arguments, "wrt", ()),
        loss=text_of_loss,
        layers=len(chain),
        parameters=tuple(sorted({*(used - set(state) - set(untied)), *ties})),
        layered=tuple(name for name in all_layered if not ties or uncovered(ties, name, int(depth))),
        slice=ties,
    )


def _check_slice(
    ties: "Slice", depth: int | str, state: Sequence[str], of_layers: frozenset[str], layered: Sequence[str]
) -> None:
    """Refuse a slice of what has no value per layer, beyond the depth, or under a name that is taken."""
    from symgrad.parsing import check_layers

    if ties and not isinstance(depth, int):
        raise InputError(f"--slice counts layers, but the depth is {depth}; give a number, e.g. --depth 6")
    for name, ranges in ties.items():
        if name in state or name in of_layers or name in layered:
            what = "a component of the state" if name in state else "a parameter of the layers"
            raise InputError(f"--slice names {name}, which is {what}; give the swept name another letter")
        for one in ranges:
            check_layers(one, layered=layered, depth=int(depth))


def _state(given: tuple[str, ...] | None, chain: Sequence[Sequence["Node"]], used: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the state; when none is given it is x, which must then occur."""
    components = len(chain[0])
    state = given or ("x",)
    if len(state) != components:
        raise InputError(
            f"the first layer has {components} components and the state {len(state)} ({','.join(state)}); "
            "components are separated by ; and named with --state, e.g. --state x,y"
        )
    if given is None and "x" not in used:
        raise InputError(f"the state x does not occur among {_listed(used)}; name the state with --state")
    return state


def _depth(given: int | str | None, layers: int, default: int | str | None) -> int | str:
    if given is not None:
        return given
    if layers > 1:
        return 1
    if default is None:
        raise InputError("a depth is needed: how often the layer is applied; give e.g. --depth 50")
    return default


def _all_known(given: Sequence[str], known: frozenset[str] | set[str], flag: str) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"{flag} names {name}, which is no parameter; the parameters are {_listed(known)}")


def check_values(problem: Problem) -> None:
    """Refuse a problem in which a number is missing, superfluous or of the wrong length.

    Raises
    ------
    InputError : the message names the parameter, component or axis
    """
    known = set(problem.all_names)
    swept = [axis.name for axis in problem.axes]
    for name in (*problem.settings, *swept):
        if name in problem.state and name in problem.settings:
            raise InputError(f"{name} is a component of the state, not a parameter; give it with --start")
        if problem.covered(name):
            raise InputError(f"{name} is given, but --slice ties all its layers to {', '.join(problem.slice)}; drop it")
        if name not in known and name not in problem.state:
            flag = "--set" if name in problem.settings else "--axis"
            raise InputError(f"{flag} names {name}, which does not occur; the parameters are {_listed(known)}")
        if swept.count(name) > 1 or (name in swept and name in problem.settings):
            raise InputError(f"{name} is given twice; give it one --axis or one --set")
    if problem.slice:
        _check_sliced(problem, swept)
    missing = sorted(known - set(problem.settings) - set(swept))
    if missing:
        plural = "parameters" if len(missing) > 1 else "parameter"
        verb = "have" if len(missing) > 1 else "has"
        example = " ".join(f"--set {name}=[1,…]" if name in problem.layered else f"--set {name}=1" for name in missing)
        raise InputError(f"the {plural} {', '.join(missing)} {verb} no value; give e.g. {example}")
    for name, value in problem.settings.items():
        if isinstance(value, tuple) and name not in problem.layered:
            raise InputError(
                f"{name} is shared by all layers but was given {len(value)} values; "
                f"give one number, or one for each layer with --untied {name}"
            )
    check_names(problem)
    free = [name for name in problem.state if name not in swept]
    if problem.start is None and free:
        example = ",".join(["0.5"] * len(problem.state))
        raise InputError(f"the state {', '.join(free)} has no start; give e.g. --start {example}")


def _check_sliced(problem: Problem, swept: Sequence[str]) -> None:
    """Refuse what a slice leaves without a value, and values that are asked for by the name of the whole parameter."""
    listed = ", ".join(problem.slice)
    for name in (*swept, *problem.wrt):
        if name in problem.layered:
            flag = "--axis" if name in swept else "--wrt"
            raise InputError(
                f"{flag} names {name}, of which every layer has its own value beside the slice; "
                f"take {listed}, or tie layers of {name} to a name of their own"
            )
    for name in problem.layered:
        if name not in problem.settings:
            rest = ", ".join(map(str, problem.left(name)))
            raise InputError(
                f"no value was given for {rest}, which --slice leaves; give e.g. --set {name}=1, or tie it to a name"
            )


def check_names(problem: Problem) -> None:
    """Refuse a gradient by what is no parameter, and a start that does not match the state.

    Raises
    ------
    InputError : the message names the parameter or counts the components
    """
    _all_known(problem.wrt, set(problem.all_names), "--wrt")
    if problem.start is not None and len(problem.start) != len(problem.state):
        raise InputError(
            f"--start has {len(problem.start)} numbers for a state of {len(problem.state)} "
            f"({', '.join(problem.state)}); give one for each component"
        )


def _listed(names: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def extend(files: Sequence[str]) -> None:
    """Run the user's files, which register activations of their own.

    Raises
    ------
    InputError : a file cannot be read or fails
    """
    import runpy

    for path in files:
        try:
            runpy.run_path(path)
        except OSError as error:
            raise InputError(f"--extend {path}: {error.strerror}; give a Python file") from None
        except (Exception, SystemExit) as error:
            raise InputError(f"--extend {path} failed with {type(error).__name__}: {error}; mend the file") from None
