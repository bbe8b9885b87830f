"""The list of the videos in the project, with their state and context menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSettings,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QActionGroup, QColor, QFontMetrics, QKeySequence, QPainter, QPainterPath, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QWidget,
)

from clipgen_gui.commands.keymap import keymap, with_key
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, icon, palette, px, ui_font
from clipgen_gui.projects.scout import FileCheck, VideoScout
from clipgen_gui.projects.video_model import ENTRY_ROLE, FILTERS, ORDERS, VideosModel, state_text
from clipgen_gui.support.formatting import counted, length
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import Card, chip, named

_AnyIndex = QModelIndex | QPersistentModelIndex
_ROW_HEIGHT = 44
_PICTURE = QSize(60, 34)
_ORDER_KEY = "videos/order"
_FILTER_FROM = 4  # videos; fewer need no filter
_ICONS = {
    VideoState.WAITING: ("circle-outline", "faint"),
    VideoState.ANALYSING: ("progress-clock", "accent"),
    VideoState.DONE: ("check-circle", "accepted"),
    VideoState.STOPPED: ("pause-circle-outline", "muted"),
    VideoState.FAILED: ("alert-circle-outline", "warning"),
    VideoState.MISSING: ("help-circle-outline", "warning"),
}


class VideosList(Card):
    """A click shows a video; a right-click opens the context menu."""

    analyse_requested = Signal(list)  # entries to analyse next
    locate_requested = Signal(object)  # entry with a missing file
    show_folder_requested = Signal(object)  # entry
    pause_requested = Signal(bool)

    def __init__(self, session: Session, scout: VideoScout, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("Videos", parent, foldable=True)
        self._session, self._scout, self._settings = session, scout, settings
        self._paused = False
        self.model = VideosModel(session)
        if (order := settings.value(_ORDER_KEY)) in ORDERS:
            self.model.sort_by(order)
        self._make_header()
        self._make_filter()
        self._make_view()
        scout.checked.connect(self._file_checked)
        self.model.modelReset.connect(self._show)
        session.videos_changed.connect(self._show)
        session.video_changed.connect(lambda _: self._show_pause())
        session.current_changed.connect(self._show_current)
        self.folded_changed.connect(self._show)
        self._show()

    def _make_header(self) -> None:
        self.count = chip()
        self.header.addWidget(self.count)
        self.pause_button = QToolButton()
        self.pause_button.setObjectName("tab")
        self.pause_button.clicked.connect(lambda: self.pause_requested.emit(not self._paused))
        self.order_button = QToolButton()
        self.order_button.setObjectName("tab")
        self.order_button.setIcon(icon("sort", "muted"))
        named(self.order_button, "Sort order", "Sort the videos")
        self.order_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu, group = QMenu(self.order_button), QActionGroup(self.order_button)
        for name, order in ORDERS.items():
            action = menu.addAction(order.label)
            action.setCheckable(True)
            action.setChecked(name == self.model.sorted_by)
            action.setData(name)
            group.addAction(action)
        group.triggered.connect(lambda action: self._sort(action.data()))
        self.order_button.setMenu(menu)
        for button in (self.pause_button, self.order_button):
            self.header.addWidget(button)

    def _sort(self, order: str) -> None:
        self.model.sort_by(order)
        self._settings.setValue(_ORDER_KEY, order)

    def _make_filter(self) -> None:
        self.words = QLineEdit()
        self.words.setPlaceholderText("Filter by name or folder")
        self.words.setClearButtonEnabled(True)
        named(self.words, "Filter videos by name or folder")
        for button in self.words.findChildren(QToolButton):
            named(button, "Clear the filter")
        self.states = QComboBox()
        for name, (label, _) in FILTERS.items():
            self.states.addItem(label, name)
        self.states.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self.states, "Filter videos by state")
        self.filter_row = QWidget()
        layout = QHBoxLayout(self.filter_row)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setSpacing(6)
        layout.addWidget(self.words, 3)
        layout.addWidget(self.states, 2)
        self.body.addWidget(self.filter_row)
        self.words.textChanged.connect(self._filter)
        self.states.currentIndexChanged.connect(self._filter)

    def _make_view(self) -> None:
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_VideoDelegate(self._scout, self.view))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        follow(
            self.view,
            keymap.changed,
            lambda: named(
                self.view,
                "Open videos",
                f"{with_key('Next video', 'next_video')} · {with_key('Previous video', 'previous_video')}",
            ),
        )
        self.view.viewport().setToolTip("")
        follow_theme(self, self._size_rows)
        self.body.addWidget(self.view)
        self.view.clicked.connect(self._clicked)
        self.view.customContextMenuRequested.connect(self._show_menu)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.view)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(lambda: self._session.remove(self.chosen))

    def _size_rows(self) -> None:
        self.view.setMinimumHeight(px(round(2.6 * _ROW_HEIGHT)))
        self.view.doItemsLayout()

    @property
    def chosen(self) -> list[VideoEntry]:
        """The selected videos, in list order."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self.model.entries[row] for row in rows]

    def step(self, step: int) -> None:
        """Show the next (1) or previous (-1) listed video."""
        row = self.model.row_of(self._session.current)
        if row is None:
            row = -1 if step > 0 else len(self.model.entries)
        if 0 <= row + step < len(self.model.entries):
            self._session.set_current(self.model.entries[row + step])

    def set_paused(self, on: bool) -> None:
        """Show whether the queue is paused."""
        self._paused = on
        self._show_pause()

    def menu_for(self, entries: Sequence[VideoEntry]) -> QMenu:
        """The context menu for these videos."""
        menu = QMenu(self)
        states = {entry.state for entry in entries}
        fresh = states <= {VideoState.WAITING, VideoState.ANALYSING}
        again = "Retry" if states <= {VideoState.FAILED} else "Analyse next" if fresh else "Analyse again"
        failed = [entry for entry in self._session.videos if entry.state is VideoState.FAILED]
        queue: list[tuple[str, Callable[[], object], bool]] = [
            (again, lambda: self.analyse_requested.emit(list(entries)), VideoState.MISSING not in states),
            (f"Retry all {len(failed)} failed", lambda: self.analyse_requested.emit(failed), len(failed) > 1),
            ("Move to front of queue", lambda: self._session.move(entries, 0), self.model.sorted_by == "queue"),
            ("Resume queue" if self._paused else "Pause queue", self.pause_button.click, True),
        ]
        one = entries[0]
        files: list[tuple[str, Callable[[], object], bool]] = [
            ("Locate…", lambda: self.locate_requested.emit(one), states == {VideoState.MISSING} and len(entries) == 1),
            ("Show in folder", lambda: self.show_folder_requested.emit(one), len(entries) == 1),
            ("Remove from project", lambda: self._session.remove(entries), True),
        ]
        for part in (queue, files):
            for label, do, possible in part:
                if possible:
                    menu.addAction(label, do)
            menu.addSeparator()
        return menu

    def _show_menu(self, at: QPoint) -> None:
        entries = self.chosen
        if entries:
            self.menu_for(entries).exec(self.view.viewport().mapToGlobal(at))

    def _clicked(self, index: QModelIndex) -> None:
        if len(self.view.selectionModel().selectedIndexes()) == 1:
            self._session.set_current(index.data(ENTRY_ROLE))

    def _filter(self) -> None:
        self.model.filter_by(self.states.currentData(), self.words.text())

    def _file_checked(self, check: FileCheck) -> None:
        if check.picture is not None:
            self.view.viewport().update()

    def _show(self) -> None:
        count, shown = len(self._session.videos), len(self.model.entries)
        self.count.setText(f"{shown} of {count}" if self.model.filtered else str(count))
        self.count.setVisible(count > 1 or self.folded)
        self.count.setToolTip(f"{counted(shown, 'video')} listed")
        self.filter_row.setVisible(count >= _FILTER_FROM or self.model.filtered)
        self.order_button.setVisible(count > 1 and not self.folded)
        self._show_pause()
        self._show_current()

    def _show_pause(self) -> None:
        states = [entry.state for entry in self._session.videos]
        busy = VideoState.WAITING in states or VideoState.ANALYSING in states
        self.pause_button.setVisible(len(states) > 1 and (busy or self._paused))
        self.pause_button.setIcon(icon("play" if self._paused else "pause", "muted"))
        what = "Resume the analysis queue" if self._paused else "Pause the analysis queue"
        named(self.pause_button, what)

    def _show_current(self) -> None:
        row = self.model.row_of(self._session.current)
        selection = self.view.selectionModel()
        if row is None:
            selection.clear()
        elif self.view.currentIndex().row() != row or not selection.isRowSelected(row, QModelIndex()):
            index = self.model.index(row)
            selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.view.scrollTo(index)


class _VideoDelegate(QStyledItemDelegate):
    """Paints thumbnail, name, length and state."""

    def __init__(self, scout: VideoScout, parent: QWidget) -> None:
        super().__init__(parent)
        self._scout = scout

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        return QSize(100, px(_ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        entry: VideoEntry = index.data(ENTRY_ROLE)
        colors, rect = palette(), option.rect
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            path = QPainterPath()
            path.addRoundedRect(rect.adjusted(0, 1, 0, -1), 4, 4)
            painter.fillPath(path, QColor(colors.selection if selected else colors.hover))
        self._paint_picture(painter, entry, rect)
        left = rect.x() + px(_PICTURE.width()) + px(14)
        mark = QRect(0, 0, px(16), px(16))
        mark.moveCenter(QPoint(rect.right() - px(15), rect.center().y()))
        icon(*_icon_of(entry)).paint(painter, mark)
        lines = QRect(left, rect.y() + px(4), mark.left() - px(8) - left, (rect.height() - px(8)) // 2)
        font, small = ui_font(13), ui_font(12)
        painter.setFont(small)
        painter.setPen(QColor(colors.muted))
        long = length(entry.duration_s) if entry.duration_s is not None else ""
        painter.drawText(lines, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, long)
        name = lines.adjusted(0, 0, -QFontMetrics(small).horizontalAdvance(long) - px(8), 0)
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        elided = QFontMetrics(font).elidedText(entry.path.name, Qt.TextElideMode.ElideMiddle, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, elided)
        below = lines.translated(0, lines.height())
        bad = entry.state in (VideoState.FAILED, VideoState.MISSING)
        painter.setFont(small)
        painter.setPen(QColor(colors.warning if bad else colors.muted))
        text = QFontMetrics(small).elidedText(state_text(entry), Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, text)
        if entry.state is VideoState.ANALYSING:
            bar = QRect(left, rect.bottom() - px(4), mark.left() - px(8) - left, 2)
            painter.fillRect(bar, QColor(colors.border))
            bar.setWidth(round(bar.width() * entry.progress))
            painter.fillRect(bar, QColor(colors.accent))
        painter.restore()

    def _paint_picture(self, painter: QPainter, entry: VideoEntry, rect: QRect) -> None:
        area = QRect(rect.x() + px(6), 0, px(_PICTURE.width()), px(_PICTURE.height()))
        area.moveTop(rect.center().y() - area.height() // 2)
        painter.fillRect(area, QColor(palette().stage))
        picture = None if entry.state is VideoState.MISSING else self._scout.picture(entry.path, entry.fingerprint)
        if picture is not None:
            size = picture.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(QPoint(0, 0), size)
            target.moveCenter(area.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(target, picture)


def _icon_of(entry: VideoEntry) -> tuple[str, str]:
    """Icon and color of the state; a check mark only if nothing is left to decide."""
    tally = entry.tally
    if entry.state is VideoState.DONE and tally is not None and not tally.windows:
        return _ICONS[VideoState.FAILED]
    if entry.state is VideoState.DONE and tally is not None and tally.undecided:
        return ("circle-half-full", "accent") if tally.accepted or tally.rejected else ("circle-outline", "accent")
    return _ICONS[entry.state]
