"""The corpus of claims with its oracle, for every test that needs them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def truth() -> ModuleType:
    """The module that reads the corpus and evaluates claims by mpmath."""
    path = Path(__file__).parent / "test_corpus_truth.py"
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(path):
            return module
    spec = importlib.util.spec_from_file_location("corpus_truth", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
