"""Scripted misbehaviour: what a mail server gets wrong at a named step, so many times, and then no more.

``table`` says what there is, ``plan`` what is to strike when, ``imap`` and ``smtp`` do it to one connection each.
"""
