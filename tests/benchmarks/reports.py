"""How long all reports take (at most 150 s at full scale). Run: python tests/benchmarks/reports.py"""

import argparse
import subprocess
import sys
import tempfile
import time


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="full")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "symgrad", "report", *options.names, "--scale", options.scale, "--out", folder]
        begin = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(done.stdout, end="")
        print(f"{time.perf_counter() - begin:.1f} s at {options.scale} scale")


if __name__ == "__main__":
    main()
