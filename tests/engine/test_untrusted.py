"""Validation of data read from files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.datasets.names import safe_name
from clipgen_engine.untrusted import is_relative_path, is_sha256, leads_through_link, parse_json


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[NaN]", "[Infinity]", b"\xff\xfe", "", "{"]
)
def test_invalid_json_raises_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_valid_json_is_parsed() -> None:
    assert parse_json(b'{"a": [1, 2.5, null, "\xc3\xa9"]}') == {"a": [1, 2.5, None, "é"]}


LEAVING = ["", ".", "..", "../x", "a/../b", "a/..", "/etc/passwd", "a//b", "a/", "./a", "C:\\x", "c:x", "a\\..\\b"]
STRANGE = ["a\0b", "a\nb", "x" * 5000, None, 3, ["a"]]


@pytest.mark.parametrize("path", [*LEAVING, *STRANGE])
def test_path_that_escapes_its_folder_is_rejected(path: object) -> None:
    assert not is_relative_path(path)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_export_paths_are_accepted_and_stay_in_the_folder(parts: list[str]) -> None:
    path = "/".join(safe_name(part) for part in parts)
    if len(path.encode()) <= 4096:
        assert is_relative_path(path)
    assert ".." not in PurePosixPath(path).parts


@given(st.text())
def test_accepted_path_stays_in_its_folder(path: str) -> None:
    if is_relative_path(path):
        assert Path("/root/folder", path).resolve().is_relative_to("/root/folder")


def test_sha256_is_lower_case_hex_of_the_right_length() -> None:
    assert is_sha256("0" * 64)
    for wrong in ("0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n", 0, None):
        assert not is_sha256(wrong)


def test_links_are_detected_anywhere_in_the_path(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "inner" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "alias").symlink_to(tmp_path / "real" / "inner" / "file")
    assert not leads_through_link(tmp_path, "real/inner/file")
    assert not leads_through_link(tmp_path, "real/none")
    assert leads_through_link(tmp_path, "link/inner/file")
    assert leads_through_link(tmp_path, "real/alias")
    assert leads_through_link(tmp_path, "link")
