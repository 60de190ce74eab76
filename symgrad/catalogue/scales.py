"""How finely an analysis computes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True)
class Scale:
    """How finely an analysis computes: ``Scale.QUICK`` to look, ``Scale.FULL`` to publish.

    Parameters
    ----------
    name : what ``--scale`` takes and a report states
    points : grid points per axis

    Examples
    --------
    >>> Scale.QUICK.points, Scale.FULL.points
    (41, 201)
    >>> Scale.QUICK.quick, Scale.FULL.quick
    (True, False)
    """

    QUICK: ClassVar["Scale"]
    FULL: ClassVar["Scale"]

    name: str
    points: int

    @property
    def quick(self) -> bool:
        """Whether a look is enough, so that optional heavy parts may be left out."""
        return self.points < Scale.FULL.points


Scale.QUICK = Scale("quick", 41)
Scale.FULL = Scale("full", 201)
SCALES: Mapping[str, Scale] = MappingProxyType({scale.name: scale for scale in (Scale.QUICK, Scale.FULL)})
