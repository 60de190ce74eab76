"""The ways in which a certificate is refused."""

from symgrad.errors import InputError


class UndefinedHere(InputError):
    """The expression certainly has no value at the point, for instance because a divisor is exactly 0."""


class UnclearError(Exception):
    """The precision does not decide which side of a jump, or of the domain's edge, the point lies on."""


class NotCovered(InputError):
    """No proved hull rule exists for a map or a loss; what is said about it can only be sampled."""
