"""``symgrad bifurcations``: where fixed points and cycles are born, merge and lose stability."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Option, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.derivation import Bifurcations
    from symgrad.maps import Map
    from symgrad.phenomena import BifurcationPoint, Region

UNDECIDED = 3
LONGEST_PERIOD = 6
PARAMETERS = Option("--parameters", "NAME[,NAME]", "the one or two parameters that vary", values.names)
PERIOD = Option("--period", "P", "the period of the cycles, 1 to 6 (default 1: fixed points)", positive_whole_number, 1)
START = Option("--start", "V", "a start value: also the line on which it is a repelling fixed point", values.numbers)
AT = Option("--at", "NAME=VALUE", "also every crossing of this line in the plane of two parameters", values.setting)
SET = Option("--set", "NAME=VALUE", "the value of a parameter that does not vary", values.setting, (), True)


@dataclass(frozen=True)
class Question:
    """What is asked, as plain values that can be sent to another process."""

    text: str
    state: tuple[str, ...]
    names: tuple[str, ...]
    period: int
    start: Fraction | None
    at: tuple[tuple[str, Fraction], ...]
    settings: tuple[tuple[str, Fraction], ...]
    files: tuple[str, ...]


def bifurcations(arguments: argparse.Namespace) -> Answer:
    """Answer with the exact curves and points, and the number of attractors between them."""
    question = _question(arguments)

    from symgrad.budget import COMMAND_SECONDS, NoAnswer, prepare, shared_time, within

    seconds = arguments.budget or COMMAND_SECONDS
    with shared_time(seconds):
        prepare()
        content = within(seconds, study, question)
    if isinstance(content, NoAnswer):
        empty: dict[str, object] = {"curves": [], "points": [], "stability": []}
        return Answer(
            {"status": f"Undecided: {content.value} ({seconds:g} s); give a larger --budget.", **empty}, UNDECIDED
        )
    decided = content["curves"] or content["points"] or content["stability"]
    return Answer(content, 0 if decided or not content["remarks"] else UNDECIDED)


def _question(arguments: argparse.Namespace) -> Question:
    """Read and check what is asked, without importing SymPy."""
    from symgrad.parsing import indexed_names, names, parse_layers

    (text,) = arguments.operands
    chain = parse_layers(text)
    nodes = [node for layer in chain for node in layer]
    used = frozenset().union(*map(names, nodes))
    state = arguments.state or ("x",)
    if any(indexed_names(node) for node in nodes):
        raise InputError("a value per layer such as w[k] does not repeat; bifurcations are those of one repeated map")
    if len(state) != len(chain[0]):
        raise InputError(f"the map has {len(chain[0])} components and the state {len(state)}; name them with --state")
    free = sorted(used - set(state))
    if arguments.parameters is None:
        example = ",".join(free[:2]) or "w"
        raise InputError(f"bifurcations needs the parameters that vary; give e.g. --parameters {example}")
    settings = values.once(arguments.set, "--set")
    chosen: tuple[str, ...] = arguments.parameters
    _check_names(chosen, settings, free, state)
    if arguments.period > LONGEST_PERIOD:
        raise InputError(
            f"period {arguments.period} is out of reach of exact algebra; give a period from 1 to {LONGEST_PERIOD}"
        )
    start = arguments.start
    if start is not None and len(start) != 1:
        raise InputError(f"--start has {len(start)} numbers; basin lines are those of one component, give one number")
    at = (arguments.at,) if arguments.at is not None else ()
    for name, value in (*at, *settings.items()):
        if isinstance(value, tuple):
            raise InputError(f"{name} was given {len(value)} values; give one number")
    if at and (len(chosen) != 2 or at[0][0] not in chosen):
        raise InputError(f"--at names {at[0][0]}; a line needs two --parameters, one of them with this name")
    numbers = tuple((name, value) for name, value in settings.items() if isinstance(value, Fraction))
    return Question(text, state, chosen, arguments.period, start[0] if start else None, at, numbers, arguments.extend)


def _check_names(chosen: Sequence[str], settings: Any, free: Sequence[str], state: Sequence[str]) -> None:
    listed = ", ".join(free) or "none"
    if len(chosen) > 2:
        raise InputError(
            f"--parameters names {len(chosen)} parameters; one or two can vary, give the others with --set"
        )
    for flag, names in (("--parameters", chosen), ("--set", tuple(settings))):
        for name in names:
            if name in state:
                raise InputError(f"{flag} names {name}, which is the state; the parameters are {listed}")
            if name not in free:
                raise InputError(f"{flag} names {name}, which does not enter; the parameters are {listed}")
    if twice := [name for name in chosen if name in settings]:
        raise InputError(f"{twice[0]} is given a value and named in --parameters; do one of them")
    missing = [name for name in free if name not in chosen and name not in settings]
    if missing:
        example = " ".join(f"--set {name}=1" for name in missing)
        raise InputError(f"{', '.join(missing)} has no value; give e.g. {example}, or name it in --parameters")


def study(question: Question) -> dict[str, Any]:
    """Return the content of the answer."""
    problems.extend(question.files)

    from sympy import Rational

    from symgrad.derivation import find_bifurcations
    from symgrad.phenomena import bifurcation_points, superstable_numbers

    layer = _layer(question)
    start = None if question.start is None else Rational(question.start)
    found = find_bifurcations(layer, question.names, period=question.period, start=start)
    crossings = bifurcation_points(found, dict(question.at))
    stability = _stability(found, crossings.points)
    remarks = [*found.remarks, *crossings.remarks]
    content: dict[str, Any] = {
        "status": _sentence(found, crossings.points, stability, remarks),
        "curves": [
            {
                "kind": curve.kind,
                "period": curve.period,
                "parameter": str(curve.parameter),
                "domain": curve.domain,
                "expressions": {name: _text(e) for name, e in curve.expressions.items()},
                "verdict": curve.verdict.word,
            }
            for curve in found.curves
        ],
        "points": [_point(point) for point in crossings.points],
        "stability": [
            {"condition": r.condition, "attractors": r.attractors, "kind": r.kind, "verdict": r.verdict.word}
            for r in stability
        ],
    }
    if found.superstable:
        content["superstable"] = [_point(point) for point in superstable_numbers(found)]
    return {**content, "remarks": remarks}


def _layer(question: Question) -> "Map":
    """Build the map, with the values of the parameters that do not vary."""
    from sympy import Rational

    from symgrad.maps import Map, composition_from_text
    from symgrad.symbols import real

    composition = composition_from_text(question.text, state=question.state, depth=1)
    states = composition.maps[0].state
    exprs = list(states)
    for layer in composition.maps:
        entering = dict(zip(layer.state, exprs, strict=True))
        exprs = [e.xreplace(entering) for e in layer.exprs]
    values_given = {real(name): Rational(value) for name, value in question.settings}
    return Map([e.xreplace(values_given) for e in exprs], list(states))


def _text(expr: Any) -> str:
    from symgrad.maps import to_text

    return to_text(expr)


def _point(point: "BifurcationPoint") -> dict[str, object]:
    row: dict[str, object] = {
        "kind": point.kind,
        "period": point.period,
        "point": dict(point.point),
        "state": point.state,
        "exact": None if point.exact is None else dict(point.exact),
        "state_exact": point.state_exact,
        "verdict": point.verdict.word,
    }
    if point.polynomials:
        row["root_of"] = dict(point.polynomials)
    if point.cycle:
        row["cycle"] = list(point.cycle)
    return row


def _stability(found: "Bifurcations", points: Sequence["BifurcationPoint"]) -> tuple["Region", ...]:
    """Return the regions of attractors that are known."""
    from symgrad.phenomena import birth_points, intervals, jury_regions, regions

    if found.layer.dimension == 2:
        return jury_regions(found.layer)
    return regions(found.layer) or intervals(found, [*points, *birth_points(found)])


def _sentence(
    found: "Bifurcations", points: Sequence["BifurcationPoint"], stability: Sequence["Region"], remarks: Sequence[str]
) -> str:
    what = "fixed points" if found.period == 1 else f"cycles of period {found.period}"
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((len(found.curves), "exact curve"), (len(points), "point"))
        if count
    ]
    if counts:
        return f"Bifurcations of {what}: {' and '.join(counts)}."
    if stability and found.period > 1:
        return f"The {what} of this map have no bifurcations of their own; its attractors are known in every region."
    if remarks:
        return f"Undecided: {remarks[0]}."
    return f"The {what} of this map have no bifurcations."


COMMAND = Command(
    name="bifurcations",
    summary="find where fixed points and cycles are born, merge and lose stability",
    options=(problems.STATE, PARAMETERS, PERIOD, START, AT, SET, problems.EXTEND),
    run=bifurcations,
    operand=problems.EXPRESSION,
    example='symgrad bifurcations "w*sigmoid(x)+b" --parameters w,b --at w=5',
)
