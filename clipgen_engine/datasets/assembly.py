"""Clips and their records -> the files of every layout, the contact sheet and the manifest of an export."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clipgen_engine.datasets.analyses import Analyses
from clipgen_engine.datasets.folder import ExportFolder
from clipgen_engine.datasets.layouts.layout import Clip, Document, Layout, text_document
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

ClipState = Literal["written", "unchanged", "kept", "failed", "waiting"]  # kept: an older version stays

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """One clip on its way."""

    item: ExportItem
    name: str
    split: str
    media_key: str
    suffix: str
    facts: dict[str, Any] | None = None
    state: ClipState = "waiting"
    sentence: str = ""
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)  # paths by layout, of those that are complete


class Assembly:
    """Puts together what an export folder shall hold."""

    def __init__(
        self,
        request: ExportRequest,
        layouts: Mapping[str, Layout],
        analyses: Analyses,
        folder: ExportFolder,
        fail: Callable[[Work | None, ClipgenError], None],
        begun: Callable[[str], None],
    ) -> None:
        """
        Args:
            fail: is told what could not be put where it belongs; without a clip it concerns a file of all.
            begun: is given the path of each file that is made of several clips.
        """
        self._request, self._layouts, self._analyses, self._folder = request, layouts, analyses, folder
        self._fail, self._begun = fail, begun
        self._needs_clips = any(layout.needs_clips for layout in layouts.values())

    def clip(self, work: Work, *, with_media: bool = True) -> Clip:
        facts = work.facts or {}
        media = self._folder.media.get(work.media_key, {}) if with_media and self._needs_clips else {}
        own = {"export_settings": self._request.export.as_dict(), "versions": {"clipgen": __version__}}
        return Clip(
            name=work.name,
            split=work.split,
            record={**facts, **own, **work.item.decided, **media, "split": work.split},
            media_key=work.media_key,
            suffix=work.suffix,
            source_path=work.item.source.path,
            footage_key=self._analyses.key(work.item.source.fingerprint),
        )

    def put(self, works: Sequence[Work]) -> Manifest:
        """Put the files of these clips into the folder, then all that lists them; the manifest to be committed.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        for name in self._layouts:
            self._put_layout(name, [work for work in works if name in work.files])
        listed = [work for work in works if work.files]
        self._put_report(listed)
        for path, stored in self._folder.manifest.files.items():
            if stored.layout and stored.layout not in self._layouts:
                self._folder.leave(path)  # of an export in another layout: not brought up to date, not removed
        return self._manifest(listed)

    def _put_layout(self, name: str, works: Sequence[Work]) -> None:
        layout, folder = self._layouts[name], self._folder
        placed: list[Clip] = []
        for work in works:
            clip = self.clip(work)
            if any(map(folder.is_foreign, work.files[name])):
                self._fail(work, _in_the_way(folder.root, work.files.pop(name)))
                continue
            if work.state == "kept" and not layout.needs_clips:
                for path in work.files[name]:
                    folder.leave(path)
            else:
                for one in layout.clip_files(self.clip(work, with_media=False)):
                    content = folder.clip(one.key) if one.write is None else folder.find(one.key)
                    assert content is not None
                    role: Role = "clip" if one.write is None else "made"
                    folder.put(one.path, content, one.key, layout=name, role=role)
            placed.append(clip)
        for document in layout.documents(placed, self._info(placed)):
            self._put_document(document, name)

    def _put_document(self, document: Document, layout: str) -> None:
        folder = self._folder
        if folder.is_foreign(document.path):
            self._fail(None, _in_the_way(folder.root, [document.path]))
            return
        self._begun(document.path)
        content = folder.find(document.key) or folder.make(
            document.key, Path(document.path).suffix, lambda place: document.write(place, folder.clip)
        )
        folder.put(document.path, content, document.key, layout=layout, role=document.role, members=document.members)

    def _put_report(self, works: Sequence[Work]) -> None:
        """What a person reads: the contact sheet, and the summary unless a layout has it."""
        known = pictures_of(self._folder.text_of(INDEX_NAME))
        videos: dict[Path, VideoInfo | None] = {}
        rows = []
        for work in works:
            key = key_of("picture", work.media_key if self._needs_clips else work.item.identity)
            picture = known.get(key) or self._picture(work, videos)
            rows.append((work.name, self.clip(work).record, key, picture))
        title = f"Clips of {_counted_sources([record for _, record, _, _ in rows])}"
        self._put_document(text_document(INDEX_NAME, contact_sheet(rows, title)), "")
        if "plain" not in self._layouts:
            text = summary([(work.name, self.clip(work).record) for work in works])
            self._put_document(text_document(SUMMARY_NAME, text), "")

    def _picture(self, work: Work, videos: dict[Path, VideoInfo | None]) -> str:
        """The middle frame of a clip, of its encoded file where there is one."""
        start, stop, _ = work.item.sequence.key
        try:
            if not self._needs_clips:
                path = work.item.source.path
                if path not in videos:
                    videos[path] = None
                    videos[path] = probe(path)
                video = videos[path]
                return "" if video is None else thumbnail(video, (start + stop) // 2)
            path = self._folder.clip(work.media_key)
            if path.is_dir():
                frames = sorted(path.iterdir())
                return thumbnail(probe(frames[len(frames) // 2]), 0)
            return thumbnail(probe(path), (stop - start) // 2)
        except VideoError as error:  # the sheet says everything else
            _log.warning("no picture of %s: %s", work.name, error)
            return ""

    def _info(self, clips: Sequence[Clip]) -> dict[str, Any]:
        """About the export as a whole; of a single source as the plain run folder has it."""
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

    def _manifest(self, works: Sequence[Work]) -> Manifest:
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
                work.item.identity: {
                    "name": work.name,
                    "media_key": work.media_key,
                    "suffix": work.suffix,
                    "facts": work.facts,
                    "files": work.files,
                }
                for work in works
            },
        )


def _in_the_way(root: Path, paths: Sequence[str]) -> OutputError:
    return OutputError(
        f"{root / paths[0]} is there already and was not written by an export", "Move it away, or choose another folder"
    )


def _counted_sources(records: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(record["source"] for record in records))
    return names[0] if len(names) == 1 else f"{len(names)} videos"
