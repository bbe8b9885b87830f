"""Draw the subpackages ("rooms") of both packages and their imports into resources/docs/rooms.svg.

Run with `make rooms`. Layers come from the import contracts in pyproject.toml, arrows and descriptions from the code;
a test checks that the drawing is up to date.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "resources" / "docs" / "rooms.svg"
PACKAGES = {"clipgen_gui": "The desktop app", "clipgen_engine": "The engine"}

WIDTH, MARGIN = 1240, 24
BOX_HEIGHT, ROW_GAP, BOX_GAP, BOX_MAX = 74, 42, 14, 260
STAGGER = 170  # horizontal offset of single-room layers, px: lets arrows pass beside them
TITLE_HEIGHT = 34
CHARACTER = 6.1  # average character width of the small text, px
COLORS = {"clipgen_gui": "#ff9f43", "clipgen_engine": "#5aa2ff"}


@dataclass(frozen=True)
class Box:
    """A room or ground module, with its position in the drawing (px)."""

    name: str
    x: float
    y: float
    width: float
    is_folder: bool


def layers_of(package: str) -> list[list[str]]:
    """Rooms by layer, from top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == [package])
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def room_of(module: str) -> str:
    """The room of a module, e.g. `clipgen_engine.faces` for `clipgen_engine.faces.tracks`."""
    return ".".join(module.split(".")[:2])


def imports_between_rooms() -> Counter[tuple[str, str]]:
    """Number of modules of the first room that import the second."""
    found: Counter[tuple[str, str]] = Counter()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            targets = {
                room_of(node.module)
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES
            }
            found.update((room_of(module), target) for target in targets if target != room_of(module))
    return found


def first_line(room: str) -> str:
    path = ROOT.joinpath(*room.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def placed(package: str, top: float) -> tuple[list[Box], float]:
    """The boxes of a package from this y position on, and their lower edge."""
    boxes = []
    y = top + TITLE_HEIGHT
    for number, row in enumerate(layers_of(package)):
        width = min(BOX_MAX, (WIDTH - 2 * MARGIN - BOX_GAP * (len(row) - 1)) / len(row))
        x = (WIDTH - width * len(row) - BOX_GAP * (len(row) - 1)) / 2
        if len(row) == 1 and package == "clipgen_engine" and (ROOT / package / row[0]).is_dir():
            x += STAGGER if number % 2 else -STAGGER
        folders = [(ROOT / package / name).is_dir() for name in row]
        for name, is_folder in zip(row, folders, strict=True):
            boxes.append(Box(f"{package}.{name}", x, y, width, is_folder))
            x += width + BOX_GAP
        y += BOX_HEIGHT + ROW_GAP if any(folders) else BOX_HEIGHT * 0.6 + ROW_GAP * 0.4
    return boxes, y - ROW_GAP * 0.4


def box_height(box: Box) -> float:
    return BOX_HEIGHT if box.is_folder else BOX_HEIGHT * 0.6


def arrow(source: Box, target: Box, count: int, color: str) -> str:
    """A curve from the bottom of one box to the top of a lower one."""
    x1, y1 = source.x + source.width / 2, source.y + box_height(source)
    x2, y2 = target.x + target.width / 2, target.y
    bend = (y2 - y1) * 0.45
    width = 0.8 if count < 3 else 1.4 if count < 7 else 2.2  # in steps: single imports do not change it
    return (
        f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} {x2:.0f},{y2:.0f}" '
        f'stroke="{color}" stroke-width="{width:.1f}" marker-end="url(#head)"/>'
    )


def drawn(box: Box, color: str) -> Iterator[str]:
    """The box with its name and as much of the description as fits."""
    name, height = box.name.split(".")[1], box_height(box)
    yield (
        f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{height:.0f}" rx="7" '
        f'fill="#1f2229" stroke="{color}" stroke-opacity="{0.9 if box.is_folder else 0.35}"/>'
    )
    path = ROOT.joinpath(*box.name.split("."))
    modules = len(list(path.rglob("*.py"))) - len(list(path.rglob("__init__.py"))) if box.is_folder else 0
    yield f'<text class="name" x="{box.x + 9:.0f}" y="{box.y + 18:.0f}">{name}</text>'
    if modules:
        yield f'<text x="{box.x + box.width - 9:.0f}" y="{box.y + 18:.0f}" text-anchor="end">{modules}</text>'
    lines = wrap(first_line(box.name), max(8, int((box.width - 16) / CHARACTER)))
    room = 3 if box.is_folder else 1
    if len(lines) > room:
        lines = [*lines[: room - 1], lines[room - 1].rstrip(",;: ") + " …"]
    for number, line in enumerate(lines):
        yield f'<text x="{box.x + 9:.0f}" y="{box.y + 35 + 14 * number:.0f}">{escape(line)}</text>'


def drawing() -> str:
    """The whole drawing as SVG."""
    boxes: dict[str, Box] = {}
    parts: list[str] = []
    y = float(MARGIN)
    for package, title in PACKAGES.items():
        parts.append(f'<text class="title" x="{MARGIN}" y="{y + 16:.0f}">{package}: {title.lower()}</text>')
        made, y = placed(package, y)
        boxes |= {box.name: box for box in made}
        y += MARGIN
    arrows, up = [], []
    for (source, target), count in sorted(imports_between_rooms().items()):
        if source in boxes and target in boxes and source.split(".")[0] == target.split(".")[0]:
            if boxes[source].y >= boxes[target].y:
                up.append(f"{source} -> {target}")
            elif boxes[target].is_folder:  # every room imports the ground modules: omit those arrows
                arrows.append(arrow(boxes[source], boxes[target], count, COLORS[source.split(".")[0]]))
    if up:
        raise SystemExit("imports of the same or a higher layer: " + ", ".join(up))
    for box in boxes.values():
        parts += drawn(box, COLORS[box.name.split(".")[0]])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}">',
            "<style>text{font:11px sans-serif;fill:#9a9ca5}.name{font-size:13px;font-weight:bold;fill:#e8e8ea}"
            ".title{font-size:15px;font-weight:bold;fill:#e8e8ea}"
            "path{fill:none;stroke-opacity:.33}</style>",
            '<defs><marker id="head" markerWidth="7" markerHeight="6" refX="6" refY="3" orient="auto" '
            'markerUnits="userSpaceOnUse"><polygon points="0,0 7,3 0,6" fill="#9a9ca5"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{y:.0f}" fill="#16181d"/>',
            *arrows,
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    DRAWING.parent.mkdir(exist_ok=True)
    DRAWING.write_text(drawing(), encoding="utf-8")
