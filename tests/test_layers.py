"""Layers import downwards only, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "optimiser"
LAYERS = ("errors", "model", "certificate", "solvers", "files", "studies", "report", "cli")
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
#: What the checker must not share code with.
FORMULATION = {"compile", "problem", "clean", "distance", "rounding", "impossible"}


def _imports(path: Path) -> set[str]:
    """Every module of the package that a file imports anywhere, as a dotted name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "optimiser"}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_go_downwards(path):
    """No module imports from a layer above its own."""
    own = LAYERS.index(path.relative_to(ROOT).parts[0].removesuffix(".py"))
    for name in _imports(path):
        parts = name.split(".")
        if len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= own, f"{_name(path)} imports {name}"
        elif path.is_relative_to(ROOT / "cli"):
            continue  # the command line may ask the package for its version
        else:
            assert name in ("optimiser", "optimiser.errors") or parts[1] in LAYERS


def test_every_module_has_a_layer():
    """Every module and package belongs to a layer."""
    tops = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES}
    assert tops <= set(LAYERS)


def test_checker_is_independent():
    """The checker and what it imports share nothing with compile, formulations or solvers."""
    todo = [path for path in MODULES if path.parent == ROOT / "model" and
            path.stem.startswith("check")]  # fmt: skip
    assert todo
    seen = set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imports(path):
            parts = name.split(".")[1:]
            assert parts[:1] in ([], ["model"], ["errors"]), f"{_name(path)} imports {name}"
            module = ROOT.joinpath(*parts).with_suffix(".py")
            if module.is_file():
                stem = module.stem
                assert not any(stem == word or stem.startswith(f"{word}_") for word in FORMULATION)
                todo.append(module)


def test_certificates_stand_alone():
    """What accepts or rejects certificates shares nothing with the rest, and needs no package."""
    ours = [path for path in MODULES if path.is_relative_to(ROOT / "certificate")]
    assert ours
    standard = {"__future__", *sys.stdlib_module_names}
    for path in ours:
        assert all(name.startswith("optimiser.certificate") for name in _imports(path)), path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= standard, path
            elif isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] in standard | {"optimiser"}, path


def test_formulations_know_no_checker():
    """Nothing that compiles or formulates imports the checker."""
    for path in MODULES:
        if path.is_relative_to(ROOT / "solvers" / "milp") or path.stem.startswith("compile"):
            assert not any(".check" in name for name in _imports(path)), _name(path)
