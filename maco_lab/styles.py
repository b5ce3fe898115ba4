"""The colours of what is told in a terminal: each is readable on a light and on a dark ground, none stands alone.

The sixteen colours that terminals have by name are theirs to choose, and many show a yellow that nobody can read on
white. These are of the 256 that are the same everywhere.
"""

from __future__ import annotations

CLEAR = "bold color(130)"
"""What somebody could read, or should beware of: orange."""

ENCRYPTED = "color(28)"
"""What nobody could read, or went well: green."""

FAILED = "color(161)"
"""What failed: red."""

UNKNOWN = "color(132)"
"""What is not known: mauve."""
