"""Lyapunov spectra, singular values of long Jacobian products, and the growth of non-normal matrices."""
