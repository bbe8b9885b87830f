"""The curves over time with the ranked windows, the cuts and the playhead."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QGraphicsItem, QLabel, QVBoxLayout, QWidget

from clipgen_engine.gates import GATES
from clipgen_engine.ranking import COMBINED, effective_thresholds
from clipgen_engine.score_terms import TERMS
from clipgen_gui.cards import Card, named, score_label, term_color
from clipgen_gui.plot_items import TOP, CurvesItem, Line, Span, SpansItem
from clipgen_gui.session import Session
from clipgen_gui.theme import follow_theme, palette, px, ui_font
from clipgen_gui.timecode import axis_label
from clipgen_gui.video_entry import VideoEntry

_SPELLED_OUT = 2  # terms in the legend; more have their short names


class _TimeAxis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [axis_label(value, spacing) for value in values]


class _Plot(pg.PlotWidget):  # type: ignore[misc]
    """Left button seeks and scrubs, or drags a limit; wheel zooms the time, middle button pans, double click shows
    everything."""

    pressed_at = Signal(float, bool)  # seconds, with Shift
    scrubbed_to = Signal(float)
    limit_held = Signal(bool)
    limit_dragged = Signal(str, float)  # gate, threshold

    _REACH = 5  # px from a limit at which the mouse takes it

    def __init__(self) -> None:
        super().__init__(axisItems={"bottom": _TimeAxis("bottom")})
        self.setMenuEnabled(False)
        self.hideButtons()
        self.view = self.getPlotItem().getViewBox()
        self.limits: dict[str, pg.InfiniteLine] = {}  # by gate
        self._dragged = ""
        self.view.setMouseEnabled(x=True, y=False)
        self.view.setDefaultPadding(0)
        self.setYRange(0, TOP, padding=0)
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setTicks([[(0.5, "0.5"), (1.0, "1")]])
        for axis in (left, bottom):
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        follow_theme(self, self._dress)

    def _dress(self) -> None:
        self.setBackground(QColor(palette().card))
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setWidth(px(34))
        for axis in (left, bottom):
            axis.setPen(pg.mkPen(palette().border))
            axis.setTextPen(pg.mkPen(palette().muted))
            axis.setStyle(tickFont=ui_font(12), tickLength=0)

    def set_limits(self, limits: dict[str, tuple[float, str]]) -> None:
        """Show a line for each gate on a score: threshold and colour."""
        for gate in [gate for gate in self.limits if gate not in limits]:
            self.removeItem(self.limits.pop(gate))
        for gate, (threshold, tint) in limits.items():
            if gate not in self.limits:
                self.limits[gate] = pg.InfiniteLine(angle=0, movable=False)
                self.limits[gate].setZValue(2)
                self.addItem(self.limits[gate], ignoreBounds=True)
            self.limits[gate].setPen(pg.mkPen(tint, width=1, style=Qt.PenStyle.DotLine))
            self.limits[gate].setPos(threshold)

    def place_of(self, seconds: float, score: float) -> QPoint:
        """Where this point of the plot is in the widget."""
        return QPoint(self.mapFromScene(self.view.mapViewToScene(QPointF(seconds, score))))

    def _value(self, position: QPoint) -> QPointF:
        return QPointF(self.view.mapSceneToView(self.mapToScene(position)))

    def _limit_at(self, position: QPoint) -> str:
        """The gate whose line is under the mouse."""
        away = {gate: abs(self.place_of(0, line.value()).y() - position.y()) for gate, line in self.limits.items()}
        nearest = min(away, key=lambda gate: away[gate], default="")
        return nearest if nearest and away[nearest] <= self._REACH else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        place = event.position().toPoint()
        self._dragged = self._limit_at(place)
        if self._dragged:
            self.limit_held.emit(True)
        else:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.pressed_at.emit(float(self._value(place).x()), shift)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if not event.buttons() & Qt.MouseButton.LeftButton:
            self.setCursor(Qt.CursorShape.SizeVerCursor if self._limit_at(place) else Qt.CursorShape.ArrowCursor)
            super().mouseMoveEvent(event)
            return
        if self._dragged:
            self.limit_dragged.emit(self._dragged, round(min(max(self._value(place).y(), 0.0), 1.0), 2))
        else:
            self.scrubbed_to.emit(float(self._value(place).x()))
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            super().mouseReleaseEvent(event)
        elif self._dragged:
            self._dragged = ""
            self.limit_held.emit(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            (first, last) = self.view.state["limits"]["xLimits"]
            self.view.setXRange(first, last, padding=0)


class ScorePlot(Card):
    """Reads the current video's ranking; a click seeks, and selects the window under it or asks about the place."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Scores", parent)
        self._session = session
        self._entry: VideoEntry | None = None
        self._end_s = 0.0
        self._asking = False  # the mouse asks about places, from one that is in no window
        self._drawn: tuple[object, tuple[str, ...]] = None, ()  # what the curves of the terms were made from
        self._legend = {
            name: (score_label(one.label, name), score_label(one.short_label, name)) for name, one in TERMS.items()
        }
        for labels in self._legend.values():
            for label in labels:
                self.header.addWidget(label)
        self.header.addWidget(score_label("Combined", COMBINED))
        self.plot = _Plot()
        named(
            self.plot,
            "Scores over time",
            "Click a window to select it, or another place to see why no window is there (Shift + click: any place)."
            " Wheel to zoom, double click to see it all.",
        )
        self.plot.setMinimumHeight(130)
        self.body.addWidget(self.plot)
        self.terms, self.combined, self.spans = CurvesItem(), CurvesItem(), SpansItem()
        self.playhead = pg.InfiniteLine(angle=90, movable=False, pen=pg.mkPen(palette().text, width=1))
        for depth, item in enumerate((self.spans, self.terms, self.combined, self.playhead)):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self._hint = QLabel(self.plot)
        self._hint.setObjectName("muted")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self.plot)
        layout.addWidget(self._hint, 0, Qt.AlignmentFlag.AlignCenter)
        self.plot.pressed_at.connect(self._press)
        self.plot.scrubbed_to.connect(self._scrub)
        self.plot.limit_held.connect(session.hold)
        self.plot.limit_dragged.connect(session.set_gate)
        session.current_changed.connect(self._show_video)
        session.analysis_changed.connect(self._show_cuts)
        session.ranking_changed.connect(self._show_ranking)
        session.selection_changed.connect(self._show_spans)
        session.position_changed.connect(self._move_playhead)
        follow_theme(self, self._dress)
        self._show_video()

    def _dress(self) -> None:
        self.playhead.setPen(pg.mkPen(palette().text, width=1))
        self._show_limits()

    def set_hint(self, text: str) -> None:
        """A sentence in the middle of the plot; empty for none."""
        self._hint.setText(text)
        self._hint.setVisible(bool(text))

    # Session to picture

    def _show_video(self) -> None:
        entry = self._session.current
        info = entry.info if entry else None
        end_s = max(info.duration_s, 1e-3) if info else 1.0
        if entry is not self._entry or end_s != self._end_s:
            self._entry, self._end_s = entry, end_s
            for item in (self.spans, self.terms, self.combined):
                item.set_end(end_s)
            self.plot.view.setLimits(xMin=0, xMax=end_s, minXRange=min(end_s, 0.2), yMin=0, yMax=TOP)
            self.plot.view.setXRange(0, end_s, padding=0)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setStyle(showValues=info is not None)
        self.playhead.setVisible(info is not None)
        self._move_playhead(entry.position if entry else 0)
        self._show_cuts()
        self._show_ranking()

    def _show_cuts(self) -> None:
        entry = self._session.current
        if entry is None or entry.analysis is None or entry.info is None:
            self.spans.set_cuts(())
            return
        self.spans.set_cuts([float(entry.info.times_s[start]) for start, _ in entry.analysis.shots if start > 0])

    def _show_ranking(self) -> None:
        self._show_spans()
        entry = self._session.current
        scores = entry.ranking.scores if entry is not None and entry.ranking is not None else None
        names = self._session.shown_terms
        if scores is None or (scores, names) != self._drawn:  # most changes of a weight change the combined score only
            self._drawn = scores, names
            few = len(names) <= _SPELLED_OUT
            for name, labels in self._legend.items():
                for label, wanted in zip(labels, (few, not few), strict=True):
                    label.setVisible(wanted and name in names)
            self.terms.set_lines([line for name in names for line in self._lines(entry, name, 1.0)])
        self.combined.set_lines(self._lines(entry, COMBINED, 2.0))
        self._show_limits()

    def _show_limits(self) -> None:
        thresholds = effective_thresholds(self._session.settings)
        self.plot.set_limits(
            {
                gate: (thresholds[gate], term_color(name))
                for name in TERMS
                for gate in (f"min_{name}", f"max_{name}")
                if thresholds[gate] != GATES[gate].off
            }
        )

    def _lines(self, entry: VideoEntry | None, name: str, width: float) -> list[Line]:
        lines: list[Line] = []
        if entry is not None and entry.info is not None and entry.analysis is not None:
            for track in entry.analysis.tracks:
                curve = entry.curve(name, track.track_id)
                if curve is not None and len(curve[0]):
                    frames, values = curve
                    lines.append(Line(entry.info.times_s[frames], values.astype(np.float64), name, width))
        return lines

    def _show_spans(self) -> None:
        entry = self._session.current
        if entry is None or entry.info is None:
            self.spans.set_spans(())
            self.spans.set_candidate(None)
            return
        times, end_s = entry.info.times_s, entry.info.duration_s
        if entry.candidate is None:
            self.spans.set_candidate(None)
        else:
            first, stop = max(0, entry.candidate[0]), entry.candidate[1]
            self.spans.set_candidate((float(times[first]), float(times[stop]) if stop < len(times) else end_s))
        self.spans.set_spans(
            [
                Span(
                    float(times[row.sequence.start_frame]),
                    float(times[row.sequence.stop_frame]) if row.sequence.stop_frame < len(times) else end_s,
                    row.number,
                    row.decision,
                    row.key == entry.selected,
                )
                for row in entry.rows
            ]
        )

    def _move_playhead(self, frame: int) -> None:
        entry = self._session.current
        if entry is not None and entry.info is not None:
            self.playhead.setPos(float(entry.info.times_s[frame]))

    # Mouse to session

    def _frame_at(self, seconds: float) -> int:
        entry = self._session.current
        if entry is None or entry.info is None:
            return 0
        return max(0, int(np.searchsorted(entry.info.times_s, seconds, side="right")) - 1)

    def _press(self, seconds: float, shift: bool) -> None:
        entry = self._session.current
        if entry is None:
            return
        frame = self._frame_at(seconds)
        row = next((row for row in entry.rows if row.overlaps(frame, frame + 1)), None)
        self._asking = (row is None or shift) and entry.ranking is not None
        if self._asking:
            self._session.ask_about(frame)
        elif row is not None:
            self._session.select(row.key, seek=False)
        self._session.seek(frame)

    def _scrub(self, seconds: float) -> None:
        frame = self._frame_at(seconds)
        if self._asking:
            self._session.ask_about(frame)
        self._session.seek(frame)
