"""Families of maps whose n-fold composition is known, tried in the order of these imports."""

from symgrad.derivation.closed_forms.families import (  # isort: skip
    affine as affine,
    powers as powers,
    chebyshev as chebyshev,
    fractional as fractional,
    radicals as radicals,
    tents as tents,
    linear as linear,
)
from symgrad.derivation.closed_forms.families.registry import FAMILIES, Family, family

__all__ = ["FAMILIES", "Family", "family"]
