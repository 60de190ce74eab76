"""Straight-line programs: what a derived step computes, as plain data for every fast backend.

Writing one from expressions loads SymPy, which happens when ``program_of`` or ``programs_of`` is first used.
"""

from typing import TYPE_CHECKING

from symgrad.kernels.program.builder import Builder
from symgrad.kernels.program.bundles import BUNDLES
from symgrad.kernels.program.program import OPERATIONS, TRUTHS, Input, Instruction, Program
from symgrad.kernels.program.terms import Term

if TYPE_CHECKING:
    from symgrad.kernels.program.lowering import Programs, Unsupported, program_of, programs_of

_NEEDS_SYMPY = frozenset({"Programs", "Unsupported", "program_of", "programs_of"})

__all__ = [
    "BUNDLES",
    "OPERATIONS",
    "TRUTHS",
    "Builder",
    "Input",
    "Instruction",
    "Program",
    "Programs",
    "Term",
    "Unsupported",
    "program_of",
    "programs_of",
]


def __getattr__(name: str) -> object:
    """Load SymPy with the lowering on first use (PEP 562)."""
    if name in _NEEDS_SYMPY:
        from symgrad.kernels.program import lowering

        return getattr(lowering, name)
    raise AttributeError(f"symgrad.kernels.program has no {name!r}")
