"""The corpus of claims with its oracle, for every test that needs them."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def truth() -> ModuleType:
    """The module that reads the corpus and evaluates claims by mpmath."""
    spec = importlib.util.spec_from_file_location("corpus_truth", Path(__file__).parent / "test_corpus_truth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
