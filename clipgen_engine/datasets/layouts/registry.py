"""Registry of dataset layouts.

To add a layout, add a module to this package with a function `load(settings, dataset) -> Layout`, and a line in
`_LAYOUTS`. Modules are imported on first use, because some load heavy libraries.
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
    """Display name and help text of a layout."""

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
        LayoutHelp("hdf5", "HDF5 face crops", "hdf5/: face crops of every frame at 518 x 518 px, one file per clip"),
        LayoutHelp("features", "Features (.npz)", "features/: boxes, pose, blendshapes and tokens, one file per clip"),
        LayoutHelp("losslesscut", "LosslessCut CSV", "losslesscut/: one cut list per source"),
        LayoutHelp("edl", "EDL (CMX 3600)", "edl/: one cut list per source, for editing software"),
    )
}


def load_layout(name: str, settings: ExportSettings, dataset: DatasetSettings) -> Layout:
    """Import and load a layout by name.

    Raises:
        SettingError: the name is unknown, the settings do not suit the layout, or its library is missing.
    """
    if name not in _LAYOUTS:
        raise SettingError(f"Unknown layout {name!r}", "Choose one of " + ", ".join(_LAYOUTS))
    from clipgen_engine.clips.writer import clip_suffix  # loads codecs, which layout names do not need

    layout: Layout = importlib.import_module(_LAYOUTS[name]).load(settings, dataset)
    if layout.needs_clips and not layout.frame_folders and not clip_suffix(settings):
        raise SettingError(f"The layout {name} needs video files, not folders of frames", "Choose the clip format mp4")
    return layout
