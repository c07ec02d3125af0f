"""Who may include or import whom: every file of the repository is held to the layers below.

    python tools/check_imports.py [ROOT]

prints one line for each violation, as `file:line: what is not allowed`, and exits with 1 if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Python: a package imports from layers below its own, and from itself. The top-level module and its re-exports ("",
# split, callbacks, metrics, keras) are for users: the packages below take a name from where it lives.
PYTHON_LAYERS: list[set[str]] = [
    {"_core"},
    {"checks", "runtime", "files"},
    {"functional"},
    {"optimizers", "data"},
    {"training"},
    {"nn", "evaluation", "explanation"},
    {"models"},
    {"", "split", "callbacks", "metrics", "keras"},
    {"serving", "reproduce"},
    {"cli"},
]
LAYER_OF = {package: layer for layer, packages in enumerate(PYTHON_LAYERS) for package in packages}
REEXPORTS = next(packages for packages in PYTHON_LAYERS if "" in packages)

# C++: folder -> what its files may include from the repository, as patterns of whole paths. A header of cpp/kernels
# that is compiled per instruction-set level (it says so by its namespace, LIKEWISE_LEVEL) stays within cpp/kernels.
ARGUMENT_HEADERS = r"cpp/kernels/(?!table)\w+\.h"
CPP_RULES: dict[str, list[str]] = {
    "cpp/core": [r"cpp/core/.*"],
    "cpp/kernels": [r"cpp/kernels/.*", r"cpp/core/(types|random|parallel|arena)\.h"],
    "cpp/backend": [r"cpp/backend/.*", r"cpp/kernels/table\.h", r"cpp/core/.*"],
    "cpp/autograd": [r"cpp/autograd/.*", r"cpp/backend/dispatch\.h", r"cpp/core/.*"],
    "cpp/ops": [r"cpp/(ops|autograd|core)/.*", r"cpp/backend/dispatch\.h", ARGUMENT_HEADERS],
    "cpp/data": [r"cpp/(data|core)/.*", r"cpp/backend/dispatch\.h", ARGUMENT_HEADERS],
    "cpp/bindings": [r"cpp/(bindings|ops|autograd|data|backend|core)/.*"],
    "cuda": [
        r"cuda/.*",
        ARGUMENT_HEADERS,
        r"cpp/kernels/(table\.h|kernels\.def)",
        r"cpp/backend/cuda\.h",
        r"cpp/core/(types|random|check)\.h",
    ],
}
# Kernels are compiled once per instruction-set level; a standard container in one could be linked into another's code.
KERNEL_SYSTEM_HEADERS = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def cpp_violations(root: Path) -> Iterator[str]:
    for folder, allowed in CPP_RULES.items():
        pattern = re.compile("|".join(allowed))
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cpp", ".cu", ".cuh"}:
                continue
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if not (include := INCLUDE.match(line)):
                    continue
                bracket, header = include.groups()
                if bracket == '"':
                    bad = not pattern.fullmatch(header) or (folder != "cpp/kernels" and is_level_code(root / header))
                else:
                    bad = folder == "cpp/kernels" and header not in KERNEL_SYSTEM_HEADERS
                if bad:
                    yield f"{path.relative_to(root)}:{number}: {folder} must not include {header}"


def is_level_code(header: Path) -> bool:
    return header.parent.name == "kernels" and header.is_file() and "LIKEWISE_LEVEL" in header.read_text()


def imported_packages(tree: ast.Module, package: str, module_depth: int) -> Iterator[tuple[int, str]]:
    """(line, first name below `likewise`) of every import, also of those in functions and under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == "likewise":
                    yield node.lineno, rest.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            if node.level > module_depth:  # `from .. import x` that reaches the top
                source = ".".join(filter(None, ["likewise", node.module]))
            elif node.level:
                source = f"likewise.{package}"
            else:
                source = node.module or ""
            top, _, rest = source.partition(".")
            if source == "likewise":  # a package, or else a name of the top-level module
                yield from ((node.lineno, alias.name if alias.name in LAYER_OF else "") for alias in node.names)
            elif top == "likewise":
                yield node.lineno, rest.partition(".")[0]


def python_violations(root: Path) -> Iterator[str]:
    source = root / "python" / "likewise"
    for path in sorted([*source.rglob("*.py"), *source.rglob("*.pyi")]):
        parts = path.relative_to(source).with_suffix("").parts
        package = "" if parts == ("__init__",) else parts[0]
        where = path.relative_to(root)
        if package not in LAYER_OF:
            yield f"{where}:1: likewise.{package} is in no layer; give it one in tools/check_imports.py"
            continue
        # Levels of `from .` that stay inside the package: for likewise/nn/layers/dense.py, 2.
        depth = len(parts) - 1
        for line, imported in imported_packages(ast.parse(path.read_text()), package, depth):
            same = imported == package or (package in REEXPORTS and imported in REEXPORTS)
            if not same and LAYER_OF.get(imported, len(PYTHON_LAYERS)) >= LAYER_OF[package]:
                yield f"{where}:{line}: {dotted(package)} must not import {dotted(imported)}"


def dotted(package: str) -> str:
    return f"likewise.{package}" if package else "likewise"


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    found = [*cpp_violations(root), *python_violations(root)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
