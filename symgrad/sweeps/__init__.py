"""Sweeps: a kernel evaluated on a whole grid of named axes, in chunks that fit in memory."""

from symgrad.sweeps.axes import Axis
from symgrad.sweeps.grid import Sweep, sweep

__all__ = ["Axis", "Sweep", "sweep"]
