"""The NumPy backend for states of two to four components: programs in blocks, products with exponents of their own."""

from symgrad.kernels.vectors.run import obstacle, run_vector_states

__all__ = ["obstacle", "run_vector_states"]
