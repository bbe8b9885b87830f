"""Speed of learned tokens compared with calling the two models frame by frame: real sizes, random weights, no download.

Run it alone on an idle machine: `python -m tests.bench.bench_transformer`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.memory import peak_mb

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "resources" / "sample.mp4"
_CPU_FRAMES, _GPU_FRAMES, _COMPARED = 8, 512, 8
_SIDE = 0.5  # of the picture height, about the size of the face in the sample


def measure() -> dict[str, float]:
    """Frames per second of both methods, their ratio and peak memory; with a GPU, also its numerical differences."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        _make_models(Path(folder))
        figures = _both_ways(Path(folder), "cpu", _CPU_FRAMES)
        if torch.cuda.is_available():
            figures |= _both_ways(Path(folder), "cuda", _GPU_FRAMES)
            figures |= _differences(Path(folder))
        return figures


def _both_ways(folder: Path, device: str, frames: int) -> dict[str, float]:
    plain, own = (_in_own_process(folder, way, device, frames) for way in ("plain", "clipgen"))
    return {
        f"{device}, one frame at a time, frames/s": plain[0],
        f"{device}, clipgen, frames/s": own[0],
        f"{device}, clipgen / one frame at a time": own[0] / plain[0],
        f"{device}, one frame at a time, peak memory, MB": plain[1],
        f"{device}, clipgen, peak memory, MB": own[1],
    }


def _in_own_process(folder: Path, way: str, device: str, frames: int) -> list[float]:
    """Frames per second and peak memory (MB) of one method, measured in its own process."""
    command = [sys.executable, "-m", "tests.bench.bench_transformer", way, str(folder), device, str(frames)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def _make_models(folder: Path) -> None:
    import torch

    from tests.support.checkpoints import LAYOUTS, made_dinov2, made_state, saved

    threads = torch.get_num_threads()
    made_dinov2(layers=12, mlp_ratio=4).save_pretrained(folder / "dinov2")  # ViT-S/14
    saved(folder / "c.pt", made_state(LAYOUTS[0]), wrapped=True, config={"num_heads": 4})
    torch.set_num_threads(threads)


def _backend(folder: Path, device: str, precision: str = "auto") -> Any:
    from clipgen_engine.expression_tokens.backends import load_backend
    from clipgen_engine.settings import TokenSettings

    return load_backend(
        "transformer",
        TokenSettings(
            expression_transformer_checkpoint=folder / "c.pt",
            dinov2=folder / "dinov2",
            device=device,
            token_precision=precision,
        ),
    )


def _analysis(frames: int) -> Any:
    """The first frames of the sample with a synthetic face in the centre."""
    import numpy as np

    from clipgen_engine.video.index import probe
    from tests.support.analyses import FakeTrack, make_analysis

    video = probe(SAMPLE)
    middle = np.tile(np.array([video.width_px / 2, video.height_px / 2], np.float32), (frames, 1))
    track = FakeTrack(0, np.zeros((frames, 51), np.float32), middle, size=_SIDE * video.height_px)
    return replace(make_analysis(track), video=video)


def _plain(folder: Path, device: str, frames: int) -> float:
    """Seconds of the naive loop: decode a frame, run the backbone, run the transformer."""
    import torch
    from transformers import Dinov2Model

    from clipgen_engine.expression_tokens.checkpoint import read_checkpoint
    from clipgen_engine.expression_tokens.transformer import face_crop
    from clipgen_engine.expression_tokens.transformer_network import build_transformer
    from clipgen_engine.video.decoding import decode

    analysis = _analysis(frames)
    boxes = analysis.tracks[0].box_xywh
    backbone = Dinov2Model.from_pretrained(folder / "dinov2").eval().to(device)
    transformer = build_transformer(read_checkpoint(folder / "c.pt")).to(device)
    positions = backbone.embeddings.position_embeddings[0, 1:]
    mean = torch.tensor([0.485, 0.456, 0.406], device=device).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], device=device).view(1, 3, 1, 1)

    def run(first: int, stop: int) -> None:
        for picture in decode(analysis.video, first, stop):
            crop = torch.from_numpy(face_crop(picture.pixels, boxes[picture.index])).to(device)
            normal = (crop.permute(2, 0, 1)[None].float() / 255 - mean) / deviation
            patches = backbone(pixel_values=normal).last_hidden_state[:, 1:]
            transformer(patches, positions, 0).cpu()

    with torch.inference_mode():
        run(0, 1)
        begun = time.perf_counter()
        run(0, frames)
    return time.perf_counter() - begun


def _own(folder: Path, device: str, frames: int) -> float:
    """Seconds of clipgen."""
    from clipgen_engine.expression_tokens.batches import seconds_per_face

    backend, analysis = _backend(folder, device), _analysis(frames)
    seconds_per_face(backend)
    begun = time.perf_counter()
    _tokens(backend, analysis)
    return time.perf_counter() - begun


def _tokens(backend: Any, analysis: Any) -> Any:
    from clipgen_engine.expression_tokens.filling import TokenFilling
    from clipgen_engine.expression_tokens.priorities import rows_in_time

    filling, order = TokenFilling(analysis, backend), rows_in_time(analysis.tracks)
    filling.run(lambda: order)
    return filling.result().tokens[0].values


def _differences(folder: Path) -> dict[str, float]:
    """Maximum absolute difference between tokens computed on the GPU and on the CPU."""
    import numpy as np

    analysis = _analysis(_COMPARED)
    expected = _tokens(_backend(folder, "cpu"), analysis)
    return {
        f"cuda, largest difference from the CPU, {precision}": float(
            np.abs(_tokens(_backend(folder, "cuda", precision), analysis) - expected).max()
        )
        for precision in ("bfloat16", "float32")
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        way, models, where, count = sys.argv[1:]
        seconds = (_plain if way == "plain" else _own)(Path(models), where, int(count))
        print(int(count) / seconds, peak_mb())
    else:
        for name, value in measure().items():
            print(f"{name:<60} {value:10.3f}")
