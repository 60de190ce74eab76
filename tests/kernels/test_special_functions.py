"""erf and its kin for a few numbers: as right as SciPy's, and SciPy's where there are many."""

import math
import random
import subprocess
import sys

import mpmath
import numpy as np
import pytest
import scipy.special

from symgrad.kernels.special_functions import FEW, scaled_erfc, special


def test_the_scaled_function_is_right_to_a_few_roundings() -> None:
    exact, rng = mpmath.MPContext(), random.Random(1)
    exact.prec = 300
    places = [rng.uniform(-26, 27) for _ in range(300)] + [rng.uniform(0, 3) for _ in range(200)]
    places += [20.0, math.nextafter(20.0, 0.0), -26.5, 5e-324, 64.0, 1e4]
    for x in places:
        value = exact.exp(exact.mpf(x) ** 2) * exact.erfc(x)
        assert abs(exact.mpf(scaled_erfc(x)) - value) <= 5e-16 * value


@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx"])
def test_few_and_many_numbers_agree(name: str) -> None:
    many = np.linspace(-6, 30, FEW + 1)
    function, reference = getattr(special, name), getattr(scipy.special, name)
    assert (function(many) == reference(many)).all()
    assert function(many[:FEW]) == pytest.approx(reference(many[:FEW]), rel=4e-15, abs=1e-300)
    for odd in (0.0, math.inf, -math.inf):
        assert function(odd) == reference(odd)
    assert math.isnan(function(math.nan))


@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx"])
def test_results_are_written_where_they_are_wanted(name: str) -> None:
    out = np.empty((2, 3))
    given = np.arange(6.0).reshape(2, 3)
    assert getattr(special, name)(given, out=out) is out
    np.testing.assert_allclose(out, getattr(scipy.special, name)(given), rtol=4e-15)
    getattr(special, name)(np.float64(1.5), out=out)
    assert (out == getattr(special, name)(1.5)).all()


def test_few_numbers_import_no_scipy() -> None:
    text = (
        "import sys; from symgrad.kernels.special_functions import special; "
        "special.erfcx(0.5); print('scipy' in sys.modules); special.erf([0.5] * 100); print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
