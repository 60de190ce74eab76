"""Certify: values that are known to lie where they are said to lie, by ball arithmetic and by boxes of intervals."""

from importlib import import_module
from typing import TYPE_CHECKING

from symgrad.certify.balls import Ball, enclose, separates_zero
from symgrad.certify.refusals import NotCovered, UndefinedHere
from symgrad.certify.roots import (
    Isolation,
    Root,
    SystemRoots,
    certify_solution,
    double_roots,
    isolate_roots,
    isolate_solutions,
)

# Boxes need NumPy and SciPy; claims, which need balls only, start without them.
MODULE_OF = {
    name: module
    for module, names in {
        "ball_orbits": "BallGradient ball_gradient",
        "box_functions": "Shape shape_of",
        "boxes": "Intervals",
        "contractions": "Contraction contraction",
        "convergence": "Certificate best_certificate interval_newton kantorovich smale_alpha",
        "covered_layers": "Layer read_layers",
        "paving": "Paving pave",
        "suprema": "Supremum gradient_supremum",
    }.items()
    for name in names.split()
}

if TYPE_CHECKING:
    from symgrad.certify.ball_orbits import BallGradient, ball_gradient
    from symgrad.certify.box_functions import Shape, shape_of
    from symgrad.certify.boxes import Intervals
    from symgrad.certify.contractions import Contraction, contraction
    from symgrad.certify.convergence import Certificate, best_certificate, interval_newton, kantorovich, smale_alpha
    from symgrad.certify.covered_layers import Layer, read_layers
    from symgrad.certify.paving import Paving, pave
    from symgrad.certify.suprema import Supremum, gradient_supremum

__all__ = [
    "Ball",
    "BallGradient",
    "Certificate",
    "Contraction",
    "Intervals",
    "Isolation",
    "Layer",
    "NotCovered",
    "Paving",
    "Root",
    "Shape",
    "Supremum",
    "SystemRoots",
    "UndefinedHere",
    "ball_gradient",
    "best_certificate",
    "certify_solution",
    "contraction",
    "double_roots",
    "enclose",
    "gradient_supremum",
    "interval_newton",
    "isolate_roots",
    "isolate_solutions",
    "kantorovich",
    "pave",
    "read_layers",
    "separates_zero",
    "shape_of",
    "smale_alpha",
]


def __getattr__(name: str) -> object:
    """Import a name from its module on first use."""
    if name not in MODULE_OF:
        raise AttributeError(f"symgrad.certify has no {name!r}")
    value = getattr(import_module(f"symgrad.certify.{MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
