"""The frame of the command line: help, errors, exit codes."""

import subprocess
import sys

import pytest

from likewise import __version__
from likewise.cli import COMMANDS, main


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"likewise {__version__}\n"


def test_help_lists_every_command_with_its_summary(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for command in COMMANDS:
        assert f"{command.name} {command.summary}" in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_shows_an_example_of_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command.name, "--help"])
    assert stop.value.code == 0
    help_text = capsys.readouterr().out
    assert f"example:\n  likewise {command.name}" in help_text


MISUSE = {
    "no command": ([], "the following arguments are required: COMMAND (see likewise --help)"),
    "unknown command": (["fly"], "argument COMMAND: invalid choice: 'fly'"),
    "unknown argument": (["doctor", "--fast"], "unrecognized arguments: --fast (see likewise --help)"),
}


@pytest.mark.parametrize(("arguments", "message"), MISUSE.values(), ids=MISUSE)
def test_misuse_is_one_line_and_exit_code_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"likewise: error: {message}")
    assert printed.err.count("\n") == 1


def test_a_reader_that_has_read_enough_is_no_error():
    command = [sys.executable, "-c", "import sys; from likewise.cli import main; sys.exit(main())", "doctor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
