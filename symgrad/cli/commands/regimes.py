"""``symgrad regimes``: what becomes of the chain product over one or two swept names."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, to_text
from symgrad.cli.arguments import Command, Option
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.phenomena import RegimeMap
    from symgrad.sweeps import Sweep

FIGURE = Option("--figure", "FILE.svg|.png", "also draw the regimes to this file", Path)
MOST_AXES = 2
LONGEST_TITLE = 60


def regimes(arguments: argparse.Namespace) -> Answer:
    """Answer with the share of each regime, and with the regimes that are known by equation."""
    problem = problems.read_problem(arguments)
    if not 1 <= len(problem.axes) <= MOST_AXES:
        raise InputError(f"one or two axes are needed, got {len(problem.axes)}; give e.g. --axis w=-4:4 --axis b=-2:2")
    problems.check_values(problem)
    problems.extend(arguments.extend)

    from symgrad.kernels import to_kernel
    from symgrad.phenomena import classify
    from symgrad.sweeps import Axis, sweep

    if arguments.figure is not None:
        from symgrad.report import check_picture_file

        check_picture_file(arguments.figure)
    axes = [Axis(a.name, values.exact(a.low), values.exact(a.high), a.count) for a in problem.axes]
    swept = sweep(
        to_kernel(problem.composition()),
        *axes,
        start=problem.kernel_start(),
        parameters=problem.kernel_parameters(),
        progress=False if arguments.quiet else None,
    )
    _refuse_undefined_start(swept)
    found = classify(swept)
    if arguments.figure is not None:
        _draw(found, swept, arguments.figure)
    content = _content(problem, found, arguments.figure)
    shown = {word: f"{share:.3%}" for word, share in found.shares().items() if share > 0}
    spans = [f"{axis.name} from {axis.low:g} to {axis.high:g} ({axis.count} points)" for axis in axes]
    known = {key: value for key, value in content.items() if value is not None}
    return Answer(content, text=to_text({**known, "shares": shown, "axes": spans}))


def _refuse_undefined_start(swept: "Sweep") -> None:
    """Refuse a grid on which the very first layer is undefined everywhere; later on it is an answer."""
    import numpy as np

    from symgrad.kernels import Status, to_kernel

    if not np.all(swept.outcome.status == Status.UNDEFINED):
        return
    layer = swept.kernel.composition.maps[0]
    start, parameters = swept.inputs(np.arange(swept.outcome.status.size))
    first = to_kernel(layer)
    given = {name: parameters[name][:1] if name in layer.layered else parameters[name] for name in first.needed}
    if np.all(first(start, given).status == Status.UNDEFINED):
        raise InputError(
            f"the first layer {layer.canonical.split(' -> ')[1]} is undefined at every point of the grid; "
            "choose --start, --axis and --set inside its domain"
        )


def _content(problem: problems.Problem, found: "RegimeMap", figure: Path | None) -> dict[str, object]:
    shares = found.shares()
    return {
        "status": _sentence(problem, found),
        "shares": shares,
        "exact": [
            {
                "regime": exact.regime.word,
                "condition": exact.condition,
                "verdict": exact.verdict.word,
                "proof": exact.statement.proof,
            }
            for exact in found.exact
        ],
        "verdict": found.verdict.word,
        "proved_share": float(found.proved.mean()),
        "disagreements": found.disagreements,
        "tolerance": found.tolerance,
        "depth": problem.depth,
        "axes": problem.axis_rows(),
        "figure": None if figure is None else str(figure),
    }


def _sentence(problem: problems.Problem, found: "RegimeMap") -> str:
    word, share = max(found.shares().items(), key=lambda item: item[1])
    grid = " x ".join(str(axis.count) for axis in problem.axes)
    basis = {"proved": "proved at every point", "undecided": "nothing is decided"}.get(
        found.verdict.word, f"proved at {found.proved.mean():.1%} of the points, sampled at the others"
    )
    sentence = f"{word.capitalize()} on {share:.1%} of {grid} points at depth {problem.depth}; {basis}."
    if not found.disagreements:
        return sentence
    return f"{sentence} At {found.disagreements} points the layers computed show another regime than the one proved."


def _draw(found: "RegimeMap", swept: "Sweep", path: Path) -> None:
    from dataclasses import replace

    from symgrad.phenomena import with_bifurcations
    from symgrad.report import Figure, panels_of, write_picture

    chain = swept.kernel.composition.canonical
    (panel,) = panels_of(with_bifurcations(found, swept))
    title = chain if len(chain) <= LONGEST_TITLE else f"{chain[:LONGEST_TITLE]}…"
    write_picture(Figure(replace(panel, title=title), f"Regimes of {chain}."), path)


COMMAND = Command(
    name="regimes",
    summary="say where the chain product vanishes, stays, alternates or explodes, over one or two swept names",
    options=(
        problems.STATE,
        problems.UNTIED,
        problems.SLICE,
        problems.EXTEND,
        problems.DEPTH,
        problems.START,
        problems.SET,
        problems.AXIS,
        FIGURE,
    ),
    run=regimes,
    operand=problems.EXPRESSION,
    example='symgrad regimes "tanh(w*x + b)" --start 0.5 --axis w=-4:4 --axis b=-3:3 --depth 200 --figure plane.svg',
)
