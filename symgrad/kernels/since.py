"""Where arithmetic with unlimited exponents takes orbits over that float64 has carried so far."""

from collections.abc import Mapping
from dataclasses import dataclass

from symgrad.kernels.signed_log import SignedLog


@dataclass(frozen=True)
class Since:
    """The numbers of some orbits of one component before their last ``left`` applications.

    Parameters
    ----------
    state, product : x and the chain product, shape (points,)
    own : the slopes by name
    """

    state: SignedLog
    product: SignedLog
    own: Mapping[str, SignedLog]
    left: int
