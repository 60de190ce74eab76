"""Certify: values that are known to lie where they are said to lie, by ball arithmetic."""

from symgrad.certify.balls import Ball, enclose, separates_zero
from symgrad.certify.refusals import UndefinedHere
from symgrad.certify.roots import (
    Isolation,
    Root,
    SystemRoots,
    certify_solution,
    double_roots,
    isolate_roots,
    isolate_solutions,
)

__all__ = [
    "Ball",
    "Isolation",
    "Root",
    "SystemRoots",
    "UndefinedHere",
    "certify_solution",
    "double_roots",
    "enclose",
    "isolate_roots",
    "isolate_solutions",
    "separates_zero",
]
