"""What a Cloud Connector writes down: audit log, trace, and the payload of its tunnels where two people want it.

Nothing here waits for a disk on the event loop: one thread writes everything (``writer``), and what it cannot keep up
with is counted and told instead of being kept in memory. Every file is bounded, and no secret is ever in one.
"""
