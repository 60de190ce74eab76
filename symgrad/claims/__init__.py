"""Claims: a statement, and what was done to prove or refute it."""

from symgrad.claims.claim import Claim, check

__all__ = ["Claim", "check"]
