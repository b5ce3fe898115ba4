"""Hypothesis without its deadline per example: it measures how busy the machine is, not whether the code is right."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("maco-lab", deadline=None)
settings.load_profile("maco-lab")
