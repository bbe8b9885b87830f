"""Stage the files of every layout, the contact sheet and the manifest of an export."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clipgen_engine.datasets.analyses import Analyses
from clipgen_engine.datasets.folder import ExportFolder
from clipgen_engine.datasets.layouts.base import Clip, Document, Layout, text_document
from clipgen_engine.datasets.manifest import Manifest, Role, key_of
from clipgen_engine.datasets.reports import contact_sheet, pictures_of, summary, thumbnail
from clipgen_engine.datasets.request import ExportItem, ExportRequest, window_record
from clipgen_engine.errors import ClipgenError, OutputError, VideoError
from clipgen_engine.files import SCHEMA_VERSION
from clipgen_engine.types import VideoInfo
from clipgen_engine.version import __version__
from clipgen_engine.video.index import probe

INDEX_NAME = "index.html"
SUMMARY_NAME = "extraction_summary.txt"

ClipState = Literal["written", "unchanged", "kept", "failed", "waiting"]  # kept: an older version is listed

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class ClipTask:
    """The state of one clip during an export."""

    item: ExportItem
    name: str
    split: str
    media_key: str
    suffix: str
    facts: dict[str, Any] | None = None
    state: ClipState = "waiting"
    sentence: str = ""
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)  # layout -> paths, complete layouts only


class Assembly:
    """Stages the target contents of an export folder."""

    def __init__(
        self,
        request: ExportRequest,
        layouts: Mapping[str, Layout],
        analyses: Analyses,
        folder: ExportFolder,
        fail: Callable[[ClipTask | None, ClipgenError], None],
        begun: Callable[[str], None],
    ) -> None:
        """
        Args:
            fail: called for each file that cannot be written; the task is None for files shared by several clips.
            begun: called with the path of each file shared by several clips, before it is written.
        """
        self._request, self._layouts, self._analyses, self._folder = request, layouts, analyses, folder
        self._fail, self._begun = fail, begun
        self._needs_clips = any(layout.needs_clips for layout in layouts.values())

    def clip(self, task: ClipTask, *, with_media: bool = True) -> Clip:
        facts = task.facts or {}
        media = self._folder.media.get(task.media_key, {}) if with_media and self._needs_clips else {}
        own = {"export_settings": self._request.export.as_dict(), "versions": {"clipgen": __version__}}
        return Clip(
            name=task.name,
            split=task.split,
            record={**facts, **own, **task.item.decided, **media, "split": task.split},
            media_key=task.media_key,
            suffix=task.suffix,
            source_path=task.item.source.path,
            footage_key=self._analyses.key(task.item.source.fingerprint),
        )

    def stage(self, tasks: Sequence[ClipTask]) -> Manifest:
        """Stage the files of these clips, then the documents listing them. Returns the manifest to commit.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        for name in self._layouts:
            self._stage_layout(name, [task for task in tasks if name in task.files])
        listed = [task for task in tasks if task.files]
        self._stage_report(listed)
        for path, stored in self._folder.manifest.files.items():
            if stored.layout and stored.layout not in self._layouts:
                self._folder.keep(path)  # written in another layout: neither updated nor removed
        return self._manifest(listed)

    def _stage_layout(self, name: str, tasks: Sequence[ClipTask]) -> None:
        layout, folder = self._layouts[name], self._folder
        placed: list[Clip] = []
        for task in tasks:
            clip = self.clip(task)
            if any(map(folder.is_foreign, task.files[name])):
                self._fail(task, _in_the_way(folder.root, task.files.pop(name)))
                continue
            if task.state == "kept" and not layout.needs_clips:
                for path in task.files[name]:
                    folder.keep(path)
            else:
                for one in layout.clip_files(self.clip(task, with_media=False)):
                    content = folder.clip(one.key) if one.write is None else folder.find(one.key)
                    assert content is not None
                    role: Role = "clip" if one.write is None else "made"
                    folder.stage(one.path, content, one.key, layout=name, role=role)
            placed.append(clip)
        for document in layout.documents(placed, self._info(placed)):
            self._stage_document(document, name)

    def _stage_document(self, document: Document, layout: str) -> None:
        folder = self._folder
        if folder.is_foreign(document.path):
            self._fail(None, _in_the_way(folder.root, [document.path]))
            return
        self._begun(document.path)
        content = folder.find(document.key) or folder.make(
            document.key, Path(document.path).suffix, lambda path: document.write(path, folder.clip)
        )
        folder.stage(document.path, content, document.key, layout=layout, role=document.role, members=document.members)

    def _stage_report(self, tasks: Sequence[ClipTask]) -> None:
        """Stage the contact sheet, and the summary unless a layout includes it."""
        known = pictures_of(self._folder.text_of(INDEX_NAME))
        videos: dict[Path, VideoInfo | None] = {}
        rows = []
        for task in tasks:
            key = key_of("picture", task.media_key if self._needs_clips else task.item.identity)
            picture = known.get(key) or self._picture(task, videos)
            rows.append((task.name, self.clip(task).record, key, picture))
        title = f"Clips of {_counted_sources([record for _, record, _, _ in rows])}"
        self._stage_document(text_document(INDEX_NAME, contact_sheet(rows, title)), "")
        if "plain" not in self._layouts:
            text = summary([(task.name, self.clip(task).record) for task in tasks])
            self._stage_document(text_document(SUMMARY_NAME, text), "")

    def _picture(self, task: ClipTask, videos: dict[Path, VideoInfo | None]) -> str:
        """Return the middle frame of a clip as a thumbnail, from the encoded file if there is one."""
        start, stop, _ = task.item.sequence.key
        try:
            if not self._needs_clips:
                path = task.item.source.path
                if path not in videos:
                    videos[path] = None
                    videos[path] = probe(path)
                video = videos[path]
                return "" if video is None else thumbnail(video, (start + stop) // 2)
            path = self._folder.clip(task.media_key)
            if path.is_dir():
                frames = sorted(path.iterdir())
                return thumbnail(probe(frames[len(frames) // 2]), 0)
            return thumbnail(probe(path), (stop - start) // 2)
        except VideoError as error:  # the contact sheet works without the picture
            _log.warning("No thumbnail for %s: %s", task.name, error)
            return ""

    def _info(self, clips: Sequence[Clip]) -> dict[str, Any]:
        """Return export-wide information. With a single source, its facts are also at the top level."""
        request = self._request
        sources: dict[str, dict[str, Any]] = {}
        for clip in clips:
            facts = clip.record
            sources.setdefault(
                facts["source_fingerprint"],
                {
                    "source": facts["source"],
                    "source_fingerprint": facts["source_fingerprint"],
                    "model_sha256": facts["model_sha256"],
                    "token_backend": facts["token_backend"],
                    "analysis_settings": facts["analysis_settings"],
                },
            )
        only = dict(next(iter(sources.values()))) if len(sources) == 1 else {}
        analysis_settings = only.pop("analysis_settings", None)
        return {
            "schema_version": SCHEMA_VERSION,
            **only,
            "settings": {"analysis": analysis_settings, "ranking": request.ranking_record},
            "clipgen_version": __version__,
            "export_settings": request.export.as_dict(),
            "dataset_settings": request.dataset.as_dict(),
            "sources": list(sources.values()),
        }

    def _manifest(self, tasks: Sequence[ClipTask]) -> Manifest:
        request = self._request
        return Manifest(
            layouts=tuple(self._layouts),
            settings={
                "export": request.export.as_dict(),
                "dataset": request.dataset.as_dict(),
                "ranking": request.ranking.as_dict(),
            },
            sources=tuple(
                {
                    "name": source.path.name,
                    "path": str(source.path.absolute()),
                    "fingerprint": source.fingerprint,
                    "subjects": {str(track_id): subject for track_id, subject in source.subjects.items()},
                    "windows": [window_record(window) for window in source.windows],
                }
                for source in request.sources
            ),
            clips={
                task.item.identity: {
                    "name": task.name,
                    "media_key": task.media_key,
                    "suffix": task.suffix,
                    "facts": task.facts,
                    "files": task.files,
                }
                for task in tasks
            },
        )


def _in_the_way(root: Path, paths: Sequence[str]) -> OutputError:
    return OutputError(
        f"{root / paths[0]} already exists and was not written by an export", "Move it, or choose another folder"
    )


def _counted_sources(records: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(record["source"] for record in records))
    return names[0] if len(names) == 1 else f"{len(names)} videos"
