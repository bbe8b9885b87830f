"""Splits the videos of a project among curators: a project file for each, with some videos given to all of them."""

from __future__ import annotations

import os
import tempfile
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipgen_engine.errors import Cancelled, OutputError, ProjectError, SettingError
from clipgen_engine.projects.records import StoredVideo, now
from clipgen_engine.projects.store import Project
from clipgen_engine.untrusted import as_text, is_relative_path, printable

_CURATOR = "curator"  # names of values in the app state
_ASSIGNMENT = "assignment"  # of a part
_ASSIGNMENTS = "assignments"  # of the project that was split, oldest first
_PROJECT_ID = "project_id"
_MAX_NAME = 40  # characters


@dataclass(frozen=True)
class Assignment:
    """For whom a project was split off from another one."""

    curator: str
    source_id: str  # of the project it was split off from
    source_name: str  # file name
    assigned_at: str  # UTC, ISO 8601
    shared: frozenset[str]  # the videos that all curators have: fingerprints, or paths where they are not known


@dataclass(frozen=True)
class Part:
    """A project file written for a curator."""

    curator: str
    path: Path
    videos: int
    shared: int  # of which all curators have them
    open_windows: int  # listed and undecided


@dataclass(frozen=True)
class Shares:
    """Which videos each curator gets, by index in the queue, in its order."""

    of: tuple[tuple[int, ...], ...]  # one per curator
    shared: tuple[int, ...]


def share_out(open_windows: Sequence[int | None], curators: int, overlap: float) -> Shares:
    """Split videos evenly by what there is to decide, and by their number where that is the same. Deterministic.

    Args:
        open_windows: undecided windows of each video; None: not analysed, which counts as the mean of the others.
        overlap: share of the videos that every curator gets, 0..1; at least one video unless it is 0. They are chosen
            evenly through the list.
    """
    count = len(open_windows)
    common = min(count, max(1, round(overlap * count))) if overlap and count else 0
    shared = tuple((2 * place + 1) * count // (2 * common) for place in range(common))
    known = [windows for windows in open_windows if windows is not None]
    mean = sum(known) / len(known) if known else 1.0
    weights = [mean if windows is None else float(windows) for windows in open_windows]
    load = [(0.0, 0, place) for place in range(curators)]
    given: list[list[int]] = [list(shared) for _ in range(curators)]
    for video in sorted(set(range(count)) - set(shared), key=lambda video: (-weights[video], video)):
        weight, videos, place = min(load)  # the largest first, each to whom has least
        given[place].append(video)
        load[place] = weight + weights[video], videos + 1, place
    return Shares(tuple(tuple(sorted(videos)) for videos in given), shared)


def checked_curators(names: Sequence[str]) -> list[str]:
    """Return the names without spaces around them.

    Raises:
        SettingError: there are fewer than two, two are the same, or one cannot be part of a file name.
    """
    curators = [" ".join(name.split()) for name in names]
    for name in curators:
        fits = is_relative_path(name) and "/" not in name and printable(name) == name
        if not fits or name.startswith(".") or len(name) > _MAX_NAME:
            raise SettingError(
                f"“{name}” cannot be the name of a curator",
                f"Use 1 to {_MAX_NAME} letters, digits or spaces: it becomes part of a file name",
            )
    if len(curators) < 2 or len({name.casefold() for name in curators}) < len(curators):
        raise SettingError("A project is split among at least two curators with different names", "Name them")
    return curators


def assign(
    project: Project, curators: Sequence[str], overlap: float, folder: Path, cancel: threading.Event | None = None
) -> list[Part]:
    """Write a project for each curator, `NAME.CURATOR.clipgen`, with settings, subjects and the decisions so far.

    The project itself keeps everything, and gets a record of the assignment.

    Args:
        curators: see `checked_curators`.
        overlap: see `share_out`.

    Raises:
        SettingError: a name or the overlap is not valid.
        OutputError: one of the files exists, or cannot be written; none is left then.
        ProjectError: the project has no videos, is open elsewhere, or is damaged.
        Cancelled: `cancel` was set.
    """
    names = checked_curators(curators)
    if not 0 <= overlap <= 1:
        raise SettingError(f"An overlap of {overlap} is not possible", "Choose a share of the videos from 0 to 1")
    if project.read_only:
        raise ProjectError(f"{project.path.name} is open in another window", "Close it there first")
    paths = [folder / f"{project.path.stem}.{name}.clipgen" for name in names]
    for path in paths:
        if os.path.lexists(path):
            raise OutputError(f"{path} already exists", "Merge it, then move it away, or choose another folder")
    videos = project.videos()
    if not videos:
        raise ProjectError(f"{project.path.name} has no videos", "Add videos in the app first")
    with project.reading():
        open_windows = [_open_windows(video) for video in videos]
    shares = share_out(open_windows, len(names), overlap)
    state = project.app_state()
    source_id = state[_PROJECT_ID] if isinstance(state.get(_PROJECT_ID), str) else uuid.uuid4().hex
    record = {
        "source": {"id": source_id, "name": project.path.name},
        "assigned_at": now(),
        "curators": names,
        "overlap": overlap,
        "shared": [videos[place].fingerprint or str(videos[place].path) for place in shares.shared],
    }
    written: list[Path] = []
    try:
        # built in a temporary folder: SQLite creates side files next to an open project
        with tempfile.TemporaryDirectory(prefix="clipgen-") as temporary:
            for number, (name, path, share) in enumerate(zip(names, paths, shares.of, strict=True)):
                with Project(Path(temporary) / f"{number}.clipgen") as part:
                    _fill(part, project, [videos[place] for place in share], cancel)
                    part.set_app_state({_CURATOR: name, _ASSIGNMENT: record})
                    part.copy_to(path)
                    written.append(path)
        earlier = state.get(_ASSIGNMENTS)
        made = record | {"files": [str(path.absolute()) for path in paths]}
        earlier = earlier if isinstance(earlier, list) else []
        project.set_app_state({_PROJECT_ID: source_id, _ASSIGNMENTS: [*earlier, made]})
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return [
        Part(name, path, len(share), len(shares.shared), sum(open_windows[place] or 0 for place in share))
        for name, path, share in zip(names, paths, shares.of, strict=True)
    ]


def assignment_of(project: Project) -> Assignment | None:
    """Return for whom this project was split off, or None if it was not.

    Raises:
        DamagedProjectError: the record is damaged.
    """
    state = project.app_state()
    record: Any = state.get(_ASSIGNMENT)
    if record is None:
        return None
    with project.reading():
        return Assignment(
            curator=_name(state[_CURATOR]),
            source_id=as_text(record["source"]["id"]),
            source_name=as_text(record["source"]["name"]),
            assigned_at=as_text(record["assigned_at"]),
            shared=frozenset(map(as_text, record["shared"])),
        )


def curator_of(project: Project) -> str:
    """Return who works on this project: the curator it was split off for, else the name of the file.

    Raises:
        DamagedProjectError: the name is damaged.
    """
    state = project.app_state()
    with project.reading():
        return _name(state.get(_CURATOR, project.path.stem))


def source_id_of(project: Project) -> str:
    """Return the identity under which parts know this project; empty if it was never split."""
    found = project.app_state().get(_PROJECT_ID)
    return found if isinstance(found, str) else ""


def _name(value: object) -> str:
    name = printable(" ".join(as_text(value).split()))
    if not name:
        raise ValueError("the curator has no name")
    return name


def _open_windows(video: StoredVideo) -> int | None:
    return None if video.window_count is None else max(0, video.window_count - video.accepted - video.rejected)


def _fill(part: Project, project: Project, videos: Sequence[StoredVideo], cancel: threading.Event | None) -> None:
    with part.together():
        part.set_settings(project.settings())
        for video in videos:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            new = part.insert_video(video)
            part.save_reviews(new, project.windows(video.video_id))
            for track_id, subject_id in project.subjects(video.video_id).items():
                part.set_subject(new, track_id, subject_id)
