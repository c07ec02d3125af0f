"""`likewise doctor` tells the truth about this build and machine."""

import json
import os
import subprocess
import sys
from importlib import metadata

import pytest

from likewise import _core
from likewise.cli import doctor, main

LIKEWISE = [sys.executable, "-c", "import sys; from likewise.cli import main; sys.exit(main())"]


def run(*arguments, **environment):
    return subprocess.run(
        [*LIKEWISE, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def facts(**environment):
    return json.loads(run("doctor", "--json", **environment).stdout)


def test_the_diagnosis_is_what_the_core_says(capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["likewise"]["version"] == metadata.version("likewise")
    assert (found["cpu"]["level"], found["cpu"]["usable"]) == (_core.isa_level(), _core.usable_isa_levels())
    assert found["threads"]["count"] == _core.num_threads()
    assert [found["cuda"][key] for key in ("built", "devices", "reason")] == list(_core.cuda_status())
    assert found["memory"]["total_bytes"] > found["memory"]["available_bytes"] > 0


def test_the_text_names_every_section(capsys):
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    for name in ("likewise", "python", "platform", "processor", "instructions", "threads", "cuda", "memory", "data"):
        assert f"\n{name} " in f"\n{text}"


@pytest.mark.parametrize("level", _core.usable_isa_levels())
def test_a_forced_level_is_named_with_its_variable(level):
    assert facts(LIKEWISE_ISA=level)["cpu"]["reason"] == f"LIKEWISE_ISA={level}"


def test_an_impossible_level_is_one_line():
    refused = run("doctor", LIKEWISE_ISA="v9")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("likewise: error: LIKEWISE_ISA must be one of v2")
    assert refused.stderr.count("\n") == 1


THREADS = {
    "ours": ({"LIKEWISE_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3, "LIKEWISE_NUM_THREADS=3"),
    "OpenMP's": ({"LIKEWISE_NUM_THREADS": "", "OMP_NUM_THREADS": "5"}, 5, "OMP_NUM_THREADS=5"),
    "OpenMP's is a list": ({"OMP_NUM_THREADS": "4,2", "LIKEWISE_NUM_THREADS": "2"}, 2, "LIKEWISE_NUM_THREADS=2"),
}


@pytest.mark.parametrize(("environment", "count", "source"), THREADS.values(), ids=THREADS)
def test_the_source_of_the_thread_count_is_named(environment, count, source):
    assert facts(**environment)["threads"] == {"count": count, "source": source}


@pytest.mark.parametrize("count", ["0", "-1", "two", "3x", "2.7"])
def test_an_impossible_thread_count_is_one_line(count):
    refused = run("doctor", LIKEWISE_NUM_THREADS=count)
    assert (refused.returncode, refused.stdout) == (2, "")
    wanted = f"likewise: error: LIKEWISE_NUM_THREADS must be a number of threads, 1 or more, got {count}\n"
    assert refused.stderr == wanted


def test_every_extra_has_a_purpose():
    assert set(doctor.PURPOSE_OF_EXTRA) == set(metadata.metadata("likewise").get_all("Provides-Extra"))


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(doctor, "_is_installed", lambda package: package != "matplotlib")
    found = doctor.diagnosis()
    assert found["extras"]["plot"]["missing"] == ["matplotlib"]
    assert "pip install 'likewise[plot]' (missing matplotlib)" in doctor.report(found)


def test_data_folders_are_named(tmp_path):
    (tmp_path / "ml-100k").mkdir()
    found = facts(LIKEWISE_DATA=str(tmp_path))["data"]
    assert found["LIKEWISE_DATA"] == str(tmp_path)
    assert found["found"]["ml-100k"] == str(tmp_path / "ml-100k")
