"""The command `likewise`: results on stdout, progress on stderr, an error is one line and exit code 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from likewise.cli.arguments import command_parser
from likewise.cli.bench import BENCH
from likewise.cli.compare import COMPARE
from likewise.cli.demo import DEMO
from likewise.cli.doctor import DOCTOR
from likewise.cli.evaluate import EVALUATE
from likewise.cli.output import told_on_stderr
from likewise.cli.recommend import RECOMMEND, SIMILAR
from likewise.cli.reproduce import REPRODUCE
from likewise.cli.train import TRAIN

COMMANDS = (TRAIN, EVALUATE, RECOMMEND, SIMILAR, COMPARE, DEMO, REPRODUCE, DOCTOR, BENCH)

# What the library raises on purpose; anything else is a fault of ours and keeps its traceback.
_ERRORS = (ArithmeticError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line.

    Args:
        arguments: What follows `likewise`; by default what the process was given.

    Returns:
        The exit code: 0, or 2 after an error, or 130 after an interruption.
    """
    parsed = command_parser(COMMANDS).parse_args(arguments)
    with told_on_stderr():
        return _run(parsed)


def _run(parsed: argparse.Namespace) -> int:
    try:
        parsed.run(parsed)
        sys.stdout.flush()
    except BrokenPipeError:  # `likewise ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except _ERRORS as error:
        # str() of a KeyError would quote its message.
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"likewise: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("likewise: interrupted", file=sys.stderr)
        return 130
    return 0
