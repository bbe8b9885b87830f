"""What the app can be told to do: one declaration each, from which actions, tooltips and the key sheet are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command. `keys` are portable key sequences; the first is the one that is shown."""

    name: str
    text: str
    keys: tuple[str, ...]
    help: str
    group: str
    icon: str = ""
    checkable: bool = False
    repeats: bool = False  # whether holding the key down repeats it

    @property
    def tooltip(self) -> str:
        return f"{self.help} ({shown_key(self.keys[0])})" if self.keys else self.help


def shown_key(keys: str) -> str:
    """A key sequence as a person reads it."""
    names = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓", "Return": "Enter"}
    if keys == "?":
        return keys
    return " + ".join(names.get(part, part) for part in keys.split("+"))


_FILES, _PLAYER, _REVIEW, _EDIT = "Files", "Player", "Review", "Edit"

COMMANDS: tuple[Command, ...] = (
    Command("open", "Open", ("Ctrl+O",), "Open videos", _FILES, "folder-open-outline"),
    Command("open_folder", "Open folder", ("Ctrl+Shift+O",), "Open all videos of a folder", _FILES, "folder-outline"),
    Command("next_video", "Next video", ("N",), "Go to the next video", _FILES),
    Command("previous_video", "Previous video", ("P",), "Go to the previous video", _FILES),
    Command("analyse", "Analyse", ("Ctrl+R",), "Analyse this video", _FILES, "auto-fix"),
    Command("cancel", "Cancel", ("Ctrl+.",), "Cancel what runs", _FILES, "close"),
    Command("export", "Export", ("Ctrl+E",), "Export the accepted windows as clips", _FILES, "export-variant"),
    Command("play", "Play or pause", ("Space", "K"), "Play or pause", _PLAYER, "play"),
    Command("slower", "Slower", ("J",), "Play slower", _PLAYER),
    Command("faster", "Faster", ("L",), "Play faster", _PLAYER),
    Command("back", "One frame back", ("Left",), "One frame back", _PLAYER, "step-backward", repeats=True),
    Command("forward", "One frame on", ("Right",), "One frame on", _PLAYER, "step-forward", repeats=True),
    Command("back_10", "Ten frames back", ("Shift+Left",), "Ten frames back", _PLAYER, repeats=True),
    Command("forward_10", "Ten frames on", ("Shift+Right",), "Ten frames on", _PLAYER, repeats=True),
    Command("first", "First frame", ("Home",), "To the first frame", _PLAYER, "skip-previous"),
    Command("last", "Last frame", ("End",), "To the last frame", _PLAYER, "skip-next"),
    Command("box", "Box", ("Ctrl+B",), "Show the face box", _PLAYER, "vector-square", checkable=True),
    Command(
        "loop",
        "Loop window",
        ("Return", "Enter", "Ctrl+L"),
        "Loop the selected window",
        _PLAYER,
        "repeat",
        checkable=True,
    ),
    Command("previous_window", "Previous window", ("Up",), "Select the window above", _REVIEW, repeats=True),
    Command("next_window", "Next window", ("Down",), "Select the window below", _REVIEW, repeats=True),
    Command("accept", "Accept", ("A",), "Accept the window and go on", _REVIEW, "check-circle-outline"),
    Command("reject", "Reject", ("R",), "Reject the window and go on", _REVIEW, "close-circle-outline"),
    Command(
        "undecide",
        "Undecide",
        ("U",),
        "Take the decision back",
        _REVIEW,
        "circle-outline",
    ),
    Command("trim_start", "Trim the start", ("[",), "Let the window start at the playhead", _REVIEW),
    Command("trim_end", "Trim the end", ("]",), "Let the window end at the playhead", _REVIEW),
    Command("new_window", "New window", ("B",), "Accept the window at the playhead", _REVIEW),
    Command("undo", "Undo", ("Ctrl+Z",), "Undo", _EDIT, "undo", repeats=True),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo", _EDIT, "redo", repeats=True),
    Command("dismiss", "Hide messages", ("Esc",), "Hide the messages", _EDIT),
    Command("keys", "Keys", ("?", "Shift+?", "F1"), "Show the keys", _EDIT, "keyboard-outline"),
)
