"""Points of formulas met before, answered from the cache of kernels without loading SymPy or SciPy.

What is kept of a formula holds for any values, start and depth. A point that it does not settle (a state that leaves
float64, a start too near a fixed point, a layer undefined on the way) is left to the ordinary way, always open.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symgrad.cli.problems import Problem
from symgrad.errors import InputError

if TYPE_CHECKING:
    from symgrad.kernels import Kernel, Outcome
    from symgrad.kernels.stored import StoredKernel
    from symgrad.phenomena import PointRegime
    from symgrad.phenomena.point_statements import PointStatements

BACKENDS = frozenset({"auto", "numpy", "llvm"})
TABLE = "symgrad.maps.activations"


def question_of(problem: Problem) -> dict[str, Any] | None:
    """Return what the numbers of a problem depend on beside values and depth, None where that is more than its text."""
    from symgrad.parsing import GRAMMAR_ARITIES, calls, parse, parse_layers, unparse

    chain = parse_layers(problem.text)
    loss = None if problem.loss is None else parse(problem.loss)
    trees = [node for layer in chain for node in layer] + ([] if loss is None else [loss])
    functions = frozenset().union(*map(calls, trees)) - GRAMMAR_ARITIES.keys()
    # k counts layers where there are several, and is a name like others where there is one.
    if problem.slice or "k" in (*problem.state, *problem.all_names) or not all(map(_built_in, functions)):
        return None
    return {
        "asked": "point",
        "layers": [[unparse(node) for node in layer] for layer in chain],
        "state": list(problem.state),
        "untied": list(problem.untied),
        "wrt": list(problem.wrt or problem.parameters),
        "loss": None if loss is None else unparse(loss),
    }


def _built_in(name: str) -> bool:
    """Say whether a function is symgrad's own; one can have been registered only if the table has been loaded."""
    table = sys.modules.get(TABLE)
    row = None if table is None else table.ACTIVATIONS.get(name)
    return table is None or name == "step" or (row is not None and row.formula.__module__ == TABLE)


def remembered_point(
    problem: Problem, start: Any, parameters: Mapping[str, Any], *, backend: str
) -> "tuple[Outcome, PointRegime] | None":
    """Return what a formula met before yields at a point, None where it was not met or does not settle the point."""
    from symgrad.kernels import Status
    from symgrad.kernels.cache import cache_folder, recall
    from symgrad.kernels.stored import NeedsAlgebra

    if backend not in BACKENDS or cache_folder() is None:
        return None
    question = question_of(problem)
    found = None if question is None else _read(problem, recall(question), backend)
    if found is None:
        return None
    kernel, statements = found
    try:
        outcome = kernel(start, parameters)
        if int(outcome.status) == Status.UNDEFINED:
            return None
        from symgrad.phenomena.regimes import regime_of_outcome

        point = regime_of_outcome(outcome, kernel=kernel, start=start, parameters=parameters, statements=statements)
    except NeedsAlgebra:
        return None
    return outcome, point


def _read(problem: Problem, answer: Any, backend: str) -> "tuple[StoredKernel, PointStatements] | None":
    """Return the kernel and the statements of an entry, None where it is not whole or not of this problem."""
    from symgrad.kernels.stored import stored_kernel
    from symgrad.phenomena.point_statements import PointStatements

    assert isinstance(problem.depth, int)
    try:
        kernel = stored_kernel(answer["kernel"], depth=problem.depth, backend=backend)
        statements = PointStatements.from_data(answer["statements"])
    except (InputError, KeyError, TypeError):
        return None
    same = tuple(s.name for s in kernel.composition.state) == problem.state
    same &= kernel.target.wrt == (problem.wrt or problem.parameters) and kernel.needed == problem.all_names
    return (kernel, statements) if same else None


def remember_kernel(problem: Problem, kernel: "Kernel") -> None:
    """Keep a kernel and what algebra says about its points, where the next run can do with that."""
    from symgrad.kernels.cache import cache_folder, remember

    if kernel.backend not in BACKENDS or cache_folder() is None:
        return
    from symgrad.kernels.stored import kernel_data
    from symgrad.phenomena.point_statements import point_statements

    question = question_of(problem)
    data = None if question is None else kernel_data(kernel)
    if question is not None and data is not None:
        statements = point_statements(kernel.composition)
        remember(question, {"kernel": data, "statements": statements.to_data()})
