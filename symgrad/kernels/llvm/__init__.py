"""The llvm backend (optional extra "fast"): the program of a step as vector code that keeps its state in registers."""

from symgrad.kernels.llvm.engine import available
from symgrad.kernels.llvm.run import obstacle, run_llvm

__all__ = ["available", "obstacle", "run_llvm"]
