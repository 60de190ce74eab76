"""Certify: values that are known to lie where they are said to lie, by ball arithmetic."""

from symgrad.certify.balls import Ball, enclose, separates_zero
from symgrad.certify.refusals import UndefinedHere

__all__ = ["Ball", "UndefinedHere", "enclose", "separates_zero"]
