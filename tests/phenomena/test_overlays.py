"""Exact bifurcation curves over a measured map, and points where a proof and the layers computed disagree."""

import numpy as np
import pytest

from symgrad.kernels import to_kernel
from symgrad.maps import Map
from symgrad.phenomena import Regime, classify, with_bifurcations
from symgrad.sweeps import Axis, sweep
from symgrad.symbols import n


def plane(text: str, first: Axis, second: Axis, **given: object):
    return sweep(to_kernel(Map(text, "x") ** n), first, second, **given)


def test_curves_solve_the_equations_of_a_fold_and_a_flip() -> None:
    swept = plane("w*sigmoid(x) + b", Axis("w", -8, 8, 5), Axis("b", -6, 6, 5), start=0.5, depth=40)
    curves = {c.kind: c for c in with_bifurcations(classify(swept), swept).overlays}
    assert set(curves) == {"fold", "flip"}
    fold = curves["fold"]
    at_five = np.nanargmin(np.abs(fold.x - 5))
    # section 4.1 of Pascanu's surface: folds at w = 5 are b = -2.65561034 and -2.34438966
    assert min(abs(fold.y[at_five] + 2.65561034), abs(fold.y[at_five] + 2.34438966)) < 5e-3
    assert np.nanmin(fold.x) == pytest.approx(4, abs=1e-4)
    assert np.nanmax(curves["flip"].x) == pytest.approx(-4, abs=1e-4)


def test_other_parameters_are_put_in_as_exact_numbers() -> None:
    axes = Axis("w", -8, 8, 5), Axis("b", -6, 6, 5)
    swept = plane("v*w*sigmoid(x) + b", *axes, start=0.5, depth=40, parameters={"v": 2})
    fold = next(c for c in with_bifurcations(classify(swept), swept).overlays if c.kind == "fold")
    assert np.nanmin(fold.x) == pytest.approx(2, abs=1e-4)


def test_a_kinked_map_or_a_swept_start_has_no_such_curves() -> None:
    kinked = plane("relu(w*x + b)", Axis("w", -2, 2, 5), Axis("b", -2, 2, 5), start=0.5, depth=20)
    started = plane("tanh(w*x)", Axis("w", -2, 2, 5), Axis("x", -2, 2, 5), depth=20)
    for swept in (kinked, started):
        assert with_bifurcations(classify(swept), swept).overlays == ()


def test_an_orbit_that_agrees_with_the_proof_is_no_disagreement() -> None:
    swept = sweep(to_kernel(Map("tanh(w*x)", "x") ** n), Axis("w", 1.5, 3, 4), start=0, depth=80)
    found = classify(swept)
    assert found.disagreements == 0
    assert set(found.regimes.ravel()) == {Regime.EXPLODING}


def test_a_planted_disagreement_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from symgrad.phenomena import regimes as room

    swept = sweep(to_kernel(Map("w*x", "x") ** n), Axis("w", 1.5, 3, 4), start=1, depth=80)
    vanishing = list(Regime).index(Regime.VANISHING)
    monkeypatch.setattr(room._Sampling, "codes", lambda self: np.full(4, vanishing, dtype=np.int8))
    found = classify(swept)
    assert found.disagreements == 4
    assert set(found.regimes.ravel()) == {Regime.EXPLODING}
