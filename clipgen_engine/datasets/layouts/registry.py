"""Which dataset layouts there are.

A new layout is a module beside this one with a function `load(settings, dataset) -> Layout`, and a line in `_LAYOUTS`.
It is imported when it is first used, so that heavy libraries cost nothing before.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from clipgen_engine.datasets.layouts.base import Layout
from clipgen_engine.errors import SettingError
from clipgen_engine.settings import DatasetSettings, ExportSettings

_LAYOUTS = {
    "plain": "clipgen_engine.datasets.layouts.plain",
    "videofolder": "clipgen_engine.datasets.layouts.videofolder",
    "webdataset": "clipgen_engine.datasets.layouts.webdataset",
    "fiftyone": "clipgen_engine.datasets.layouts.fiftyone",
    "hdf5": "clipgen_engine.datasets.layouts.hdf5",
    "features": "clipgen_engine.datasets.layouts.features",
    "losslesscut": "clipgen_engine.datasets.layouts.losslesscut",
    "edl": "clipgen_engine.datasets.layouts.edl",
}


@dataclass(frozen=True)
class LayoutHelp:
    """What a panel or a help text says about a layout."""

    name: str
    label: str
    help: str


LAYOUTS = {
    one.name: one
    for one in (
        LayoutHelp("plain", "Clips and JSON", "clips/: numbered clips, clip_metadata.json and a summary"),
        LayoutHelp("videofolder", "Hugging Face VideoFolder", "videofolder/: for datasets.load_dataset"),
        LayoutHelp("webdataset", "WebDataset", "webdataset/: tar shards for streaming"),
        LayoutHelp("fiftyone", "FiftyOne", "fiftyone/: videos with temporal detections"),
        LayoutHelp("hdf5", "HDF5 face crops", "hdf5/: the face of every frame at 518 x 518 px, a file a clip"),
        LayoutHelp("features", "Features (.npz)", "features/: boxes, head pose, blendshapes and tokens, a file a clip"),
        LayoutHelp("losslesscut", "LosslessCut CSV", "losslesscut/: a list of cuts for each source"),
        LayoutHelp("edl", "EDL (CMX 3600)", "edl/: a list of cuts for each source, for editors"),
    )
}


def load_layout(name: str, settings: ExportSettings, dataset: DatasetSettings) -> Layout:
    """Import and load a layout by its name.

    Raises:
        SettingError: there is none of this name, it cannot be written under these settings, or its library is missing.
    """
    if name not in _LAYOUTS:
        raise SettingError(f"There is no layout {name!r}", "Choose among " + ", ".join(_LAYOUTS))
    from clipgen_engine.clips.writer import clip_suffix  # the names of layouts are asked for where no codec is needed

    layout: Layout = importlib.import_module(_LAYOUTS[name]).load(settings, dataset)
    if layout.needs_clips and not layout.frame_folders and not clip_suffix(settings):
        raise SettingError(f"The layout {name} needs video files, not folders of frames", "Choose the clip format mp4")
    return layout
