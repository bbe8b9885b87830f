"""WebDataset: deterministic tar shards; each sample is a clip and its record.

Each split has an index of its shards, such as `train.json`, in `wids` format.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, Document, Layout, text_document
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.files import strict_json
from clipgen_engine.settings import DatasetSettings, ExportSettings

_MB = 1_000_000
_BLOCK = 512  # tar block size; headers and contents are padded to it
_END = 10_240  # tar record size; archives are padded to a multiple of it


class WebDatasetLayout(Layout):
    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        documents: list[Document] = []
        for split in dict.fromkeys(clip.split for clip in clips):
            shards = []
            for number, part in enumerate(self._shards([clip for clip in clips if clip.split == split])):
                shard = _shard(f"webdataset/{split}-{number:06d}.tar", part)
                documents.append(shard)
                shards.append({"url": Path(shard.path).name, "nsamples": len(part)})
            index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "name": split, "shardlist": shards}
            documents.append(text_document(f"webdataset/{split}.json", strict_json(index, indent=1) + "\n"))
        return documents

    def _shards(self, clips: Sequence[Clip]) -> Iterator[list[Clip]]:
        part: list[Clip] = []
        size = _END
        for clip in clips:
            own = _room(int(clip.record["size_bytes"])) + _room(len(_record(clip)))
            if part and size + own > self.dataset.shard_size_mb * _MB:
                yield part
                part, size = [], _END
            part.append(clip)
            size += own
        if part:
            yield part


def _shard(path: str, clips: Sequence[Clip]) -> Document:
    def write(path: Path, clip_at: Callable[[str], Path]) -> None:
        with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
            for clip in clips:
                with clip_at(clip.media_key).open("rb") as file:
                    archive.addfile(_member(clip.name + clip.suffix, int(clip.record["size_bytes"])), file)
                text = _record(clip)
                archive.addfile(_member(f"{clip.name}.json", len(text)), io.BytesIO(text))

    key = key_of("webdataset", [[clip.name, clip.media_key, dict(clip.record)] for clip in clips])
    return Document(path, key, write, "made", {clip.media_key: clip.name + clip.suffix for clip in clips})


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)  # owner and time stamp default to 0, for determinism
    member.size, member.mode = size, 0o644
    return member


def _record(clip: Clip) -> bytes:
    return strict_json(dict(clip.record)).encode()


def _room(size: int) -> int:
    return _BLOCK + -(-size // _BLOCK) * _BLOCK


def load(settings: ExportSettings, dataset: DatasetSettings) -> WebDatasetLayout:
    return WebDatasetLayout(settings, dataset)
