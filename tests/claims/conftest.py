"""The corpus of claims with its oracle, for every test that needs them."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from symgrad.budget import close


@pytest.fixture(scope="session", autouse=True)
def no_child_afterwards() -> Iterator[None]:
    """One warm child for all tests of claims, ended with them."""
    yield
    close()


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
