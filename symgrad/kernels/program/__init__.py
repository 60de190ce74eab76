"""Straight-line programs: what a derived step computes, as plain data for every fast backend."""

from symgrad.kernels.program.builder import Builder
from symgrad.kernels.program.bundles import BUNDLES
from symgrad.kernels.program.lowering import Programs, Unsupported, program_of, programs_of
from symgrad.kernels.program.program import OPERATIONS, TRUTHS, Input, Instruction, Program
from symgrad.kernels.program.terms import Term

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
