"""The rules of the source tree: few folders, small modules, imports at the top, no names that repeat their folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from resources.draw_rooms import DRAWING, drawing
from tests.support.paths import ROOT

PACKAGES = {"clipgen_engine": 10, "clipgen_gui": 15}  # folders at the top, at most
MODULES_PER_FOLDER = 14
LINES_PER_MODULE = 400

# Libraries that take so long to load, or are so often missing, that functions may import them when they need them. A
# function may also import a module of ours that loads one of them.
HEAVY = {
    "PySide6",  # not before the app knows that there is a display
    "PySide6.QtMultimedia",
    "av",
    "cv2",
    "fcntl",  # one of the two exists
    "h5py",
    "mediapipe",
    "msvcrt",
    "pooch",
    "safetensors",
    "scenedetect",
    "torch",
    "transformers",
}
FOLDERS = sorted({path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")})
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT).as_posix())


def imported(node: ast.AST) -> Iterator[str]:
    """Modules that an import statement may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def function_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))


def top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from top_level(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from top_level(node.body)
        else:
            yield node


@cache
def loads_heavy(module: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether importing this module loads a heavy library."""
    if any(module == heavy or module.startswith(f"{heavy}.") for heavy in HEAVY):
        return True
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if module in seen or not path.is_file():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(loads_heavy(one, seen | {module}) for node in top_level(body) for one in imported(node))


def test_the_drawing_of_the_rooms_is_up_to_date() -> None:
    assert DRAWING.read_text(encoding="utf-8") == drawing(), "run `make rooms`"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_folders(package: str) -> None:
    rooms = [path for path in (ROOT / package).iterdir() if (path / "__init__.py").is_file()]
    assert 5 <= len(rooms) <= PACKAGES[package]


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_is_small_and_says_what_it_is(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) - 1 <= MODULES_PER_FOLDER
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree)
    assert text is not None
    if folder.name not in PACKAGES:
        assert 3 <= len(text.splitlines()) <= 7, "three to six lines, and an empty one after the first"
        assert len(tree.body) == 1, "a folder re-exports nothing"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_short_and_imports_at_its_top(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_PER_MODULE
    light = {
        f"{', '.join(imported(node))} (line {node.lineno})"
        for node in function_imports(ast.parse(text))
        if not any(loads_heavy(one) for one in imported(node))
    }
    assert not light, "imported inside a function although it is cheap"


@pytest.mark.parametrize("module", [path for path in MODULES if path.stem[0] != "_"], ids=name_of)
def test_a_name_does_not_repeat_its_folder(module: Path) -> None:
    folder = module.parent.name
    words = {folder, folder.rstrip("s")}
    assert not words & set(module.stem.split("_")), "name it by what sets it apart within its folder"
