"""What each command does: the window's parts behind the names in `commands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clipgen_engine.types import Decision
from clipgen_gui.analysis.token_job import TokenState

if TYPE_CHECKING:
    from clipgen_gui.main_window.window import MainWindow


def command_handlers(window: MainWindow) -> dict[str, Callable[[], object]]:
    """Calls by the name of the command. Views that are not made yet are looked up when the command comes."""
    session, playback = window.session, window.playback
    return {
        "open": window.project_flow.choose_files,
        "open_folder": window.project_flow.choose_folder,
        "new_project": window.project_flow.new_project,
        "open_project": window.project_flow.choose_project,
        "open_export": window.project_flow.choose_export,
        "save_project_as": window.project_flow.save_as,
        "pause_queue": lambda: window.queue.set_paused(not window.queue.paused),
        "next_video": lambda: window.videos.step(1),
        "previous_video": lambda: window.videos.step(-1),
        "analyse": window.analyse,
        "cancel": window.cancel,
        "export": window.export_flow.ask,
        "play": playback.toggle,
        "slower": lambda: playback.step_speed(-1),
        "faster": lambda: playback.step_speed(1),
        "back": lambda: window._step(-1),
        "forward": lambda: window._step(1),
        "back_10": lambda: window._step(-10),
        "forward_10": lambda: window._step(10),
        "first": lambda: window._go_to(0),
        "last": lambda: window._go_to(1 << 60),
        "loop": window._loop_triggered,
        "previous_window": lambda: session.step_selection(-1),
        "next_window": lambda: session.step_selection(1),
        "accept": lambda: session.decide(Decision.ACCEPTED),
        "reject": lambda: session.decide(Decision.REJECTED),
        "undecide": lambda: session.decide(Decision.UNDECIDED),
        "trim_start": lambda: session.trim("start"),
        "trim_end": lambda: session.trim("end"),
        "new_window": session.accept_here,
        "best_of_project": window.best.open_and_rank,
        "tag": lambda: window.details.ask_tag(),
        "note": lambda: window.details.ask_note(),
        "subject": lambda: window.details.ask_subject(),
        "quit": window.close,
        "undo": session.undo_stack.undo,
        "redo": session.undo_stack.redo,
        "dismiss": window._dismiss,
        "keys": window._show_keys,
        "film_strip": lambda: window.table.show_strip(not window.table.shows_strip),
        "filter": lambda: window.table.filter.showMenu(),
        "settings": window.show_settings,
        "theme": window._switch_theme,
        "contact_sheet": window._toggle_sheet,
        "next_page": lambda: window.sheet.turn(1),
        "previous_page": lambda: window.sheet.turn(-1),
        "reject_rest": lambda: window.sheet.reject_rest(),
        "token_source": lambda: window.token_flow.switch(),
        "by_disagreement": lambda: session.sort_by_disagreement(not session.by_disagreement),
        "pause_tokens": lambda: window.tokens.pause(window.tokens.state is not TokenState.PAUSED),
        "learned_tokens": lambda: window.show_settings("tokens"),
    }
