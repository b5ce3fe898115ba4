"""Which messages belong to one conversation (RFC 5256, section 3, THREAD) and how that is written (section 4).

Nothing here calls itself: a conversation may be as deep as there are messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailserver_sim.imap.sort_keys import Sortable


@dataclass(slots=True)
class Thread:
    """A message with the answers to it; ``uid`` is None where the message itself is not there."""

    uid: int | None
    answers: list[Thread] = field(default_factory=list)


def ordered_subject(messages: Iterable[Sortable]) -> list[Thread]:
    """Thread by base subject.

    "the searched messages are sorted by base subject and then by the sent date. The messages are then split into
    separate threads, with each thread containing messages with the same base subject text. Finally, the threads are
    sorted by the sent date of the first message in the thread": section 3, ORDEREDSUBJECT.
    """
    by_subject: dict[str, list[Sortable]] = {}
    for message in sorted(messages, key=lambda message: message.sent):
        by_subject.setdefault(message.subject, []).append(message)
    # The first message of each subject came in the order of sent dates, and so do the threads.
    return [
        Thread(first.info.uid, [Thread(answer.info.uid) for answer in rest]) for first, *rest in by_subject.values()
    ]


def thread_list(threads: Iterable[Thread], numbers: Mapping[int, int]) -> bytes:
    """Write threads with a space before them; ``numbers`` are what the messages are called by UID."""
    written: list[str] = []
    waiting: list[Thread | str] = [*reversed([*threads])]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            written.append(item)
            continue
        line, last = _line(item, numbers)
        written.append("(" + " ".join(line) + (" " if line and last.answers else ""))
        waiting += [")", *reversed(last.answers)]
    text = "".join(written)
    return f" {text}".encode("ascii") if text else b""


def _line(thread: Thread, numbers: Mapping[int, int]) -> tuple[list[str], Thread]:
    """Return the numbers of a message and of single answers to it, and the message where that line ends."""
    line: list[str] = []
    while True:
        if thread.uid is not None:
            line.append(str(numbers[thread.uid]))
        if len(thread.answers) != 1:
            return line, thread
        (thread,) = thread.answers
