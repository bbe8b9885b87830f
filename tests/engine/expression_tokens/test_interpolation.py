"""Stride and interpolation of learned tokens."""

from __future__ import annotations

import numpy as np

from clipgen_engine.expression_tokens.interpolation import interpolated, own_rows, slerp


def unit(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1).astype(np.float32)


def test_stride_selects_its_frames_and_the_ends_of_each_run() -> None:
    frames = np.array([2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 30])
    assert frames[own_rows(frames, 4)].tolist() == [2, 4, 8, 9, 20, 22, 30]
    assert own_rows(frames, 1).all()
    assert not len(own_rows(frames[:0], 4))


def test_interpolated_tokens_lie_on_the_arc_and_are_marked() -> None:
    frames = np.arange(10, 23)
    truth = unit(frames / 7)
    values = truth.copy()
    values[~own_rows(frames, 4)] = np.nan
    filled, made = interpolated(values, frames, 4)
    np.testing.assert_allclose(filled, truth, atol=1e-6)
    assert frames[~made].tolist() == [10, 12, 16, 20, 22]
    np.testing.assert_array_equal(filled[~made], truth[~made])


def test_no_interpolation_across_a_gap_or_beyond_the_stride() -> None:
    frames = np.array([0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12])
    values = unit(frames / 7)
    values[[1, 2, 3, 6, 7, 8, 9]] = np.nan  # frames 8 to 11 lie between 7 and 12
    filled, made = interpolated(values, frames, 4)
    assert frames[made].tolist() == [1, 2, 3]
    assert np.isnan(filled[6:10]).all()
    across = unit(frames / 7)
    across[5] = np.nan
    across[4] = np.nan
    assert not interpolated(across, frames, 8)[1].any()


def test_slerp_of_degenerate_arcs_has_unit_length() -> None:
    start = unit(np.array([0.0, 0.0, 1.0]))
    end = unit(np.array([0.0, np.pi, 1.0 + 1e-6]))
    points = slerp(start, end, np.array([0.3, 0.5, 0.5]))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(points[0], start[0], atol=1e-6)
