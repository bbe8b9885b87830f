"""Declarations of all commands. Actions, menus, tooltips and the shortcuts overlay are built from them.

`keymap` holds the current key bindings.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command. `keys` are the default portable key sequences; the first is the one shown.

    `group` is its menu and its section of the shortcuts overlay.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    help: str
    group: str
    icon: str = ""
    checkable: bool = False
    repeats: bool = False  # auto-repeat while the key is held
    starts_section: bool = False  # preceded by a separator in the menu


_FILE, _EDIT, _VIEW, _PLAYER, _REVIEW, _HELP = "File", "Edit", "View", "Player", "Review", "Help"

COMMANDS: tuple[Command, ...] = (
    Command("open", "Open", ("Ctrl+O",), "Open videos", _FILE, "folder-open-outline"),
    Command("open_folder", "Open folder", ("Ctrl+Shift+O",), "Open all videos in a folder", _FILE, "folder-outline"),
    Command(
        "new_project",
        "New project",
        ("Ctrl+Shift+N",),
        "Create an empty project",
        _FILE,
        starts_section=True,
    ),
    Command("open_project", "Open project", ("Ctrl+Alt+O",), "Open another project", _FILE),
    Command("open_export", "Open export folder", (), "Create a project from an export folder", _FILE),
    Command("save_project_as", "Save project as", ("Ctrl+Shift+S",), "Save the project to a new file", _FILE),
    Command("next_video", "Next video", ("N",), "Go to the next video", _FILE, starts_section=True),
    Command("previous_video", "Previous video", ("P",), "Go to the previous video", _FILE),
    Command("analyse", "Analyse", ("Ctrl+R",), "Analyse this video", _FILE, "auto-fix", starts_section=True),
    Command(
        "pause_queue",
        "Pause queue",
        ("Ctrl+Shift+P",),
        "Pause the analysis queue",
        _FILE,
        checkable=True,
    ),
    Command("cancel", "Cancel", ("Ctrl+.",), "Cancel the running export or analysis", _FILE, "close"),
    Command(
        "export",
        "Export",
        ("Ctrl+E",),
        "Export accepted windows as clips",
        _FILE,
        "export-variant",
        starts_section=True,
    ),
    Command("quit", "Quit", ("Ctrl+Q",), "Quit clipgen", _FILE, starts_section=True),
    Command("undo", "Undo", ("Ctrl+Z",), "Undo", _EDIT, "undo", repeats=True),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo", _EDIT, "redo", repeats=True),
    Command("settings", "Settings", ("Ctrl+,",), "Open the settings", _EDIT, "cog-outline", starts_section=True),
    Command("box", "Face box", ("Ctrl+B",), "Show the face boxes", _VIEW, "vector-square", checkable=True),
    Command("mesh", "Face mesh", ("Ctrl+M",), "Show the face mesh", _VIEW, "dots-grid", checkable=True),
    Command(
        "crop",
        "Crop preview",
        ("Ctrl+K",),
        "Preview the square face crop of the window",
        _VIEW,
        "crop",
        checkable=True,
    ),
    Command(
        "regions",
        "Face regions",
        ("Ctrl+G",),
        "Show how much each face region moves in the window",
        _VIEW,
        "emoticon-outline",
        checkable=True,
    ),
    Command("fit", "Zoom to fit", ("Ctrl+0",), "Show the whole frame", _VIEW, "fit-to-screen-outline"),
    Command(
        "time_format",
        "Time format",
        ("Ctrl+T",),
        "Show time in seconds, frames or timecode",
        _VIEW,
        "clock-outline",
    ),
    Command(
        "contact_sheet",
        "Contact sheet",
        ("C",),
        "Review many windows at once with digits or clicks",
        _VIEW,
        "view-grid-outline",
        checkable=True,
    ),
    Command(
        "dashboard",
        "Dashboard",
        ("Ctrl+D",),
        "Show how far the project is, and its goals",
        _VIEW,
        "chart-box-outline",
        checkable=True,
    ),
    Command(
        "sheet_window",
        "Contact sheet in its own window",
        ("Shift+C",),
        "Show the contact sheet in a window of its own",
        _VIEW,
        "open-in-new",
        checkable=True,
    ),
    Command("film_strip", "Film strip", ("V",), "Switch between film strip and table", _VIEW),
    Command("filter", "Filter", ("Ctrl+F",), "Filter the listed windows", _VIEW),
    Command(
        "layout_review",
        "Layout: review",
        ("Ctrl+1",),
        "Give the list of windows all the height",
        _VIEW,
        checkable=True,
        starts_section=True,
    ),
    Command("layout_tune", "Layout: tune", ("Ctrl+2",), "Show videos, ranking and windows", _VIEW, checkable=True),
    Command("layout_manage", "Layout: manage", ("Ctrl+3",), "Give the list of videos room", _VIEW, checkable=True),
    Command("reset_layout", "Reset layout", (), "Arrange this layout as it was at first", _VIEW),
    Command(
        "stack_similar",
        "Stack similar windows",
        (),
        "Whole project: list windows that look and move alike as one",
        _VIEW,
        checkable=True,
    ),
    Command(
        "theme", "Switch theme", ("Ctrl+Shift+D",), "Switch between light and dark theme", _VIEW, starts_section=True
    ),
    Command("dismiss", "Dismiss messages", ("Esc",), "Dismiss all messages", _VIEW, starts_section=True),
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
    Command("forward", "One frame forward", ("Right",), "One frame forward", _PLAYER, "step-forward", repeats=True),
    Command("back_10", "Ten frames back", ("Shift+Left",), "Ten frames back", _PLAYER, repeats=True),
    Command("forward_10", "Ten frames forward", ("Shift+Right",), "Ten frames forward", _PLAYER, repeats=True),
    Command("mute", "Mute", ("M",), "Mute or unmute", _PLAYER, "volume-high", checkable=True),
    Command("louder", "Volume up", ("Ctrl+Up",), "Turn the volume up", _PLAYER, repeats=True),
    Command("quieter", "Volume down", ("Ctrl+Down",), "Turn the volume down", _PLAYER, repeats=True),
    Command("first", "First frame", ("Home",), "Go to the first frame", _PLAYER, "skip-previous"),
    Command("last", "Last frame", ("End",), "Go to the last frame", _PLAYER, "skip-next"),
    Command(
        "follow",
        "Follow playhead",
        ("F",),
        "Scroll the curves with the playhead",
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
        "Accept the window and select the next",
        _REVIEW,
        "check-circle-outline",
        starts_section=True,
    ),
    Command("reject", "Reject", ("R",), "Reject the window and select the next", _REVIEW, "close-circle-outline"),
    Command("undecide", "Undecide", ("U",), "Clear the decision", _REVIEW, "circle-outline"),
    Command(
        "accept_stack",
        "Accept of the stack",
        ("Shift+A",),
        "Accept the window and reject the others of its stack as duplicates",
        _REVIEW,
    ),
    Command("reject_stack", "Reject the stack", ("Shift+R",), "Reject all windows of the stack", _REVIEW),
    Command(
        "open_stack", "Open or close the stack", (".",), "List the windows of the stack, or only its best", _REVIEW
    ),
    Command("trim_start", "Trim start", ("[",), "Start the window at the playhead", _REVIEW, starts_section=True),
    Command("trim_end", "Trim end", ("]",), "End the window at the playhead", _REVIEW),
    Command("scope", "Whole project", ("G",), "Switch between the windows of this video and of all videos", _REVIEW),
    Command("new_window", "New window", ("B",), "Accept the window at the playhead", _REVIEW),
    Command("tag", "Tag", ("T",), "Tag the window", _REVIEW, "tag-outline", starts_section=True),
    Command("note", "Note", ("W",), "Add a note to the window", _REVIEW, "note-text-outline"),
    Command("subject", "Subject", ("S",), "Name the subject of the window", _REVIEW, "account-outline"),
    Command(
        "accept_rest",
        "Accept the rest",
        ("Shift+X",),
        "Contact sheet: accept all undecided windows and turn the page",
        _REVIEW,
        starts_section=True,
    ),
    Command(
        "reject_rest",
        "Reject the rest",
        ("X",),
        "Contact sheet: reject all undecided windows and turn the page",
        _REVIEW,
    ),
    Command("next_page", "Next page", ("PgDown",), "Contact sheet: next page", _REVIEW),
    Command("previous_page", "Previous page", ("PgUp",), "Contact sheet: previous page", _REVIEW),
    Command(
        "token_source",
        "Switch tokens",
        ("E",),
        "Switch between learned tokens and blendshapes",
        _REVIEW,
        starts_section=True,
    ),
    Command(
        "by_disagreement", "Sort by disagreement", ("D",), "Sort by disagreement between both kinds of tokens", _REVIEW
    ),
    Command("pause_tokens", "Pause learned tokens", (), "Pause or resume computing learned tokens", _REVIEW),
    Command("learned_tokens", "Learned tokens…", (), "Choose a checkpoint and how to run it", _REVIEW),
    Command("keys", "Shortcuts", ("?", "F1"), "Show the keyboard shortcuts", _HELP, "keyboard-outline"),
)


@dataclass(frozen=True)
class Gesture:
    """Keys and clicks that only one view handles. They are no commands, but the shortcuts overlay lists them."""

    keys: str
    help: str
    group: str


GESTURES: tuple[Gesture, ...] = (
    Gesture("Arrows, Enter", "Dashboard: go from bar to bar, list its windows", _VIEW),
    Gesture("Arrows, Enter", "Contact sheet: mark a window, loop it in the player", _REVIEW),
    Gesture("1 … 9, 0 after R", "Say why the window was rejected; with Alt on the contact sheet", _REVIEW),
    Gesture("1 … 9, 0 or click", "Contact sheet: accept; reject with Shift or right-click", _REVIEW),
    Gesture("Drag", "Contact sheet: accept all windows passed; with the right button, reject them", _REVIEW),
)
