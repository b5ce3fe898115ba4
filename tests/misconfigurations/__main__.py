"""Write ``docs/misconfigurations.md``."""

from __future__ import annotations

from tests.misconfigurations.page import PAGE, page
from tests.misconfigurations.table import REFUSED, ROWS

if __name__ == "__main__":
    PAGE.write_text(page(ROWS, REFUSED), encoding="utf-8")
