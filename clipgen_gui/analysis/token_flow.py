"""User dialogs for learned tokens: unusable models and the download of the backbone."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from clipgen_gui.analysis.token_job import TokenJob, TokenState
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.widgets.message_bar import MessageArea

_PAGE, _CHECKPOINT = "tokens", "expression_transformer_checkpoint"


class TokenFlow(QObject):
    """Restarts the job when the preferences change, and prompts the user for decisions."""

    settings_wanted = Signal()

    def __init__(
        self, session: Session, job: TokenJob, preferences: Preferences, messages: MessageArea, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._job, self._preferences = session, job, preferences
        self._messages, self._window = messages, window
        self.question: QMessageBox | None = None
        job.failed.connect(self._refused)
        job.backbone_missing.connect(self._ask)
        preferences.changed.connect(lambda page: job.settings_changed() if page == _PAGE else None)
        job.restart()

    def switch(self) -> None:
        """Rank by the other kind of tokens; without a checkpoint, open the settings."""
        if self._job.state is TokenState.OFF:
            self.settings_wanted.emit()
        else:
            other = "learned" if self._session.settings.token_source == "blendshapes" else "blendshapes"
            self._session.controls.set_setting("token_source", other)

    def use_blendshapes(self) -> None:
        """Clear the checkpoint; its tokens stay in the cache."""
        self._preferences.set_value(_PAGE, _CHECKPOINT, None)
        self._messages.dismiss_all()

    def _refused(self, sentence: str) -> None:
        self._messages.show_message(sentence, "warning", ("Use blendshapes", self.use_blendshapes))

    def _ask(self, sentence: str) -> None:
        """Ask for consent before any download."""
        self.question = QMessageBox(self._window)
        self.question.setIcon(QMessageBox.Icon.Question)
        self.question.setWindowTitle("DINOv2")
        self.question.setText("The checkpoint runs on DINOv2, which is not on this computer.")
        self.question.setInformativeText(
            "Download facebook/dinov2-small (88 MB) from huggingface.co once? Only the request is sent."
            " You can also choose a local copy in the settings, or place one in the Hugging Face cache."
        )
        download = self.question.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
        name = self.question.addButton("Choose a copy…", QMessageBox.ButtonRole.ActionRole)
        blendshapes = self.question.addButton("Use blendshapes", QMessageBox.ButtonRole.RejectRole)
        download.clicked.connect(lambda _=False: self._job.allow_download())
        name.clicked.connect(lambda _=False: self.settings_wanted.emit())
        blendshapes.clicked.connect(lambda _=False: self.use_blendshapes())
        self.question.setEscapeButton(blendshapes)
        self.question.setDetailedText(sentence)
        self.question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question.finished.connect(lambda _: setattr(self, "question", None))
        self.question.open()
