"""The nine popular statements: each verdict is settled by evidence, and the numbers in it are those of mathematics."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symgrad import Scale
from symgrad.catalogue.loading import load_file
from symgrad.evidence import Evidence, Verdict

PATH = Path(__file__).resolve().parents[2] / "analyses" / "common_explanations.py"
VERDICTS = {
    "shorthand_order": Verdict.REFUTED,
    "factors_below_one": Verdict.REFUTED,
    "factors_above_one": Verdict.REFUTED,
    "factors_minus_one": Verdict.PROVED,
    "factors_below_minus_one": Verdict.REFUTED,
    "newton_step": Verdict.REFUTED,
    "spectral_radius": Verdict.REFUTED,
    "largest_eigenvalue": Verdict.REFUTED,
    "vanishing_product": Verdict.REFUTED,
}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    return sys.modules[load_file(PATH).run.__module__]


def made(module: ModuleType, name: str) -> Any:
    """Return a statement at the quick scale."""
    function: Callable[..., Any] = getattr(module, name)
    return function(Scale.QUICK) if function.__code__.co_argcount else function()


@pytest.mark.parametrize(("name", "verdict"), VERDICTS.items())
def test_each_statement_is_settled_and_its_core_and_correction_hold(
    module: ModuleType, name: str, verdict: Verdict
) -> None:
    statement = made(module, name)
    assert statement.verdict is verdict
    for item in (*statement.right_by, *statement.true_by):
        assert item.verdict in (Verdict.PROVED, Verdict.CERTIFIED), (item.claim, item.method)


def test_a_counterexample_that_is_not_settled_leaves_its_statement_undecided(module: ModuleType) -> None:
    statement = made(module, "factors_below_one")
    unsettled = Evidence("x = x", Verdict.SUPPORTED, "points")
    broken = type(statement)(**{**vars(statement), "against": (*statement.against, unsettled)})
    assert broken.verdict is Verdict.UNDECIDED


def test_the_net_whose_weights_have_no_eigenvalue_but_0_explodes_and_its_scaled_copy_vanishes(
    module: ModuleType,
) -> None:
    weights = module.WEIGHTS
    assert np.array_equal(weights @ weights, np.zeros((2, 2)))
    assert np.linalg.norm(weights, 2) == pytest.approx(6, rel=1e-14)
    assert module.jacobian_growth(weights, 100)[-1] > 20
    steps = np.arange(1, 101)
    assert np.all(module.jacobian_growth(0.15 * weights, 100)[1:] <= steps * np.log10(0.9) + 1e-9)


def test_the_lower_bound_of_the_jacobian_product_is_below_its_norm(module: ModuleType) -> None:
    evidence = module.growth_certificate(40)
    assert evidence.verdict is Verdict.CERTIFIED
    bound = float(evidence.claim.rpartition("= ")[0].rpartition("= ")[2].split(",")[0])
    assert 0 <= module.jacobian_growth(module.WEIGHTS, 40)[-1] - np.log10(bound) <= 2


def test_newtons_step_on_the_wall_is_the_reference_value(module: ModuleType) -> None:
    claim = module.on_the_wall().claim
    assert "661.683" in claim
    assert "6.617" in claim
    assert "9.09e-06" in claim


def test_the_non_normal_matrix_peaks_at_the_reference_value(module: ModuleType) -> None:
    assert "peaks at 38.7" in made(module, "spectral_radius").decided_by
