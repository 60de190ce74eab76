"""``symgrad`` and ``python -m symgrad`` are the same program."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from symgrad.cli import main

TOKENS = (["--help"], ["--version"], ["doctor", "--help"], ["nothing"], [], ["doctor", "--jso"])


def test_the_installed_command_is_main() -> None:
    (script,) = entry_points(group="console_scripts", name="symgrad")
    assert script.load() is main


@pytest.mark.parametrize("tokens", TOKENS)
def test_both_ways_in_answer_alike(tokens: list[str]) -> None:
    script = Path(sys.executable).with_name("symgrad")
    ways = ([str(script)], [sys.executable, "-m", "symgrad"])
    one, other = (subprocess.run([*way, *tokens], capture_output=True, text=True) for way in ways)
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)
    assert one.returncode == (0 if tokens and tokens[-1] in ("--help", "--version") else 2)
