"""``symgrad evaluate``: the state, the chain product, the loss and the gradient at one point."""

import argparse
import math
from typing import TYPE_CHECKING, Any

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, number, shown, signed_log
from symgrad.cli.arguments import Command, Option, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.kernels import Kernel, Outcome, SignedLog
    from symgrad.phenomena import PointRegime

BACKEND = Option(
    "--backend", "NAME", "auto, numpy, llvm or lambdify (float64), or mpmath (any number of digits)", default="auto"
)
DIGITS = Option("--digits", "D", "print this many decimal digits of every number", positive_whole_number)
TRACE = Option("--trace", None, "print the log factor of each layer, in nats")


def evaluate(arguments: argparse.Namespace) -> Answer:
    """Answer with every number of one point."""
    problem = problems.read_problem(arguments)
    problems.check_values(problem)
    # A file of the user's may define anything, and digits or a trace are computed by the expressions themselves.
    plain = not (arguments.extend or arguments.digits or arguments.trace)
    outcome, point = (_remembered(problem, arguments) if plain else None) or _derived(problem, arguments, keep=plain)
    return Answer(_content(problem, outcome, point, trace=arguments.trace))


def _numbers(problem: problems.Problem, arguments: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Return start and parameters: exact for as many digits as wanted, else what float64 can tell apart."""
    exact = bool(arguments.digits) or arguments.backend == "mpmath"
    return problem.kernel_start(exact=exact), problem.kernel_parameters(exact=exact)


def _remembered(problem: problems.Problem, arguments: argparse.Namespace) -> "tuple[Outcome, PointRegime] | None":
    """Return the numbers of a formula met before, None where they are to be derived."""
    from symgrad.cli.remembered import remembered_point

    return remembered_point(problem, *_numbers(problem, arguments), backend=arguments.backend)


def _derived(problem: problems.Problem, arguments: argparse.Namespace, *, keep: bool) -> "tuple[Outcome, PointRegime]":
    """Derive the kernel, and return its numbers."""
    problems.extend(arguments.extend)

    from symgrad.derivation import gradient
    from symgrad.kernels import Status, to_kernel
    from symgrad.phenomena.regimes import regime_of_outcome

    slope = gradient(problem.composition(), problem.loss, wrt=problem.wrt or problem.parameters)
    kernel = to_kernel(slope, backend=arguments.backend, digits=arguments.digits)
    start, parameters = _numbers(problem, arguments)
    outcome = kernel(start, parameters, trace=arguments.trace)
    if int(outcome.status) == Status.UNDEFINED:
        _refuse_undefined_start(problem, kernel)
    point = regime_of_outcome(outcome, kernel=kernel, start=start, parameters=parameters)
    if keep:
        from symgrad.cli.remembered import remember_kernel

        remember_kernel(problem, kernel)
    return outcome, point


def _refuse_undefined_start(problem: problems.Problem, kernel: "Kernel") -> None:
    """Refuse a point at which the very first layer is undefined; later on it is an answer."""
    from symgrad.kernels import Status, to_kernel

    layer = kernel.composition.maps[0]
    settings = problem.kernel_parameters()
    first = {name: value[0] if isinstance(value, tuple) else value for name, value in settings.items()}
    own = {name: first[name] for name in (*(p.name for p in layer.parameters), *layer.layered)}
    given = {name: (value,) if name in layer.layered else value for name, value in own.items()}
    outcome = to_kernel(layer)(problem.kernel_start(), given)
    if int(outcome.status) == Status.UNDEFINED:
        starts = {name: values.exact(value) for name, value in problem.start_values().items()}
        point = {name: float(value) for name, value in {**starts, **own}.items()}
        raise InputError(
            f"the first layer {layer.canonical.split(' -> ')[1]} is undefined at {shown(point)}; "
            "choose another --start or --set inside its domain"
        )


def _content(problem: problems.Problem, outcome: "Outcome", point: "PointRegime", *, trace: bool) -> dict[str, object]:
    d, depth = len(problem.state), outcome.depth
    state = [_number(outcome.state_log[i]) for i in range(d)]
    rates = [float(g) / depth for g in outcome.growth]
    content: dict[str, object] = {
        "status": _sentence(outcome, state, rates[0], point),
        "state": state,
        "chain_product": _signed(outcome.product) if d == 1 else None,
        "rate": rates[0],
    }
    if d > 1:
        content["rates"] = rates
    content |= {
        "regime": point.regime.word,
        "verdict": point.verdict.word,
        "sign": None if point.sign is None else point.sign.word,
        "orbit": _orbit(point),
        "loss": None if outcome.loss is None else _number(outcome.loss),
        "gradient": {name: _nested(slope) for name, slope in outcome.gradient.items()},
        "backend": outcome.backend,
    }
    if trace and outcome.trace is not None:
        content["trace"] = outcome.trace.tolist()
    if outcome.digits is not None:
        content["digits"] = dict(outcome.digits)
    return content


def _orbit(point: "PointRegime") -> str | None:
    """Return the word of the orbit, a cycle with its period."""
    if point.orbit is None:
        return None
    return f"{point.orbit.word} of {point.period}" if (point.period or 0) > 1 else point.orbit.word


def _sentence(outcome: "Outcome", state: list[object], rate: float, point: "PointRegime") -> str:
    from symgrad.kernels import Status

    steps = f"{outcome.depth} step" + ("s" if outcome.depth > 1 else "")
    if int(outcome.status) == Status.UNDEFINED:
        return f"The state leaves the domain of the layers within {steps}; no number is left to show."
    if None in state:
        return f"Within {steps} the state grows beyond every number that its sign and logarithm can hold."
    if math.isnan(rate) or rate == math.inf:
        pace = "does not exist, a layer has no finite derivative on the way"
    elif rate == -math.inf:
        pace = "is exactly 0"
    else:
        pace = f"changes by {rate:.6g} nats per step"
    limit = (
        point.regime.word if point.regime.word == point.verdict.word else f"{point.regime.word} ({point.verdict.word})"
    )
    return f"After {steps} the state is {shown(state)}; the chain product {pace}; regime: {limit}."


def _number(value: "SignedLog") -> object:
    return number(float(value.sign), float(value.log_abs), float(value.value))


def _signed(value: "SignedLog") -> dict[str, object] | None:
    return signed_log(float(value.sign), float(value.log_abs))


def _nested(value: "SignedLog") -> object:
    """Return one number, or the list of those along the first axis."""
    if value.shape == ():
        return _signed(value)
    return [_nested(value[i]) for i in range(value.shape[0])]


COMMAND = Command(
    name="evaluate",
    summary="evaluate state, chain product, loss and gradient at one point",
    options=(
        *problems.COMPOSITION_OPTIONS,
        problems.SLICE,
        problems.DEPTH,
        problems.START,
        problems.SET,
        BACKEND,
        DIGITS,
        TRACE,
    ),
    run=evaluate,
    operand=problems.EXPRESSION,
    example='symgrad evaluate "tanh(w*x)" --start 1 --set w=30 --depth 200',
)
