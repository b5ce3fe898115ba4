"""Measurements of the lab on this machine; not part of the tests."""
