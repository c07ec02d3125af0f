"""The layering rule finds what it should, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_imports.py"


def check(root):
    run = subprocess.run([sys.executable, str(TOOL), str(root)], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    return run.returncode, run.stdout.splitlines()


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


ALLOWED = {
    "python/likewise/__init__.py": "if TYPE_CHECKING:\n    from likewise import models, split\n",
    "python/likewise/functional/losses.py": "from likewise import _core\n",
    "python/likewise/nn/layers/dense.py": "from ..layer import Layer\nfrom likewise.functional import linear\n",
    "python/likewise/models/recommender.py": "import numpy\nfrom likewise.training.loop import run\n",
    "python/likewise/cli/doctor.py": "import likewise as lw\nfrom likewise import __version__, models\n",
    "cpp/core/array.cpp": '#include "cpp/core/array.h"\n#include <vector>\n',
    "cpp/kernels/gemm.h": "namespace lw {}\n",
    "cpp/kernels/gemm_tile.h": "namespace lw::LIKEWISE_LEVEL {}\n",
    "cpp/kernels/gemm.cpp": '#include <immintrin.h>\n#include "cpp/kernels/gemm_tile.h"\n',
    "cpp/ops/linear.cpp": '#include "cpp/kernels/gemm.h"\n#include "cpp/backend/dispatch.h"\n#include <vector>\n',
    "cuda/table.cu": '#include <cuda_runtime.h>\n#include "cpp/kernels/table.h"\n',
}

FORBIDDEN = {
    "a lower package imports a higher one": (
        "python/likewise/functional/losses.py",
        "x = 1\nfrom likewise.nn import Dense\n",
        "python/likewise/functional/losses.py:2: likewise.functional must not import likewise.nn",
    ),
    "inside a function": (
        "python/likewise/training/loop.py",
        "def fit():\n    import likewise.models.behaviour\n",
        "python/likewise/training/loop.py:2: likewise.training must not import likewise.models",
    ),
    "for types only": (
        "python/likewise/data/split.py",
        "if TYPE_CHECKING:\n    from likewise.models import Recommender\n",
        "python/likewise/data/split.py:2: likewise.data must not import likewise.models",
    ),
    "a sibling of the same layer": (
        "python/likewise/nn/model.py",
        "from likewise import evaluation\n",
        "python/likewise/nn/model.py:1: likewise.nn must not import likewise.evaluation",
    ),
    "by a relative path": (
        "python/likewise/data/batches.py",
        "from ..training import loop\n",
        "python/likewise/data/batches.py:1: likewise.data must not import likewise.training",
    ),
    "a public name from the top": (
        "python/likewise/models/recommender.py",
        "from likewise import Interactions\n",
        "python/likewise/models/recommender.py:1: likewise.models must not import likewise",
    ),
    "a package without a layer": (
        "python/likewise/utils/strings.py",
        "",
        "python/likewise/utils/strings.py:1: likewise.utils is in no layer; give it one in tools/check_imports.py",
    ),
    "core includes an op": (
        "cpp/core/array.cpp",
        '#include "cpp/ops/linear.h"\n',
        "cpp/core/array.cpp:1: cpp/core must not include cpp/ops/linear.h",
    ),
    "a kernel includes a container": (
        "cpp/kernels/gemm.cpp",
        "\n#  include <vector>\n",
        "cpp/kernels/gemm.cpp:2: cpp/kernels must not include vector",
    ),
    "a kernel includes an array": (
        "cpp/kernels/gemm.cpp",
        '#include "cpp/core/array.h"\n',
        "cpp/kernels/gemm.cpp:1: cpp/kernels must not include cpp/core/array.h",
    ),
    "an op includes vector code": (
        "cpp/ops/linear.cpp",
        '#include "cpp/kernels/gemm_tile.h"\n',
        "cpp/ops/linear.cpp:1: cpp/ops must not include cpp/kernels/gemm_tile.h",
    ),
    "a binding includes a kernel": (
        "cpp/bindings/ops.cpp",
        '#include "cpp/kernels/gemm.h"\n',
        "cpp/bindings/ops.cpp:1: cpp/bindings must not include cpp/kernels/gemm.h",
    ),
    "CUDA includes an op": (
        "cuda/embedding.cu",
        '#include "cpp/ops/embedding.h"\n',
        "cuda/embedding.cu:1: cuda must not include cpp/ops/embedding.h",
    ),
}


def test_allowed_imports_pass(tmp_path):
    for path, text in ALLOWED.items():
        write(tmp_path, path, text)
    assert check(tmp_path) == (0, [])


@pytest.mark.parametrize(("path", "text", "message"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_violation_is_named_with_its_line(tmp_path, path, text, message):
    for allowed_path, allowed_text in ALLOWED.items():
        write(tmp_path, allowed_path, allowed_text)
    write(tmp_path, path, text)
    assert check(tmp_path) == (1, [message])
