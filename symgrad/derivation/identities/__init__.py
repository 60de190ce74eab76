"""Is this expression identically zero? Exact normal forms, and the signs that are proved with them."""

from symgrad.derivation.identities.proofs import is_zero, sign_proof, zero_proof

__all__ = ["is_zero", "sign_proof", "zero_proof"]
