"""The layers that a chain repeats, with the plans of their blocks."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.plans import Plan
from symgrad.kernels.program import Program
from symgrad.kernels.vectors.programs import VectorBlock, noise_block, structure, vector_block

SPAN = 12
UNITS = (12, 6, 4, 3, 2, 1)
LONGEST_PROGRAM = 3000
PLAIN = frozenset("add sub mul neg abs min max sign floor ceil rint lt le eq and or not select".split())


@dataclass(frozen=True)
class Body:
    """The programs of the layers that a chain repeats, and the names whose slopes are carried.

    Parameters
    ----------
    names : the names whose slopes have left zero in this body or before it
    live : their positions among all names
    zeros : parameters that are 0 at every point
    careful : look at what is carried after every application
    """

    layers: tuple[Program, ...]
    names: tuple[str, ...]
    live: tuple[int, ...]
    zeros: frozenset[str] = frozenset()
    careful: bool = False
    _plans: dict[Any, tuple[VectorBlock, Plan]] = field(default_factory=dict, repr=False)
    _reach: dict[int, NDArray[np.bool_]] = field(default_factory=dict, repr=False)

    @property
    def driven(self) -> bool:
        """Whether a value per layer enters, so that no block repeats another."""
        return any(one.kind == "layer" for layer in self.layers for one in layer.inputs)

    @cached_property
    def exact(self) -> bool:
        """Whether a number computed as 0 is exactly 0: sums and products of ordinary numbers, one layer at a time."""
        return self.careful and all(layer.operations <= PLAIN for layer in self.layers)

    @cached_property
    def _structure(self) -> tuple[NDArray[np.bool_], tuple[bool, ...]]:
        return structure(self.layers, self.zeros)

    @property
    def alive(self) -> tuple[bool, ...]:
        """Which compound matrices of the product can differ from zero."""
        return self._structure[1]

    def reach(self, applications: int) -> NDArray[np.bool_]:
        """Return which entries of the product of so many applications can differ from zero, shape (d, d)."""
        key = applications if applications <= 2 * SPAN else SPAN + applications % SPAN  # their pattern is periodic
        if key not in self._reach:
            self._reach[key] = np.linalg.matrix_power(self._structure[0].astype(float), key) > 0
        return self._reach[key]

    @cached_property
    def unit(self) -> int:
        """The applications in one run of the program, a divisor of the span."""
        return 1 if self.careful else next(unit for unit in UNITS if unit == 1 or self.fits(unit))

    @cached_property
    def length(self) -> int:
        """The operations in a block of the span."""
        return SPAN * len(self.plan(1)[0].program.instructions)

    def fits(self, applications: int) -> bool:
        """Whether a program of so many applications is short enough to be worth its preparation."""
        return not self.careful and applications * len(self.plan(1)[0].program.instructions) <= LONGEST_PROGRAM

    def plan(self, applications: int, kind: str = "block") -> tuple[VectorBlock, Plan]:
        """Return the program of so many applications and its plan, made once; of kind "block", "scaled" or "noise"."""
        key = (applications, kind)
        if key not in self._plans:
            if kind == "noise":
                block = noise_block(self.layers, applications)
            else:
                block = vector_block(self.layers, applications, self.names, zeros=self.zeros, scaled=kind == "scaled")
            self._plans[key] = block, Plan.of(block.program)
        return self._plans[key]
