"""What the app can be told to do: one declaration each. Actions, menus, tooltips and the key sheet are made of them.

`keymap` says which keys a command has now.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command. `keys` are the portable key sequences that it has unless others were chosen; the first is shown.

    The group is its menu, and its part of the key sheet.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    help: str
    group: str
    icon: str = ""
    checkable: bool = False
    repeats: bool = False  # whether holding the key down repeats it
    starts_section: bool = False  # whether its menu has a line above it


_FILE, _EDIT, _VIEW, _PLAYER, _REVIEW, _HELP = "File", "Edit", "View", "Player", "Review", "Help"

COMMANDS: tuple[Command, ...] = (
    Command("open", "Open", ("Ctrl+O",), "Open videos", _FILE, "folder-open-outline"),
    Command("open_folder", "Open folder", ("Ctrl+Shift+O",), "Open all videos of a folder", _FILE, "folder-outline"),
    Command(
        "new_project",
        "New project",
        ("Ctrl+Shift+N",),
        "Begin an empty project",
        _FILE,
        starts_section=True,
    ),
    Command("open_project", "Open project", ("Ctrl+Alt+O",), "Open another project", _FILE),
    Command("open_export", "Open export folder", (), "Make a project of an export folder, with its decisions", _FILE),
    Command("save_project_as", "Save project as", ("Ctrl+Shift+S",), "Give the project a place of its own", _FILE),
    Command("next_video", "Next video", ("N",), "Go to the next video", _FILE, starts_section=True),
    Command("previous_video", "Previous video", ("P",), "Go to the previous video", _FILE),
    Command("analyse", "Analyse", ("Ctrl+R",), "Analyse this video", _FILE, "auto-fix", starts_section=True),
    Command(
        "pause_queue",
        "Pause the queue",
        ("Ctrl+Shift+P",),
        "Pause the analysis of the waiting videos",
        _FILE,
        checkable=True,
    ),
    Command("cancel", "Cancel", ("Ctrl+.",), "Cancel what runs", _FILE, "close"),
    Command(
        "export",
        "Export",
        ("Ctrl+E",),
        "Export the accepted windows as clips",
        _FILE,
        "export-variant",
        starts_section=True,
    ),
    Command("quit", "Quit", ("Ctrl+Q",), "Close the window", _FILE, starts_section=True),
    Command("undo", "Undo", ("Ctrl+Z",), "Undo", _EDIT, "undo", repeats=True),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo", _EDIT, "redo", repeats=True),
    Command("settings", "Settings", ("Ctrl+,",), "Change the settings", _EDIT, "cog-outline", starts_section=True),
    Command("box", "Face box", ("Ctrl+B",), "Show the face boxes", _VIEW, "vector-square", checkable=True),
    Command("mesh", "Face mesh", ("Ctrl+M",), "Show the points of the face mesh", _VIEW, "dots-grid", checkable=True),
    Command(
        "crop",
        "Crop preview",
        ("Ctrl+K",),
        "Show what a square face crop of the window would contain",
        _VIEW,
        "crop",
        checkable=True,
    ),
    Command(
        "regions",
        "Region names",
        ("Ctrl+G",),
        "Show how much each region of the face moves in the window",
        _VIEW,
        "emoticon-outline",
        checkable=True,
    ),
    Command("fit", "Fit the picture", ("Ctrl+0",), "Show all of the picture again", _VIEW, "fit-to-screen-outline"),
    Command(
        "time_format",
        "Time format",
        ("Ctrl+T",),
        "Tell the time in seconds, in frames or as timecode",
        _VIEW,
        "clock-outline",
    ),
    Command(
        "contact_sheet",
        "Contact sheet",
        ("C",),
        "Play many windows at once and judge them by digit or click",
        _VIEW,
        "view-grid-outline",
        checkable=True,
    ),
    Command("film_strip", "Film strip", ("V",), "List the windows as a film strip, or as a table", _VIEW),
    Command("filter", "Filter", ("Ctrl+F",), "Choose which windows are listed", _VIEW),
    Command("theme", "Light or dark", ("Ctrl+Shift+D",), "Change between light and dark", _VIEW, starts_section=True),
    Command("dismiss", "Hide messages", ("Esc",), "Hide the messages", _VIEW, starts_section=True),
    Command("play", "Play or pause", ("Space", "K"), "Play or pause", _PLAYER, "play"),
    Command(
        "loop",
        "Loop window",
        ("Return", "Ctrl+L"),
        "Loop the selected window",
        _PLAYER,
        "repeat",
        checkable=True,
    ),
    Command("slower", "Slower", ("J",), "Play slower", _PLAYER, starts_section=True),
    Command("faster", "Faster", ("L",), "Play faster", _PLAYER),
    Command(
        "back",
        "One frame back",
        ("Left",),
        "One frame back",
        _PLAYER,
        "step-backward",
        repeats=True,
        starts_section=True,
    ),
    Command("forward", "One frame on", ("Right",), "One frame on", _PLAYER, "step-forward", repeats=True),
    Command("back_10", "Ten frames back", ("Shift+Left",), "Ten frames back", _PLAYER, repeats=True),
    Command("forward_10", "Ten frames on", ("Shift+Right",), "Ten frames on", _PLAYER, repeats=True),
    Command("mute", "Mute", ("M",), "Mute or unmute", _PLAYER, "volume-high", checkable=True),
    Command("louder", "Louder", ("Ctrl+Up",), "Turn the volume up", _PLAYER, repeats=True),
    Command("quieter", "Quieter", ("Ctrl+Down",), "Turn the volume down", _PLAYER, repeats=True),
    Command("first", "First frame", ("Home",), "To the first frame", _PLAYER, "skip-previous"),
    Command("last", "Last frame", ("End",), "To the last frame", _PLAYER, "skip-next"),
    Command(
        "follow",
        "Follow the playhead",
        ("F",),
        "Let the curves go along with the playhead",
        _PLAYER,
        "arrow-collapse-right",
        checkable=True,
    ),
    Command("previous_window", "Previous window", ("Up",), "Select the window above", _REVIEW, repeats=True),
    Command("next_window", "Next window", ("Down",), "Select the window below", _REVIEW, repeats=True),
    Command(
        "accept",
        "Accept",
        ("A",),
        "Accept the window and go on",
        _REVIEW,
        "check-circle-outline",
        starts_section=True,
    ),
    Command("reject", "Reject", ("R",), "Reject the window and go on", _REVIEW, "close-circle-outline"),
    Command("undecide", "Undecide", ("U",), "Take the decision back", _REVIEW, "circle-outline"),
    Command(
        "trim_start", "Trim the start", ("[",), "Let the window start at the playhead", _REVIEW, starts_section=True
    ),
    Command("trim_end", "Trim the end", ("]",), "Let the window end at the playhead", _REVIEW),
    Command(
        "best_of_project",
        "Best of the project",
        ("Ctrl+Shift+B",),
        "Pick the best windows across all videos",
        _REVIEW,
    ),
    Command("new_window", "New window", ("B",), "Accept the window at the playhead", _REVIEW),
    Command("tag", "Tag", ("T",), "Put tags on the window", _REVIEW, "tag-outline", starts_section=True),
    Command("note", "Note", ("W",), "Write a note on the window", _REVIEW, "note-text-outline"),
    Command("subject", "Subject", ("S",), "Say who the face of the window is", _REVIEW, "account-outline"),
    Command(
        "reject_rest",
        "Reject the rest",
        ("X",),
        "Contact sheet: reject what is undecided on the page, and turn it",
        _REVIEW,
        starts_section=True,
    ),
    Command("next_page", "Next page", ("PgDown",), "Contact sheet: next page", _REVIEW),
    Command("previous_page", "Previous page", ("PgUp",), "Contact sheet: previous page", _REVIEW),
    Command(
        "token_source",
        "Switch tokens",
        ("E",),
        "Rank by the learned tokens, or by the blendshapes",
        _REVIEW,
        starts_section=True,
    ),
    Command("by_disagreement", "Sort by disagreement", ("D",), "List first what the two disagree about most", _REVIEW),
    Command("pause_tokens", "Pause learned tokens", (), "Pause the learned tokens, or go on", _REVIEW),
    Command("learned_tokens", "Learned tokens…", (), "Name a checkpoint, and how it is run", _REVIEW),
    Command("keys", "Keys", ("?", "F1"), "Show the keys", _HELP, "keyboard-outline"),
)


@dataclass(frozen=True)
class Gesture:
    """Keys and clicks that belong to one view and are no commands; the key sheet shows them all the same."""

    keys: str
    help: str
    group: str


GESTURES: tuple[Gesture, ...] = (
    Gesture("Arrows, Enter", "Contact sheet: mark a window, loop it in the player", _REVIEW),
    Gesture("1 … 9, 0 or click", "Contact sheet: accept; with Shift or the right button reject", _REVIEW),
)
