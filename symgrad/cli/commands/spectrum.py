"""``symgrad spectrum``: the Lyapunov exponents of an iterated map."""

import argparse
import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer, to_text
from symgrad.cli.arguments import Command, Option, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.phenomena.spectra.lyapunov import Spectrum

UNDECIDED = 3
SHOWN = 8
DEFAULT_STEPS = 100_000
DEFAULT_START = Fraction(1, 10)


def whole_number(text: str) -> int:
    """Read a whole number of at least 0.

    >>> whole_number("0")
    0
    """
    if not re.fullmatch(r"\s*[0-9]{1,12}\s*", text):
        raise InputError(f"got {text!r}, a whole number of at least 0 is needed, e.g. 1000")
    return int(text)


STEPS = Option(
    "--steps", "N", f"how many steps to measure (default {DEFAULT_STEPS})", positive_whole_number, DEFAULT_STEPS
)
START = replace(problems.START, help="where the orbit starts, one number for each component (default 0.1 each)")
ORBITS = Option("--orbits", "K", "independent orbits whose starts are scattered (default 1)", positive_whole_number, 1)
TRANSIENT = Option("--transient", "M", "steps before the measured ones (default 0)", whole_number, 0)


def spectrum(arguments: argparse.Namespace) -> Answer:
    """Answer with the exponents, or with what ended the orbit."""
    arguments.depth, arguments.untied = None, ()
    problem = problems.read_problem(arguments, default_depth=1)
    if problem.layered:
        raise InputError(f"a spectrum iterates one map, {problem.layered[0]} has a value per layer; give it one value")
    if problem.start is None:
        problem = replace(problem, start=(DEFAULT_START,) * len(problem.state))
    problems.check_values(problem)
    problems.extend(arguments.extend)

    from symgrad.phenomena.spectra.fates import OrbitFate
    from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum

    start = [float(values.exact(value)) for value in problem.start or ()]
    found = lyapunov_spectrum(
        problem.composition(),
        start,
        parameters=problem.kernel_parameters(),
        steps=arguments.steps,
        orbits=arguments.orbits,
        transient=arguments.transient,
        seed=arguments.seed,
    )
    content = {**_content(found), "start": start}
    gone = found.fate in (OrbitFate.EXPLODED, OrbitFate.UNDEFINED) and found.verdict.word == "undecided"
    shown = {key: value for key, value in content.items() if value is not None and key not in ("standard_error",)}
    return Answer(content, UNDECIDED if gone else 0, to_text(shown))


def _content(found: "Spectrum") -> dict[str, object]:
    ended = found.ended[found.ended > 0]
    return {
        "status": _sentence(found),
        "exponents": [_finite(v) for v in found.exponents],
        "standard_error": [_finite(v) for v in found.standard_error],
        "sum_exact": None if found.sum_exact is None else str(found.sum_exact),
        "sum_measured": _finite(found.sum_measured),
        "annihilated": int(found.annihilated),
        "dimension": _finite(found.dimension),
        "verdict": found.verdict.word,
        "fate": found.fate.word,
        "period": int(found.period.max()) or None,
        "ended_at_step": int(ended.min()) if ended.size else None,
        "rounding": [_finite(v) for v in found.rounding],
        "orthonormalisations": found.orthonormalisations or None,
        "steps": found.steps,
        "orbits": found.orbits,
        "transient": found.transient,
    }


def _finite(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def _sentence(found: "Spectrum") -> str:
    """Return the exponents with their errors and what became of the orbit, or why there are none."""
    status = found.status[0].upper() + found.status[1:]
    if found.verdict.word == "undecided":
        return f"No exponents: {found.status}."
    pairs = list(zip(found.exponents.tolist(), found.standard_error.tolist(), strict=True))
    texts = [_with_error(value, error) for value, error in pairs[:SHOWN]]
    texts += [] if len(pairs) <= SHOWN else [f"… ({len(pairs)} in all)"]
    noun = "Exponent" if len(pairs) == 1 else "Exponents"
    whole = "" if found.sum_exact is None or len(pairs) == 1 else f", sum exactly {found.sum_exact}"
    return f"{noun} {', '.join(texts)} nats per step{whole}. {status}."


def _with_error(value: float, error: float) -> str:
    if not math.isfinite(value):
        return "-inf"
    if error == 0 or not math.isfinite(error):
        return f"{value:.10g}"
    return f"{value:.6g} ± {error:.1g}"


COMMAND = Command(
    name="spectrum",
    summary="measure the Lyapunov exponents of an iterated map",
    options=(
        problems.STATE,
        START,
        STEPS,
        ORBITS,
        TRANSIENT,
        problems.SET,
        problems.EXTEND,
    ),
    run=spectrum,
    operand=problems.EXPRESSION,
    example='symgrad spectrum "1-1.4*x**2+y; 0.3*x" --state x,y --start 0.1,0.1 --steps 1000000',
)
