"""``symgrad meanfield``: phase, depth scales and the critical point of wide random networks, and what to set."""

import argparse
from typing import TYPE_CHECKING, Any

from symgrad.cli import problems, values
from symgrad.cli.answers import Answer
from symgrad.cli.arguments import Command, Operand, Option, positive_whole_number
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.phenomena.meanfield.correlations import MeanField
    from symgrad.phenomena.meanfield.criticality import CriticalPoint
    from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity

PHI = Operand("PHI", 'an activation, e.g. tanh, or an expression in one variable, e.g. "tanh(2*x)"')
SIGMA_B2 = Option("--sigma-b2", "V", "variance of the biases, 0 or more", values.numbers)
SIGMA_W2 = Option(
    "--sigma-w2", "V", "variance of a unit's weights times the width; the critical one if not given", values.numbers
)
WIDTH = Option("--width", "N", "also say what to set at this width, and how far gradients reach", positive_whole_number)
NO_SECOND_MOMENT = 3


def meanfield(arguments: argparse.Namespace) -> Answer:
    """Answer with the critical point, or with the network at given variances."""
    problems.extend(arguments.extend)
    from symgrad.phenomena.meanfield.length_maps import check_variances, end_of_moments
    from symgrad.phenomena.meanfield.nonlinearities import nonlinearity

    (text,) = arguments.operands
    if arguments.sigma_b2 is None:
        raise InputError("meanfield needs the variance of the biases; give e.g. --sigma-b2 0.05, or --sigma-b2 0")
    biases = _one(arguments.sigma_b2, "--sigma-b2")
    weights = None if arguments.sigma_w2 is None else _one(arguments.sigma_w2, "--sigma-w2")
    check_variances(1.0 if weights is None else weights, biases)
    phi = nonlinearity(text)
    answer = _critical(phi, biases, arguments.width) if weights is None else _at(phi, weights, biases, arguments.width)
    end = end_of_moments(phi)
    if end is None:
        return answer
    sentence = (
        f"{phi.text} has no second moment at any finite width from the second layer on: Eφ² at a fixed length q grows "
        f"beyond every power of q (it passes 1e200 near q = {end:.3g}), so that its average over the random length of "
        "a layer is infinite; what follows holds for infinite width alone"
    )
    content = {**answer.content, "status": f"{sentence}. {answer.content['status']}"}
    return Answer(content, NO_SECOND_MOMENT)


def _one(given: Any, flag: str) -> float:
    """Return the single number of an option."""
    if len(given) != 1:
        raise InputError(f"{flag} takes one number, got {len(given)}; give e.g. {flag} 0.05")
    return float(values.exact(given[0]))


def _critical(phi: "Nonlinearity", sigma_b2: float, width: int | None) -> Answer:
    """Answer with the critical point at the given variance of the biases."""
    from symgrad.phenomena.meanfield.correlations import mean_field
    from symgrad.phenomena.meanfield.criticality import critical_point, critical_points

    chosen = critical_point(phi, sigma_b2=sigma_b2)
    if chosen is None:
        status = f"no critical point: no length that is fixed at σ_b² = {sigma_b2:.12g} has χ₁ = 1 for {phi.text}"
        return Answer({"status": status, "critical": None, "critical_points": [], "fixed_points": []})
    found = mean_field(phi, sigma_w2=chosen.sigma_w2, sigma_b2=sigma_b2)
    every = critical_points(phi, sigma_b2=sigma_b2)
    content: dict[str, Any] = {
        "status": _critical_sentence(phi, chosen),
        "critical": {"sigma_w2": chosen.sigma_w2, "q": chosen.q},
        "critical_points": [{"sigma_w2": p.sigma_w2, "q": p.q, "stable": p.stable} for p in every],
        "fixed_points": _fixed_points(found),
        "error": chosen.error,
        "source": found.source,
    }
    length = 1.0 if chosen.q is None else chosen.q
    return Answer(content | _width(phi, width, chosen.sigma_w2, sigma_b2, length, 1.0))


def _critical_sentence(phi: "Nonlinearity", point: "CriticalPoint") -> str:
    where = "" if point.q is None else f" with the length q = {point.q:.12g}"
    note = f"; {point.sentence}" if point.sentence else ""
    return f"{phi.text} is critical at σ_w² = {point.sigma_w2:.12g}{where}{note}"


def _at(phi: "Nonlinearity", sigma_w2: float, sigma_b2: float, width: int | None) -> Answer:
    """Answer with the network at given variances."""
    from symgrad.phenomena.meanfield.correlations import mean_field

    found = mean_field(phi, sigma_w2=sigma_w2, sigma_b2=sigma_b2)
    content: dict[str, Any] = {
        "status": _sentence(found),
        "q": None if found.point is None else found.point.q,
        "chi1": found.chi1,
        "c": found.c,
        "chi_c": found.chi_c,
        "xi_gradient": found.xi_gradient,
        "xi_c": found.xi_c,
        "xi_q": found.xi_q,
        "phase": None if found.phase is None else found.phase.word,
        "fixed_points": _fixed_points(found),
        "error": found.error,
        "source": found.source,
    }
    if found.chi1 is None:
        if width is not None:
            raise InputError("no length is reached from q = 1, so that no gradient rate exists; leave --width out")
        return Answer(content)
    length = 1.0 if found.point is None else found.point.q
    return Answer(content | _width(phi, width, sigma_w2, sigma_b2, length, found.chi1))


def _sentence(found: "MeanField") -> str:
    parts = [] if found.phase is None else [found.phase.value]
    if found.point is None and found.phase is None:
        parts.append("no fixed length is reached from q = 1")
    if found.point is not None and found.point.q == 0:
        parts.append("the length tends to 0, so that a correlation of two inputs is not defined in the limit")
    if found.lengths.sentence:
        parts.append(found.lengths.sentence)
    stable = [p for p in found.lengths.fixed_points if p.stability.word == "stable"]
    if len(found.lengths.fixed_points) > 1:
        parts.append(f"{len(found.lengths.fixed_points)} lengths are fixed, {len(stable)} of them stable")
    return "; ".join(parts)


def _fixed_points(found: "MeanField") -> list[dict[str, object]]:
    return [
        {"q": p.q, "stability": p.stability.word, "slope": p.slope, "chi1": p.chi1} for p in found.lengths.fixed_points
    ]


def _width(
    phi: "Nonlinearity", width: int | None, sigma_w2: float, sigma_b2: float, q: float, chi1: float
) -> dict[str, object]:
    """Return what to set at a width and how deep gradients then reach, {} without a width."""
    if width is None:
        return {}
    from symgrad.phenomena.meanfield.finite_width import finite_width

    found = finite_width(phi, width, sigma_w2=sigma_w2, sigma_b2=sigma_b2, q=q, chi1=chi1)
    basis = "exact (Newman 1986)" if found.exact else "to first order in 1/width (Hanin & Nica 2020)"
    return {
        "weight_deviation": found.weight_deviation,
        "bias_deviation": found.bias_deviation,
        "finite_width": {
            "width": width,
            "mean_rate": found.mean_rate,
            "typical_rate": found.typical_rate,
            "log_variance_per_layer": found.log_variance,
            "depth": found.depth,
            "basis": basis,
        },
    }


COMMAND = Command(
    name="meanfield",
    summary="wide random networks: the critical initialisation, phase, depth scales, and what to set at a width",
    options=(SIGMA_B2, SIGMA_W2, WIDTH, problems.EXTEND),
    run=meanfield,
    operand=PHI,
    example="symgrad meanfield tanh --sigma-b2 0.05 --width 512",
)
