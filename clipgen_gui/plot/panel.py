"""The score plot card: curves over time with ranked windows, cuts and playhead."""

from __future__ import annotations

from functools import partial
from typing import Literal, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from clipgen_engine.ranking.effective import effective_thresholds
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, palette, px
from clipgen_gui.plot.axes import Limit, TimePlot
from clipgen_gui.plot.curves import CURVES, CurveKind
from clipgen_gui.plot.items import CurveLabelsItem, CurvesItem, DraftItem, Line, Span, SpansItem, split_drafts
from clipgen_gui.plot.legend import CurveLegend
from clipgen_gui.plot.overview import OverviewStrip
from clipgen_gui.plot.readout import PlotReadout
from clipgen_gui.widgets.cards import Card, named

_PAGE_MARGIN = 0.08  # of the visible range, left of the playhead after a page turn
_MIN_FRAMES = 2  # of a window


class ScorePlot(Card):
    """Shows the current video's ranking. A click seeks, and selects the window under it or inspects the position."""

    def __init__(self, session: Session, follow: QAction, settings: QSettings, parent: QWidget | None = None) -> None:
        """
        Args:
            follow: toggles following the playhead.
            settings: stores the visible curves.
        """
        super().__init__("Scores", parent)
        self._session = session
        self._follow = follow
        self._entry: VideoEntry | None = None
        self._end_s = 0.0
        self._inspecting = False  # whether the drag inspects positions
        self._curves_source: object = None  # inputs of all curves except the combined one
        self.legend = CurveLegend(settings)
        self.header.setSpacing(2)
        self.header.addWidget(self.legend)
        self.header.addWidget(_tool(follow))
        self.plot, self.overview = TimePlot(), OverviewStrip()
        named(
            self.plot,
            "Scores over time",
            "Click a window to select it; click elsewhere to see why there is no window (Shift + click: anywhere).\n"
            "Drag over a free area to create a window; drag an edge of the selected window to trim it.\n"
            "Wheel zooms, Shift + wheel or middle button pans, double-click shows everything.",
        )
        self.plot.setMinimumHeight(110)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.overview)
        self.terms, self.combined, self.spans = CurvesItem(), CurvesItem(), SpansItem()
        self.curve_labels, self.draft = CurveLabelsItem(), DraftItem()
        self._layers = (self.spans, self.terms, self.combined, self.curve_labels, self.draft)
        self.playhead = pg.InfiniteLine(angle=90, movable=False)
        self.pointer = pg.InfiniteLine(angle=90, movable=False)
        for depth, item in enumerate((*self._layers, self.pointer, self.playhead)):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self.readout = PlotReadout(self.plot)
        self._hint = QLabel(self.plot)
        self._hint.setObjectName("muted")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.pointer.hide()
        self.readout.hide()
        layout = QVBoxLayout(self.plot)
        layout.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignCenter)
        self._connect()
        follow_theme(self, self._apply_theme)
        self._show_video()

    def _apply_theme(self) -> None:
        self.overview.set_left_margin(px(34))
        self.playhead.setPen(pg.mkPen(palette().text, width=1))
        self.pointer.setPen(pg.mkPen(palette().muted, width=1, style=Qt.PenStyle.DotLine))
        self._show_limits()

    def _connect(self) -> None:
        session, plot, overview = self._session, self.plot, self.overview
        plot.occupied = lambda seconds: self._row_at(self._frame_at(seconds)) is not None
        plot.pressed_at.connect(self._press)
        plot.scrubbed_to.connect(self._scrub)
        plot.drawn.connect(self._draw)
        plot.dropped.connect(self._drop)
        plot.edge_dragged.connect(self._drag_edge)
        plot.edge_dropped.connect(self._drop_edge)
        plot.cancelled.connect(lambda: self.draft.set_span(None))
        plot.limit_held.connect(session.controls.hold)
        plot.limit_dragged.connect(self._drag_limit)
        plot.hovered.connect(self._hover)
        plot.menu_requested.connect(lambda pos, seconds, height: self.menu_at(seconds, height).popup(pos))
        plot.view.sigXRangeChanged.connect(lambda _, span: overview.set_visible(*span))
        overview.moved.connect(plot.show_span)
        overview.zoomed.connect(plot.zoom)
        overview.show_all_requested.connect(plot.show_all)
        self.legend.changed.connect(self._show_ranking)
        self._follow.toggled.connect(lambda: self._keep_playhead_visible())
        session.current_changed.connect(self._show_video)
        session.analysis_changed.connect(self._show_shots)
        session.ranking_changed.connect(self._show_ranking)
        session.selection.changed.connect(self._show_spans)
        session.selection.track_changed.connect(self._show_ranking)
        session.selection.position_changed.connect(self._move_playhead)

    def set_hint(self, text: str) -> None:
        """Show a hint in the middle of the plot; empty hides it."""
        self._hint.setText(text)
        self._hint.setVisible(bool(text))

    def cancel_drag(self) -> None:
        """Cancel drawing or trimming a window."""
        self.plot.cancel_drag()

    # Session to plot

    def _show_video(self) -> None:
        entry = self._session.current
        info = entry.info if entry else None
        end_s = max(info.duration_s, 1e-3) if info else 1.0
        if entry is not self._entry or end_s != self._end_s:
            self._entry, self._end_s = entry, end_s
            for item in self._layers:
                item.set_end(end_s)
            self.draft.set_span(None)
            self.overview.set_end(end_s)
            self.plot.set_end(end_s)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setStyle(showValues=info is not None)
        self.playhead.setVisible(info is not None)
        self._hover(None)
        self._move_playhead(entry.position if entry else 0)
        self._show_shots()
        self._show_ranking()

    def _show_shots(self) -> None:
        entry = self._session.current
        if entry is None or entry.analysis is None or entry.info is None:
            self.spans.set_cuts(())
            self.spans.set_gaps(np.zeros((0, 2)))
            return
        self.spans.set_cuts([float(entry.info.times_s[start]) for start, _ in entry.analysis.shots if start > 0])
        self.spans.set_gaps(entry.gaps_s)

    def _show_ranking(self) -> None:
        self._show_spans()
        entry = self._session.current
        self.legend.set_default((*self._session.controls.shown_terms, COMBINED))
        shown = self.legend.shown
        scores = entry.ranking.scores if entry is not None and entry.ranking is not None else None
        source = (scores, shown, entry and entry.track)  # a weight usually changes the combined score only
        if scores is None or source != self._curves_source:
            self._curves_source = source
            term_lines = [line for name in shown if name != COMBINED for line in self._lines(entry, CURVES[name])]
            self.terms.set_lines(term_lines)
        combined = self._lines(entry, CURVES[COMBINED])
        self.combined.set_lines(combined if COMBINED in shown else ())
        self.curve_labels.set_lines((*self.terms.lines, *self.combined.lines))
        self.overview.set_lines([line for line in combined if not line.faint])
        self._show_limits()

    def _show_limits(self) -> None:
        thresholds = effective_thresholds(self._session.settings)
        limits = {}
        for kind in (CURVES[name] for name in self.legend.shown):
            for gate in kind.gates:
                # A visible condition always shows its limit; a score only if the limit is enabled.
                if thresholds[gate] != GATES[gate].off or kind.name not in TERMS:
                    limits[gate] = Limit(min(thresholds[gate] / kind.full_scale, 1.0), kind.tint)
        self.plot.set_limits(limits)

    def _lines(self, entry: VideoEntry | None, kind: CurveKind) -> list[Line]:
        lines: list[Line] = []
        if entry is None or entry.info is None or entry.analysis is None:
            return lines
        other_tracks = entry.concurrent_tracks
        for track in entry.analysis.tracks:
            curve = entry.curve(kind.name, track.track_id)
            if curve is not None and len(curve[0]):
                frames, values = curve
                heights = values.astype(np.float64)
                if kind.full_scale != 1.0:
                    heights /= kind.full_scale
                faint = track.track_id in other_tracks
                span = slice(int(frames[0]), int(frames[-1]) + 1)  # a curve's frames are contiguous
                drafts = entry.drafts(track.track_id) if entry.is_draft else None
                lines += split_drafts(Line(entry.info.times_s[span], heights, kind, faint), drafts)
        return lines

    def _show_spans(self) -> None:
        entry = self._session.current
        if entry is None or entry.info is None:
            self.spans.set_spans(())
            self.spans.set_candidate(None)
            self.overview.set_spans(())
            self.plot.edges = None
            return
        candidate = entry.candidate
        self.spans.set_candidate(self._span_s(max(0, candidate[0]), candidate[1]) if candidate else None)
        spans = [
            Span(
                *self._span_s(*row.key[:2]),
                self._session.selection.number_of(row),
                row.decision,
                row.key == entry.selected,
            )
            for row in entry.rows
        ]
        self.spans.set_spans(spans)
        self.overview.set_spans(spans)
        self.plot.edges = next(((span.start_s, span.stop_s) for span in spans if span.selected), None)

    def _move_playhead(self, frame: int) -> None:
        entry = self._session.current
        if entry is not None and entry.info is not None:
            seconds = float(entry.info.times_s[frame])
            self.playhead.setPos(seconds)
            self.overview.set_playhead(seconds)
            self._keep_playhead_visible()

    def _keep_playhead_visible(self) -> None:
        """Turn the page when the playhead leaves the visible range; a continuously scrolling plot is hard to read."""
        if not self._follow.isChecked() or self.plot.dragging:
            return
        first, last = self.plot.visible_s
        if not first <= self.playhead.value() <= last:
            begin = float(self.playhead.value()) - _PAGE_MARGIN * (last - first)
            self.plot.show_span(begin, begin + last - first)

    # Frames and seconds

    def _frame_at(self, seconds: float) -> int:
        entry = self._session.current
        if entry is None or entry.info is None:
            return 0
        return max(0, int(np.searchsorted(entry.info.times_s, seconds, side="right")) - 1)

    def _boundary_at(self, seconds: float) -> int:
        """Return the frame that starts nearest to this time; the frame count for the end of the video."""
        entry = self._session.current
        assert entry is not None
        assert entry.info is not None
        starts = np.append(entry.info.times_s, entry.info.duration_s)
        return int(np.abs(starts - seconds).argmin())

    def _span_s(self, start: int, stop: int) -> tuple[float, float]:
        """Return start and end in seconds of a half-open frame range."""
        entry = self._session.current
        assert entry is not None
        assert entry.info is not None
        times = entry.info.times_s
        return float(times[start]), float(times[stop]) if stop < len(times) else entry.info.duration_s

    # Mouse to session

    def _row_at(self, frame: int) -> object:
        entry = self._session.current
        return next((row for row in entry.rows if row.overlaps(frame, frame + 1)), None) if entry else None

    def _press(self, seconds: float, shift: bool) -> None:
        entry = self._session.current
        if entry is None:
            return
        frame = self._frame_at(seconds)
        here = [row for row in entry.rows if row.overlaps(frame, frame + 1)]
        row = next((row for row in here if row.key[2] == entry.track), here[0] if here else None)
        self._inspecting = (row is None or shift) and entry.ranking is not None
        if self._inspecting:
            self._session.selection.inspect(frame)
        elif row is not None:
            self._session.selection.select(row.key, seek=False)
        self._session.selection.seek(frame)

    def _scrub(self, seconds: float) -> None:
        frame = self._frame_at(seconds)
        if self._inspecting and self._session.current is not None and self._session.current.inspected is not None:
            self._session.selection.inspect(frame)
        self._session.selection.seek(frame)

    def _frames_under(self, from_s: float, to_s: float) -> tuple[int, int]:
        """Return the half-open frame range of a drag."""
        first, last = sorted((self._frame_at(from_s), self._frame_at(to_s)))
        return first, last + 1

    def _draw(self, from_s: float, to_s: float) -> None:
        if self._session.current is None or self._session.current.ranking is None:
            return
        self._session.selection.inspect(None)
        self._show_draft(*self._frames_under(from_s, to_s))
        self._session.selection.seek(self._frame_at(to_s))

    def _drop(self, from_s: float, to_s: float) -> None:
        self.draft.set_span(None)
        self._session.decisions.accept_span(*self._frames_under(from_s, to_s))

    def _trimmed(self, edge: str, seconds: float) -> tuple[int, int] | None:
        """Return the selected window with this edge at this time, clamped to the minimum length."""
        entry = self._session.current
        if entry is None or entry.info is None or entry.selected is None:
            return None
        start, stop, _ = entry.selected
        if edge == "start":
            return min(self._boundary_at(seconds), stop - _MIN_FRAMES), stop
        return start, max(self._boundary_at(seconds), start + _MIN_FRAMES)

    def _drag_edge(self, edge: str, seconds: float) -> None:
        span = self._trimmed(edge, seconds)
        if span is not None:
            self._show_draft(*span)
            self._session.selection.seek(span[0] if edge == "start" else span[1] - 1)

    def _drop_edge(self, edge: str, seconds: float) -> None:
        self.draft.set_span(None)
        span = self._trimmed(edge, seconds)
        if span is not None:
            self._session.decisions.trim_to(*span, cast(Literal["start", "end"], edge))

    def _show_draft(self, start: int, stop: int) -> None:
        first_s, last_s = self._span_s(start, stop)
        self.draft.set_span((first_s, last_s), f"{stop - start} frames · {last_s - first_s:.2f} s")

    def _drag_limit(self, gate: str, height: float) -> None:
        """Set a gate's limit; dragging an upper limit to the top of the axis turns it off."""
        kind = next(kind for kind in CURVES.values() if gate in kind.gates)
        setting, off = GATES[gate].threshold, GATES[gate].off
        assert setting.step is not None
        assert off is not None
        threshold = round(min(height, 1.0) * kind.full_scale / setting.step) * setting.step
        threshold = round(min(max(threshold, setting.minimum or 0.0), setting.maximum or threshold), 6)
        self._session.controls.set_gate(gate, off if height >= 1.0 and not GATES[gate].at_least else threshold)

    # Cursor readout and context menu

    def _hover(self, seconds: float | None) -> None:
        entry = self._session.current
        visible = entry is not None and entry.info is not None and seconds is not None
        self.pointer.setVisible(visible)
        self.readout.setVisible(visible)
        if entry is None or entry.info is None or seconds is None:
            return
        frame = self._frame_at(seconds)
        self.pointer.setPos(float(entry.info.times_s[frame]))
        self.readout.show_frame(entry, frame, self.legend.shown)
        at = self.plot.to_widget(seconds, 0).x()
        right = self.plot.width() - self.readout.width() - 8
        left_half = at < self.plot.width() / 2
        self.readout.move(right if left_half else self.plot.to_widget(self.plot.visible_s[0], 0).x() + 8, 6)

    def menu_at(self, seconds: float, height: float) -> QMenu:
        """Build the context menu for a point of the plot."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entry = self._session.current
        if entry is None or entry.ranking is None:
            menu.addAction("Not analysed yet").setEnabled(False)
            return menu
        frame = self._frame_at(seconds)
        menu.addAction("Why is there no window here?", lambda: self._session.selection.inspect(frame))
        menu.addAction("Show the whole video", self.plot.show_all)
        thresholds = effective_thresholds(self._session.settings)
        for kind in (CURVES[name] for name in self.legend.shown):
            if kind.gates:
                menu.addSeparator()
            for gate in kind.gates:
                threshold = GATES[gate].threshold
                text = f"{threshold.label}: {kind.format(min(max(height, 0.0), 1.0) * kind.full_scale)}"
                menu.addAction(text, partial(self._drag_limit, gate, max(height, 0.0)))
                if thresholds[gate] != threshold.default:
                    reset_value = "off" if threshold.default == GATES[gate].off else kind.format(threshold.default)
                    reset = partial(self._session.controls.set_gate, gate, threshold.default)
                    menu.addAction(f"{threshold.label}: {reset_value}", reset)
        return menu


def _tool(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setObjectName("tab")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text())
    return button
