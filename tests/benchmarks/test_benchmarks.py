"""Every benchmark runs at a tiny size; what it measures is printed when it is run by hand."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
TINY = {
    "claims": ["--limit", "2", "--mutants", "2", "--fuzz", "3"],
    "basins": ["--points", "20", "--repeats", "1"],
    "startup": ["--repeats", "1"],
    "derivation": ["--depths", "1"],
    "surfaces": ["--surfaces", "B", "--size", "4", "--depths", "3", "--repeats", "1", "--only", "symgrad numpy"],
    "grid": ["--size", "8", "--depth", "3", "--repeats", "1"],
    "reports": ["--scale", "quick", "four_regimes"],
    "spectra": ["--orbits", "4", "--orbit-steps", "20", "--wide", "3", "--wide-steps", "5", "--repeats", "1"],
    "networks": ["--side", "2", "--steps", "3", "--units", "2", "--checked", "1", "--repeats", "1"],
    "cliffs": ["--depths", "3", "4", "--repeats", "1"],
    "pavings": ["--undecided", "0.1", "--tolerance", "5", "--depths", "3", "3"],
}


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_runs_and_prints_what_it_measured(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module(name).main(TINY[name])
    assert " s" in capsys.readouterr().out
    assert sys.float_info.min / 2 > 0, "compiled code has made the process lose subnormal numbers"


def test_no_benchmark_is_left_out() -> None:
    assert {path.stem for path in HERE.glob("*.py")} - {"test_benchmarks"} == set(TINY)
