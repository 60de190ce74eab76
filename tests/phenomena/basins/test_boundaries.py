"""The dimension of basin boundaries: a line has 1, the triple boundary of cube roots more, and refusals."""

import numpy as np
import pytest

from symgrad.derivation import newton
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.basins.basin_maps import find_basins
from symgrad.phenomena.basins.boundaries import boundary_dimension


def test_half_planes_have_a_boundary_of_dimension_one() -> None:
    found = boundary_dimension(find_basins(newton("z**2 - 1", "z"), ((-2, 2.1), (-2, 2)), points=640))
    assert abs(found.dimension - 1) < 0.02
    assert found.verdict is Verdict.SAMPLED


def test_the_boundary_of_cube_roots_is_a_fractal() -> None:
    found = boundary_dimension(find_basins(newton("z**3 - 1", "z"), ((-2, 2), (-2, 2)), points=1000))
    assert 1.3 < found.dimension < 1.6
    assert found.error < 0.03
    assert np.all(np.diff(found.shares) > 0)
    assert "dimension 1." in found.statement


def test_a_window_without_boundary_or_a_coarse_grid_is_refused() -> None:
    with pytest.raises(InputError, match="too little boundary"):
        boundary_dimension(find_basins(newton("z**2 - 1", "z"), ((1, 2), (-1, 1)), points=200))
    with pytest.raises(InputError, match="160 starts"):
        boundary_dimension(find_basins(newton("z**2 - 1", "z"), ((-1, 2), (-1, 1)), points=50))
    swept = find_basins(newton("z**2 - a", "z"), (-3, 3), parameters={"a": (1, 2)}, points=(3, 9), domain="real")
    with pytest.raises(InputError, match="different units"):
        boundary_dimension(swept)
