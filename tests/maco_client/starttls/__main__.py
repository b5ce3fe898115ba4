"""Write ``docs/starttls-hardening.md``."""

from __future__ import annotations

from tests.maco_client.starttls.cases import CASES
from tests.maco_client.starttls.page import PAGE, page
from tests.maco_client.starttls.pop3_cases import POP3_CASES
from tests.maco_client.starttls.smtp_cases import SMTP_CASES

if __name__ == "__main__":
    PAGE.write_text(page(CASES, POP3_CASES, SMTP_CASES), encoding="utf-8")
