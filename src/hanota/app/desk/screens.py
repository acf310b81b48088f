"""What a consumer sees on the displays of a home, in plain words (R27, R39)."""

from typing import Final

from hanota.app.desk.views import ScreenView
from hanota.base.instant import DAY, Instant, iso
from hanota.edge.devices.screen import Question, Showing
from hanota.wire.zcl import Answer

JUST_MS: Final = DAY
"""For how long a screen tells how the last update ended, or what was answered."""

_SAID: Final = {
    Answer.YES: "You said yes. The update starts in a moment.",
    Answer.LATER: "You said later. Nothing is installed now; this display asks you again.",
    Answer.NO: "You said no. Nothing is installed, and your display stays as it is.",
}


def screen_view(device: str, device_type: str, showing: Showing | None, now: Instant) -> ScreenView:
    """Say what a screen shows; None: it has no power."""
    if showing is None:
        return ScreenView(device=device, device_type=device_type, face="dark", headline="No power", lines=())
    question = showing.question
    face, headline, lines = _face(showing, now)
    asking = face == "question" and question is not None
    return ScreenView(
        device=device,
        device_type=device_type,
        face=face,
        headline=headline,
        lines=lines,
        buttons=tuple(answer.value for answer in question.buttons) if asking and question else (),
        since=iso(question.since) if question is not None and face in ("question", "answered") else None,
        answer=question.answer.value if question is not None and question.answer and face == "answered" else None,
        version=f"{showing.version:08X}",
        offered=None if showing.offered is None else f"{showing.offered:08X}",
        percent=_percent(showing) if face == "updating" else None,
    )


def _face(showing: Showing, now: Instant) -> tuple[str, str, tuple[str, ...]]:
    """Give the face of a screen, its headline and what stands below; the first that fits."""
    question = showing.question
    if not showing.on:
        return "restarting", "Restarting", ("This takes a moment. Please leave the display plugged in.",)
    if question is not None and question.state == "SHOWN":
        return "question", "An update is ready", (question.text,)
    if question is not None and question.answer is not None and _fresh_answer(showing, question, now):
        return "answered", "Thank you", (_SAID[question.answer],)
    if showing.client == "DOWNLOADING":
        return "updating", "An update is on its way", ("You need not do anything. The display works as usual.",)
    if showing.client in ("ENDING", "WAITING"):
        return "updating", "An update has arrived", ("You need not do anything now.",)
    return "idle", *_idle(showing, now)


def _fresh_answer(showing: Showing, question: Question, now: Instant) -> bool:
    """Whether an answer is still what matters: while its image waits, and after a no for some time."""
    if question.state == "ANSWERED" or showing.client in ("ENDING", "WAITING"):
        return True
    later = showing.tried is not None and showing.tried.at >= (question.answered_at or 0)
    recent = now < (question.answered_at or 0) + JUST_MS
    return question.answer is Answer.NO and recent and not later and showing.client == "IDLE"


def _idle(showing: Showing, now: Instant) -> tuple[str, tuple[str, ...]]:
    tried, notice = showing.tried, showing.notice
    told = (notice.text,) if notice is not None and (notice.until is None or now < notice.until) else ()
    if tried is not None and now < tried.at + JUST_MS:
        if tried.worked:
            return "Just updated", (f"Your display now runs software {tried.version:08X}. Your settings are kept.",)
        return "The update did not work", (f"Your display runs software {tried.version:08X}, as before.",)
    return "All is well", told or (f"Your display runs software {showing.version:08X}.",)


def _percent(showing: Showing) -> int:
    return min(100, 100 * showing.octets // showing.of) if showing.of else 0
