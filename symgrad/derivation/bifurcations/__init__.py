"""Fixed points, cycles and their bifurcations: equations, exact curves and points."""

from symgrad.derivation.bifurcations.curves import Bifurcations, Curve, ExactPoint, OpenEquation
from symgrad.derivation.bifurcations.finding import find_bifurcations

__all__ = ["Bifurcations", "Curve", "ExactPoint", "OpenEquation", "find_bifurcations"]
