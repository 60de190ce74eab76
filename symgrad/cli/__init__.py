"""The command line: a thin face over the Python functions of the same meaning.

Hardly anything is imported at the start; a command imports the rooms it needs when it runs.
"""

import os
import sys
from collections.abc import Sequence

from symgrad.errors import InputError, RegistryError

REFUSED, DEFECT, INTERRUPTED = 2, 70, 130
LONGEST_MESSAGE = 400


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    argv : the arguments after the program's name; those of the process if not given

    Returns
    -------
    0 done, 1 something was refuted, 2 input that cannot be used, 3 the main question is undecided,
    70 a defect in symgrad, 130 interrupted
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(tokens)
        sys.stdout.flush()
        return code
    except (InputError, RegistryError) as error:
        return _say(f"symgrad: {error}", REFUSED)
    except KeyboardInterrupt:
        return _say("symgrad: interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone and wants no more; the interpreter must not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("SYMGRAD_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        note = f"{type(error).__name__}: {error}"
        return _say(f"symgrad: a defect in symgrad: {note} (SYMGRAD_DEBUG=1 shows where)", DEFECT)


def _run(tokens: list[str]) -> int:
    """Find the command, read its arguments, run it and print its answer."""
    if tokens and tokens[0] == "--version":
        from symgrad import __version__

        print(f"symgrad {__version__}")
        return 0
    if tokens and tokens[0] in ("-h", "--help"):
        from symgrad.cli.overview import command_line_help

        print(command_line_help())
        return 0
    from symgrad.cli import answers
    from symgrad.cli import arguments as reading

    command, rest = reading.find_command(tokens)
    arguments = reading.read_arguments(command, rest)
    if arguments is None:
        print(command.parser().format_help().rstrip())
        return 0
    answer = command.run(arguments)
    answers.write_answer(answer, json_wanted=arguments.json, stream=sys.stdout)
    return answer.code


def _say(message: str, code: int) -> int:
    """Print one line on standard error, however long the message is, and return the exit code."""
    line = " ".join(message.split())
    if len(line) > LONGEST_MESSAGE:
        line = f"{line[: LONGEST_MESSAGE // 2]} … {line[-LONGEST_MESSAGE // 2 :]}"
    print(line, file=sys.stderr)
    return code
