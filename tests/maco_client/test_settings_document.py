from __future__ import annotations

import dataclasses

from maco_lab import maco_model, sending_model
from maco_lab.lab_section import Section
from tests.maco_client.settings_document import PAGE, TABLES, page_with_tables

SECTIONS: tuple[type[Section], ...] = (
    maco_model.EmailServer,
    maco_model.Credential,
    maco_model.EmailConnection,
    maco_model.Scheduler,
    sending_model.SendingConnection,
    sending_model.Attachment,
)


def test_the_page_has_the_tables_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == page_with_tables(page)


def test_every_row_is_of_a_setting_and_every_setting_is_a_key_of_the_lab_file() -> None:
    for (_, kind, rows), section in zip(TABLES, SECTIONS, strict=True):
        assert set(rows) == {each.name for each in dataclasses.fields(kind)} == set(section.model_fields)
