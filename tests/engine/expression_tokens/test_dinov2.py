"""The DINOv2 backbone: key names, download from the hub, errors."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from clipgen_engine.errors import Cancelled, ModelFileError, ModelMissingError  # noqa: E402
from clipgen_engine.expression_tokens.dinov2 import Backbone, load_backbone  # noqa: E402
from tests.support.checkpoints import State  # noqa: E402


def original_names(model: Any) -> State:
    """The weights under the key names of the original repository."""
    own = dict(model.named_parameters())
    state = {
        "cls_token": own["embeddings.cls_token"],
        "mask_token": own["embeddings.mask_token"],
        "pos_embed": own["embeddings.position_embeddings"],
        "patch_embed.proj.weight": own["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": own["embeddings.patch_embeddings.projection.bias"],
        "norm.weight": own["layernorm.weight"],
        "norm.bias": own["layernorm.bias"],
    }
    for number, layer in enumerate(model.encoder.layer):
        block = f"blocks.{number}."
        projections = {name.rsplit(".", 2)[-2]: part for name, part in layer.attention.named_parameters()}
        assert len(projections) >= 4
        parts = {name: one for name, one in layer.attention.named_modules() if isinstance(one, torch.nn.Linear)}
        query, key, value, out = parts.values()
        for kind in ("weight", "bias"):
            state[f"{block}attn.qkv.{kind}"] = torch.cat([getattr(one, kind) for one in (query, key, value)])
            state[f"{block}attn.proj.{kind}"] = getattr(out, kind)
            for name in ("norm1", "norm2"):
                state[f"{block}{name}.{kind}"] = getattr(getattr(layer, name), kind)
            for name in ("fc1", "fc2"):
                state[f"{block}mlp.{name}.{kind}"] = getattr(getattr(layer.mlp, name), kind)
        state[f"{block}ls1.gamma"] = layer.layer_scale1.lambda1
        state[f"{block}ls2.gamma"] = layer.layer_scale2.lambda1
    return {name: tensor.detach().clone() for name, tensor in state.items()}


@pytest.mark.parametrize("form", ["folder", "hugging face file", "original file"])
def test_backbone_is_independent_of_the_file_format(tmp_path: Path, small_dinov2: Any, form: str) -> None:
    path = tmp_path / "dinov2"
    small_dinov2.save_pretrained(path)
    if form == "hugging face file":
        path = path / "model.safetensors"
    elif form == "original file":
        path = tmp_path / "dinov2_vits14.pth"
        torch.save(original_names(small_dinov2), path)
    backbone = load_backbone(path, allow_download=False)
    pictures = torch.randn(1, 3, 518, 518, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = small_dinov2(pixel_values=pictures).last_hidden_state[:, 1:]
        torch.testing.assert_close(backbone.patch_tokens(pictures), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(backbone.positions, small_dinov2.embeddings.position_embeddings[0, 1:].detach())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("unrelated keys", "lacks 'pos_embed' or its blocks"),
        ("no blocks", "lacks 'pos_embed' or its blocks"),
        ("one key missing", "lacks the key 'encoder.layer.1.norm2.bias' of DINOv2"),
        ("other size", "do not have the shapes of DINOv2"),
        ("a list", "does not contain a dictionary of tensors"),
        ("an empty folder", "does not contain a readable DINOv2"),
    ],
)
def test_invalid_backbone_raises_an_error_with_hint(
    tmp_path: Path, small_dinov2: Any, damage: str, message: str
) -> None:
    state = original_names(small_dinov2)
    content: Any = {
        "unrelated keys": {"a": torch.zeros(1)},
        "no blocks": {"pos_embed": state["pos_embed"]},
        "one key missing": {key: value for key, value in state.items() if key != "blocks.1.norm2.bias"},
        "other size": state | {"pos_embed": torch.zeros(1, 257, 384)},
        "a list": [1],
    }.get(damage)
    path = tmp_path / "other.pth"
    if content is None:
        path.mkdir()
    else:
        torch.save(content, path)
    with pytest.raises(ModelFileError, match=re.escape(message)) as caught:
        load_backbone(path)
    assert "--dinov2" in str(caught.value)


class Hub(BaseHTTPRequestHandler):
    """Serves the files of one folder like the hub, and records the requests."""

    folder: Path
    asked: list[str]

    def log_message(self, format: str, *arguments: Any) -> None:
        self.asked.append(self.path)

    def do_HEAD(self) -> None:
        self._answer(whole=False)

    def do_GET(self) -> None:
        self._answer(whole=True)

    def _answer(self, *, whole: bool) -> None:
        file = self.folder / self.path.rsplit("/", 1)[-1]
        content = file.read_bytes() if file.is_file() else b""
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()
        if whole:
            with suppress(ConnectionError):  # a cancelled download closes the connection
                self.wfile.write(content)


@pytest.fixture
def hub(tmp_path: Path, model_paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """A local fake of the Hugging Face hub, and an empty cache; tests never contact the real hub."""
    from huggingface_hub import constants

    handler = type("OneHub", (Hub,), {"folder": model_paths["dinov2"], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_download_requires_permission_reports_progress_and_can_be_cancelled(
    hub: type[Hub], model_paths: dict[str, Path], small_dinov2: Any
) -> None:
    with pytest.raises(ModelMissingError, match=r"--dinov2, or run once with a network connection, or copy"):
        load_backbone(allow_download=False)
    assert hub.asked == []
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        load_backbone(progress=lambda progress: cancel.set(), cancel=cancel)
    reports: list[tuple[str, int, int]] = []
    backbone = load_backbone(progress=lambda one: reports.append((one.stage, one.done, one.total)))
    size = (model_paths["dinov2"] / "model.safetensors").stat().st_size
    assert reports[-1] == ("download", size, size)
    assert {path.rsplit("/", 1)[-1] for path in hub.asked} == {"config.json", "model.safetensors"}
    assert backbone.sha256 == Backbone(small_dinov2, "").sha256
    hub.asked.clear()
    assert load_backbone(allow_download=False).sha256 == backbone.sha256
    assert hub.asked == []


def test_failed_download_suggests_three_remedies(hub: type[Hub], tmp_path: Path) -> None:
    hub.folder = tmp_path / "nothing"
    with pytest.raises(
        ModelFileError, match=r"could not be downloaded\. Specify its folder .*, or run once .*, or copy"
    ):
        load_backbone()
