from __future__ import annotations

from maco_client.results import MOST_MAILS, PolledMail, Progress


def polled(number: int, *, already_known: bool = False) -> PolledMail:
    return PolledMail(number, 1, number, 100, "", already_known=already_known, post_processed=False)


def test_every_mail_is_counted_however_many_a_result_names() -> None:
    progress = Progress()

    for number in range(MOST_MAILS + 500):
        progress.note(polled(number, already_known=number % 2 == 0))

    assert (progress.dealt_with, progress.stored) == (MOST_MAILS + 500, MOST_MAILS // 2 + 250)
    assert [each.inbox_id for each in progress.mails] == list(range(MOST_MAILS))


def test_a_batch_that_goes_beyond_what_a_result_names_is_post_processed_up_to_there() -> None:
    progress = Progress()
    for number in range(MOST_MAILS + 50):
        progress.note(polled(number))

    progress.post_processed(range(MOST_MAILS - 50, MOST_MAILS + 50))

    assert [each.inbox_id for each in progress.mails if each.post_processed] == list(range(MOST_MAILS - 50, MOST_MAILS))
