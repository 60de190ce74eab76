"""``symgrad cliffs``: where one gradient step throws a parameter far away, exactly."""

import argparse
import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgrad.cli import answers, problems, values
from symgrad.cli.answers import Answer, signed_log, to_text
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
    if not isinstance(problem.depth, int):
        raise InputError("cliffs needs a number for the depth; give e.g. --depth 50")
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
    answer = content(found, problem, arguments.figure)
    return Answer(answer, text=to_text(_for_a_person(found, answer)))


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


def _for_a_person(found: "CliffMap", answer: dict[str, object]) -> dict[str, object]:
    """Return the answer without long lists of numbers: one row for each cliff, one for each place of the steepest."""
    largest, swept = found.largest_gradient, found.regions
    rows = [
        {
            "kind": c.kind.word,
            "origin": c.origin.value,
            "verdict": c.verdict.word,
            "equation": c.equation or "none: located",
            "valid": c.valid or "everywhere",
        }
        for c in (*found.cliffs, *found.ridges)
    ]
    places = [
        {**{name: f"{v:.10g}" for name, v in place.point.items()}, **_heights(place)}
        for cliff in found.cliffs
        for place in cliff.trace
    ]
    shown: dict[str, object] = {
        "status": found.status,
        "coverage": found.coverage.statement,
        "largest gradient": (
            f"{_decimal(largest.log_abs)} at {answers.shown(dict(largest.point))} ({largest.verdict.word})"
        ),
    }
    if found.convex_band is not None:
        shown["convex"] = f"where {found.convex_band[0]} ({found.convex_band[1].word})"
    if swept is not None:
        share = sum(region.area for region in swept.regions)
        shown["cliff regions"] = (
            f"{len(swept.regions)}, {share:.3%} of the box (kappa {swept.kappa:g}, {swept.verdict.word})"
        )
    if found.remarks:
        shown["remarks"] = " ".join(found.remarks)
    if answer["figure"] is not None:
        shown["figure"] = answer["figure"]
    return {**shown, "cliffs": rows, "valleys": answer["valleys"], "places on them": places}


def _heights(place: "TracePoint") -> dict[str, str]:
    """Return the numbers of one place in few digits."""
    rows = {f"dL/d{name}": _decimal(float(g.log_abs), float(g.sign)) for name, g in place.gradient.items()}
    rows["width"] = "none" if place.width is None else _decimal(float(place.width.log_abs))
    losses = (place.loss_below, place.loss_above)
    return {**rows, "loss below / above": " / ".join("none" if v is None else f"{v:.4g}" for v in losses)}


def _decimal(log_abs: float, sign: float = 1.0) -> str:
    """Return a number of any size in six digits.

    >>> _decimal(1000.0, -1.0)
    '-1.97007e+434'
    """
    if not math.isfinite(log_abs):
        return "0"
    power = math.floor(log_abs / math.log(10))
    digits = math.exp(log_abs - power * math.log(10))
    turn = "-" if sign < 0 else ""
    return f"{turn}{digits * 10.0**power:.6g}" if -5 < power < 6 else f"{turn}{digits:.6g}e{power:+03d}"


def _cliff(cliff: "Cliff") -> dict[str, object]:
    steepest = cliff.steepest
    return {
        "kind": cliff.kind.word,
        "origin": cliff.origin.value,
        "equation": cliff.equation,
        "valid": cliff.valid,
        "valid_exact": cliff.valid_exact,
        "verdict": cliff.verdict.word,
        "steepest": None
        if steepest is None
        else {"point": dict(steepest.point), "gradient": signed_log(1.0, steepest.log_gradient)},
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
    from symgrad.phenomena import CliffRegions

    return {
        "kappa": swept.kappa,
        "verdict": swept.verdict.word,
        "statement": swept.statement if isinstance(swept, CliffRegions) else swept.definition,
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
