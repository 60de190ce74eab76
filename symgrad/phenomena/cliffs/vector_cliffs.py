"""Cliffs of tied chains of two or three components: located on lines, one of them refined through its edge state."""

import numpy as np

from symgrad.errors import InputError
from symgrad.evidence import Evidence
from symgrad.phenomena.cliffs.cliff_map import Cliff
from symgrad.phenomena.cliffs.edge_states import find_edge_state
from symgrad.phenomena.cliffs.location import locate
from symgrad.phenomena.cliffs.matching import lines_for
from symgrad.phenomena.cliffs.tied_cliffs import TiedProblem, located_cliffs

COUNT = 65
DIGITS = 20


def vector_cliffs(problem: TiedProblem) -> tuple[tuple[Cliff, ...], tuple[Evidence, ...]]:
    """Return the cliffs located on lines of constant first parameter, and the edge state on the middle one."""
    lines = lines_for((), problem.window, problem.along)
    place = problem.window.names.index(problem.along)
    low, high = float(problem.window.low[place]), float(problem.window.high[place])
    values = {problem.other: np.array([float(v) for v in lines])}
    chain = problem.target.composition
    crossings = locate(chain, problem.float_start, problem.along, low, high, values, count=COUNT)
    cliffs = tuple(located_cliffs(problem, [c for c in crossings if c.is_cliff]))
    middle = float(lines[len(lines) // 2])
    if not any(c.is_cliff and c.point[problem.other] == middle for c in crossings):
        return cliffs, ()
    at = {problem.other: middle}
    try:
        edge = find_edge_state(chain, problem.float_start, problem.along, low, high, at, digits=DIGITS, count=COUNT)
    except InputError:
        return cliffs, ()
    if edge is None:
        return cliffs, ()
    claim = f"at {problem.other} = {middle:g} the start hovers at an edge state for {edge.along} = {edge.exact}"
    return cliffs, (Evidence(claim, edge.verdict, edge.statement),)
