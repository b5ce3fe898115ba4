"""HTTP for this machine alone: an API from a table of operations, guarded and bounded.

The lab page and the mail server's API are made from it. What they tell is theirs; nothing here knows of a lab.
"""
