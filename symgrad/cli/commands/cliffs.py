"""``symgrad cliffs``: where one gradient step throws a parameter far away, exactly."""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, signed_log
from symgrad.cli.arguments import Command, Option
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.kernels import SignedLog
    from symgrad.phenomena import Cliff, CliffMap, TracePoint

FIGURE = Option("--figure", "FILE.svg|.png", "also draw the surface's steepness with the cliffs to this file", Path)
CERTIFY = Option("--certify", None, "refuse an answer whose coverage is only sampled")


def cliffs(arguments: argparse.Namespace) -> Answer:
    """Answer with every cliff of the loss in the box, its equation, its heights, and whether one can be missing."""
    problem = problems.read_problem(arguments)
    if problem.loss is None:
        raise InputError('cliffs needs the loss of the last state; give e.g. --loss "(x-1)**2"')
    if len(problem.axes) != 2:
        raise InputError(f"cliffs needs two axes, got {len(problem.axes)}; give e.g. --axis w=4:8 --axis b=-6:-1")
    problems.check_values(problem)
    problems.extend(arguments.extend)
    if arguments.figure is not None:
        from symgrad.report import check_picture_file

        check_picture_file(arguments.figure)

    from symgrad.phenomena import find_cliffs

    found = find_cliffs(
        problem.composition(),
        problem.loss,
        problem.kernel_start(),
        {a.name: (_exact(a.low), _exact(a.high), a.count) for a in problem.axes},
        problem.depth,
        parameters=problem.kernel_parameters(),
    )
    if arguments.certify and found.coverage.method != "certified":
        raise InputError(
            f"no certificate covers this chain: {found.coverage.statement} Leave --certify out to get a sampled answer"
        )
    if arguments.figure is not None:
        from symgrad.report import Figure, write_picture

        write_picture(Figure(found, f"Cliffs of {found.composition.canonical}."), arguments.figure)
    return Answer(content(found, problem, arguments.figure))


def _exact(value: Any) -> Any:
    number = values.exact(value)
    return Fraction(number) if isinstance(number, int | float | Fraction) else number


def content(found: "CliffMap", problem: problems.Problem, figure: Path | None) -> dict[str, object]:
    """Return the JSON object of a map of cliffs."""
    largest = found.largest_gradient
    return {
        "status": found.status,
        "cliffs": [_cliff(cliff) for cliff in found.cliffs],
        "ridges": [_cliff(ridge) for ridge in found.ridges],
        "valleys": [
            {"equation": v.equation, "sharpness": v.sharpness, "verdict": v.verdict.word} for v in found.valleys
        ],
        "convex_band": None
        if found.convex_band is None
        else {"condition": found.convex_band[0], "verdict": found.convex_band[1].word},
        "largest_gradient": {
            "point": dict(largest.point),
            "log_abs": largest.log_abs,
            "log_bound": largest.log_bound,
            "verdict": largest.verdict.word,
            "statement": largest.statement,
        },
        "coverage": {"method": found.coverage.method, "statement": found.coverage.statement},
        "evidence": [
            {"claim": e.claim, "verdict": e.verdict.word, "method": e.method}
            for e in (*found.coverage.evidence, *found.evidence)
        ],
        "regions": _regions(found),
        "depth": problem.depth,
        "axes": problem.axis_rows(),
        "figure": None if figure is None else str(figure),
    }


def _cliff(cliff: "Cliff") -> dict[str, object]:
    steepest = cliff.steepest
    return {
        "kind": cliff.kind.word,
        "origin": cliff.origin.value,
        "equation": cliff.equation,
        "valid": cliff.valid,
        "valid_exact": cliff.valid_exact,
        "verdict": cliff.verdict.word,
        "steepest": {
            "point": dict(steepest.point),
            "gradient": signed_log(1.0, steepest.log_gradient),
        },
        "exponent": cliff.exponent,
        "growth": cliff.growth,
        "sides": None if cliff.sides is None else {"below": cliff.sides[0], "above": cliff.sides[1]},
        "located_distance": cliff.distance,
        "proof": cliff.proof or None,
        "trace": [_place(place) for place in cliff.trace],
    }


def _place(place: "TracePoint") -> dict[str, object]:
    return {
        "point": dict(place.point),
        "gradient": {name: _signed(slope) for name, slope in place.gradient.items()},
        "width": None if place.width is None else _signed(place.width),
        "loss_below": place.loss_below,
        "loss_above": place.loss_above,
        "peak": None if place.peak is None else _signed(place.peak),
    }


def _signed(value: "SignedLog") -> dict[str, object] | None:
    return signed_log(float(value.sign), float(value.log_abs))


def _regions(found: "CliffMap") -> dict[str, object] | None:
    """Return the regions in which a step tuned to the valley overshoots, with their areas and outlines."""
    swept = found.regions
    if swept is None:
        return None
    return {
        "kappa": swept.kappa,
        "verdict": swept.verdict.word,
        "statement": swept.statement,
        "regions": [
            {
                "area": region.area,
                "parameter_area": region.parameter_area,
                "steepest": {"point": dict(region.steepest), "log_abs": region.log_gradient},
                "outline": [line.tolist() for line in region.outline],
            }
            for region in swept.regions
        ],
    }


COMMAND = Command(
    name="cliffs",
    summary="find the cliffs of a loss surface exactly: where they are, how high, how wide, and whether one is missing",
    options=(
        problems.STATE,
        problems.UNTIED,
        problems.SLICE,
        problems.LOSS,
        problems.EXTEND,
        problems.DEPTH,
        problems.START,
        problems.SET,
        problems.AXIS,
        FIGURE,
        CERTIFY,
    ),
    run=cliffs,
    operand=problems.EXPRESSION,
    example='symgrad cliffs "w*sigmoid(x)+b" --loss "(sigmoid(x)-0.7)**2" --start 0.5 '
    "--axis w=4:8 --axis b=-6:-1 --depth 50",
)
