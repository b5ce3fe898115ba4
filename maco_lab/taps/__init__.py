"""Wiretaps without keys: what an eavesdropper on each hop would see."""
