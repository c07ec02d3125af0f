"""What every other test takes for granted about the package."""

import inspect
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import likewise
from likewise import _core

REPOSITORY = Path(__file__).resolve().parent.parent


def test_tests_run_against_the_installed_package():
    assert not Path(likewise.__file__).is_relative_to(REPOSITORY)


def test_versions_agree():
    assert likewise.__version__ == _core.version == metadata.version("likewise")


def test_the_wheel_holds_no_sources_and_is_typed():
    files = [str(file) for file in metadata.files("likewise")]
    assert "likewise/py.typed" in files
    assert "likewise/_core.pyi" in files
    assert not [file for file in files if file.endswith((".cpp", ".h", ".cu", ".a", ".o"))]


def test_dependencies_are_the_four():
    required = [line for line in metadata.requires("likewise") if "extra ==" not in line]
    names = sorted(line.split(">")[0] for line in required)
    assert names == ["duckdb", "numpy", "safetensors", "tqdm"]


def test_importing_the_package_does_not_import_its_dependencies():
    code = "import sys, likewise; print(sorted({'numpy', 'duckdb', 'safetensors', 'tqdm', 'torch'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'likewise' has no attribute 'Transformer'"):
        likewise.Transformer  # noqa: B018


def test_a_forced_instruction_set_is_used():
    for level in _core.usable_isa_levels():
        code = "from likewise import _core; print(_core.isa_level())"
        run = subprocess.run(
            [sys.executable, "-c", code], env={"LIKEWISE_ISA": level}, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == level


def test_an_impossible_instruction_set_is_an_error_that_names_the_possible_ones():
    code = "from likewise import _core; _core.isa_level()"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"LIKEWISE_ISA": "v9"}, capture_output=True, text=True, check=False
    )
    assert "LIKEWISE_ISA must be one of v2" in run.stderr
    assert run.stderr.rstrip().endswith("got v9")


@pytest.mark.parametrize(("name", "of"), inspect.getmembers(_core, inspect.isclass))
def test_an_object_that_was_never_initialised_is_refused(name, of):
    made = of.__new__(of)
    readable = [each for each, value in vars(of).items() if isinstance(value, property)]
    methods = {"__repr__", "__len__", "__array__", "__float__", "__neg__", "numpy", "detach", "to_dense"} & set(
        vars(of)
    )
    for attribute in readable:
        with pytest.raises(TypeError, match=f"this likewise._core.{name} was never initialised"):
            getattr(made, attribute)
    for method in sorted(methods):
        with pytest.raises(TypeError, match=f"this likewise._core.{name} was never initialised"):
            getattr(made, method)()
