"""What is compiled, and which arrays the compiled function writes."""

from dataclasses import dataclass

from symgrad.kernels.program import Program

FIXED = ("state", "product", "fate", "growth")


@dataclass(frozen=True)
class Chain:
    """What is compiled: the layers that a chain repeats, the names whose slopes are carried, and the loss.

    Parameters
    ----------
    names : parameters by name, the inputs after the start
    slopes : the names whose slopes are carried
    wrt : the names differentiated by, those of the state among them
    live : positions in ``slopes`` of those that leave zero
    """

    layers: tuple[Program, ...]
    loss: Program | None
    names: tuple[str, ...]
    slopes: tuple[str, ...]
    wrt: tuple[str, ...]
    live: tuple[int, ...]

    @property
    def zeros_exact(self) -> bool:
        """Whether a factor computed as 0 is exactly 0 in every layer."""
        return all(layer.zeros_exact for layer in self.layers)

    @property
    def outputs(self) -> int:
        """How many arrays are always written: those named in ``FIXED``, then loss and gradients."""
        return len(FIXED) + (self.loss is not None) + len(self.wrt)

    @property
    def wide(self) -> int:
        """How many arrays of exponents follow, zero but where a number leaves float64: of product and gradients."""
        return 1 + len(self.wrt)
