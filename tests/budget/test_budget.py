"""One call in a child process: its value, its exception, or no answer; and no process is left behind."""

import contextlib
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import pytest
import sympy

from symgrad import budget
from symgrad.budget import NoAnswer, calls, close, prepare, remaining, shared_time, within
from symgrad.maps import expression

SECONDS = 20.0
SHORT = 0.3


@pytest.fixture(scope="module", autouse=True)
def no_child_afterwards() -> Iterator[None]:
    yield
    close()
    assert calls._post.child is None


def child_id() -> int:
    found = within(SECONDS, os.getpid)
    assert isinstance(found, int)
    return found


def is_gone(process: int, *, patience: float = 5.0) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with open(f"/proc/{process}/stat", encoding="utf-8") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_value_comes_from_another_process_that_stays() -> None:
    first = child_id()
    assert first != os.getpid()
    assert child_id() == first


def test_expressions_with_activations_go_and_come_back() -> None:
    expr = expression("sigmoid(w*x) + gelu(x)/3 + u[k]")
    assert within(SECONDS, sympy.expand, expr) == expr
    k = sympy.Dummy("k", integer=True)
    assert within(SECONDS, sympy.diff, k**2, k) == 2 * k


def test_a_large_value_comes_whole() -> None:
    assert within(SECONDS, bytes, 30_000_000) == bytes(30_000_000)
    assert within(SECONDS, len, bytes(30_000_000)) == 30_000_000


def test_an_exception_comes_as_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        within(SECONDS, divmod, 1, 0)
    with pytest.raises(UnicodeDecodeError):
        within(SECONDS, bytes.decode, b"\xff")
    assert isinstance(child_id(), int)


def test_what_cannot_be_pickled_is_the_callers_exception() -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        within(SECONDS, lambda: 1)
    with pytest.raises(TypeError, match="pickle"):
        within(SECONDS, memoryview, b"")


@pytest.mark.parametrize(
    "work",
    [
        "while True: pass",
        "import re\nre.fullmatch('(a|aa)+b', 'a' * 60)",
        "7 ** 10**9",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\nwhile True: pass",
    ],
    ids=["python", "regular expression", "integer power", "deaf to signals"],
)
def test_a_hang_ends_in_time_and_the_next_call_is_answered(work: str) -> None:
    before = child_id()
    start = time.monotonic()
    assert within(SHORT, exec, work) is NoAnswer.TIME
    assert time.monotonic() - start < SHORT + 1
    assert is_gone(before)
    assert child_id() != before


def test_a_crash_is_told_from_lateness() -> None:
    assert within(SECONDS, os._exit, 3) is NoAnswer.LOST
    assert within(SECONDS, sys.exit, 3) is NoAnswer.LOST
    assert within(SECONDS, os.abort) is NoAnswer.LOST
    assert isinstance(child_id(), int)


def test_memory_is_bounded() -> None:
    assert within(SECONDS, bytearray, 2**36) is NoAnswer.MEMORY
    assert isinstance(child_id(), int)


def test_prints_of_the_called_do_no_harm() -> None:
    assert within(SECONDS, exec, "import os\nprint('x' * 100000)\nos.write(1, b'noise')") is None
    assert within(SECONDS, abs, -3) == 3


def test_a_call_within_the_child_is_made_directly() -> None:
    assert within(SECONDS, within, 1.0, abs, -3) == 3
    assert within(SECONDS, within, SECONDS, os.getpid) == child_id()


def test_a_command_shares_its_time() -> None:
    child_id()
    with shared_time(0.5):
        assert within(SECONDS, time.sleep, 30) is NoAnswer.TIME
        assert remaining(SECONDS) == 0
        assert within(SECONDS, abs, -1) is NoAnswer.TIME
    assert remaining(SECONDS) == SECONDS
    assert within(SECONDS, abs, -1) == 1


def test_threads_take_turns() -> None:
    results: dict[int, object] = {}

    def ask(number: int) -> None:
        results[number] = within(SECONDS, pow, number, 2)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number**2 for number in range(8)}


def test_an_interruption_ends_the_child_and_its_late_answer_is_not_mistaken() -> None:
    before = child_id()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        within(SECONDS, time.sleep, 1.0)
    assert is_gone(before)
    assert within(SECONDS, abs, -3) == 3


def test_a_cheap_call_costs_little_once_the_child_is_warm() -> None:
    child_id()
    start = time.monotonic()
    for _ in range(50):
        within(SECONDS, abs, -1)
    assert time.monotonic() - start < 1


def script(body: str) -> str:
    return f"import os, sys, time\nfrom symgrad.budget import within, prepare\n{textwrap.dedent(body)}"


def started(body: str) -> tuple[subprocess.Popen[str], int]:
    """Start a program that prints the id of its child, and return both."""
    process = subprocess.Popen(
        [sys.executable, "-c", script(body)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


BUSY = "print(within(20, os.getpid), flush=True)\nwithin(60, exec, {!r})"


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("work", ["while True: pass", "7 ** 10**9", "import time\ntime.sleep(60)"])
def test_no_busy_child_outlives_its_parent(ending: signal.Signals, work: str) -> None:
    process, child = started(BUSY.format(work))
    with process:
        time.sleep(0.2)
        process.send_signal(ending)
        process.wait(10)
        assert is_gone(child)


@pytest.mark.parametrize("body", ["print(within(20, os.getpid), flush=True)", "print(within(20, os.getpid))\n1/0"])
def test_no_idle_child_outlives_its_parent(body: str) -> None:
    process, child = started(body)
    with process:
        process.wait(10)
        assert is_gone(child)


def test_an_idle_child_of_a_killed_parent_ends() -> None:
    process, child = started("print(within(20, os.getpid), flush=True)\ntime.sleep(60)")
    with process:
        process.kill()
        process.wait(10)
        assert is_gone(child)


def test_a_forked_process_has_a_child_of_its_own() -> None:
    body = """
    first = within(20, os.getpid)
    fork = os.fork()
    if fork == 0:
        own = within(20, os.getpid)
        os._exit(0 if own != first and isinstance(own, int) else 1)
    status = os.waitpid(fork, 0)[1]
    print(status == 0 and within(20, os.getpid) == first)
    """
    done = subprocess.run([sys.executable, "-W", "error", "-c", script(body)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_spawned_worker_has_a_child_of_its_own() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        theirs = pool.apply(within, (SECONDS, os.getpid))
    assert isinstance(theirs, int)
    assert theirs != child_id()
    assert is_gone(theirs)


def test_nothing_starts_before_it_is_needed() -> None:
    body = "import symgrad.budget.calls as c\nprint(c._post.child, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script(body)], capture_output=True, text=True, check=True)
    assert done.stdout == "None False\n"


def test_the_current_folder_is_not_imported_from(tmp_path: os.PathLike[str]) -> None:
    with open(os.path.join(tmp_path, "sympy.py"), "w", encoding="utf-8") as file:
        file.write("raise SystemExit(1)")
    close()
    with contextlib.chdir(tmp_path):
        assert within(SECONDS, abs, -1) == 1
    close()


def test_prepare_warms_the_child_without_waiting() -> None:
    close()
    start = time.monotonic()
    prepare()
    assert time.monotonic() - start < 0.3
    assert within(SECONDS, abs, -1) == 1


def test_the_sentences_of_no_answer() -> None:
    assert all(re.match("no answer", reason.value) for reason in budget.NoAnswer)
