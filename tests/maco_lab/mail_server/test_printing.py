"""Lines are printed, and a reader that does not read holds up nobody."""

from __future__ import annotations

import logging
import os
import threading

from maco_lab.mail_server.printing import LogPrinter, Printer

MORE_THAN_A_PIPE = 10_000
DEADLINE_S = 10.0


def test_lines_come_in_their_order_and_all_of_them_before_the_end() -> None:
    reading, writing = os.pipe()
    with Printer(writing) as printer:
        for number in range(10):
            printer.print(f"line {number}")
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert lines.read().splitlines() == [f"line {number}" for number in range(10)]


def test_a_reader_that_does_not_read_holds_up_nobody() -> None:
    reading, writing = os.pipe()
    printed = threading.Event()

    def print_much() -> None:
        for number in range(MORE_THAN_A_PIPE):
            printer.print(f"{number} {'x' * 100}")
        printed.set()

    with Printer(writing) as printer:
        threading.Thread(target=print_much, daemon=True).start()
        assert printed.wait(DEADLINE_S)
        with os.fdopen(reading) as lines:
            assert lines.readline() == f"0 {'x' * 100}\n"
    os.close(writing)


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with Printer(writing) as printer:
        printer.print("nobody reads this")
    os.close(writing)


def test_what_is_logged_waits_for_no_reader_either() -> None:
    reading, writing = os.pipe()
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "an exception in %s", ("a callback",), None)
    with Printer(writing) as printer:
        for _ in range(MORE_THAN_A_PIPE):
            LogPrinter(printer).handle(record)
        with os.fdopen(reading) as lines:
            assert lines.readline() == "an exception in a callback\n"
    os.close(writing)
