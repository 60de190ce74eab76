"""Sharpness along a path: the largest eigenvalue of the loss's Hessian, beside the bound 2/η of a stable step.

A gradient step of size η on a quadratic is stable exactly if η times the largest eigenvalue is below 2; Cohen et al.
(2021) saw full-batch training drive the sharpness up to that line, the edge of stability. With the heavy ball of
momentum β the line is (2 + 2β)/η.

References
----------
Cohen, Kaur, Li, Kolter & Talwalkar (2021), Gradient descent on neural networks typically occurs at the edge of
stability, arXiv 2103.00065.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import newton
from symgrad.errors import InputError
from symgrad.kernels import SignedLog
from symgrad.phenomena.descent.paths import Descent
from symgrad.phenomena.descent.questions import compiled

Array = NDArray[np.float64]


def largest_eigenvalue(hessian: Mapping[tuple[str, str], SignedLog], names: Sequence[str]) -> SignedLog:
    """Return the largest eigenvalue of symmetric matrices of any size, shape (…), undefined where an entry is.

    Its error is a few roundings of the largest entry.

    >>> flat = {("a", "a"): SignedLog.from_parts(3.0, 5000), ("a", "b"): SignedLog.from_float(0.0),
    ...         ("b", "b"): SignedLog.from_parts(-4.0, 5000)}
    >>> top = largest_eigenvalue(flat, ("a", "b"))
    >>> float(top.mantissa * 4), float(top.exponent)
    (3.0, 5002.0)
    """
    p = len(names)
    entries = [[hessian[names[min(i, j)], names[max(i, j)]] for j in range(p)] for i in range(p)]
    heights = [np.where(e.mantissa == 0, -np.inf, e.exponent) for row in entries for e in row]
    top = np.max(heights, axis=0)
    top = np.where(np.isfinite(top), top, 0.0)
    scaled = [[SignedLog.from_parts(e.mantissa, e.exponent - top).value for e in row] for row in entries]
    matrices = np.moveaxis(np.array(scaled), (0, 1), (-2, -1))
    usable = np.isfinite(matrices).all(axis=(-2, -1))
    values = np.linalg.eigvalsh(np.where(usable[..., None, None], matrices, 0.0))[..., -1]
    return SignedLog.from_parts(np.where(usable, values, np.nan), top)


def sharpness(descent: Descent) -> SignedLog:
    """Return the largest eigenvalue of the loss's Hessian at every point of the paths, shape (steps + 1, …)."""
    question = descent.question
    second = newton(question.target)
    assert not hasattr(second, "exprs")
    inside = np.moveaxis(np.where(np.isfinite(descent.positions), descent.positions, 0.0), 1, 0)
    outcome = compiled(second.gradient)(question.start, question.at(inside), depth=question.depth)
    found = largest_eigenvalue(outcome.hessian, descent.names)
    lost = ~np.isfinite(descent.positions).all(axis=1)
    return SignedLog(np.where(lost, np.nan, found.mantissa), np.where(lost, 0.0, found.exponent))


def edge_of_stability(descent: Descent) -> Any:
    """Return the largest sharpness at which the rule is stable on a quadratic: 2/η, with momentum (2 + 2β)/η.

    Raises
    ------
    InputError : Newton's rule, which no curvature makes unstable
    """
    rule = descent.question.rule
    if rule.name == "newton":
        raise InputError("Newton's step has no edge of stability; ask for that of the gradient or momentum rule")
    return (2 + 2 * np.asarray(rule.momentum)) / np.asarray(rule.step_size)
