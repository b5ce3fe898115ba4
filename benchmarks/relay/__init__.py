"""The relay beside its peers: two hops with TLS between them, all on loopback, measured in turn.

``python -m benchmarks.relay`` starts everything itself. ``generator`` makes and counts the load, ``contestants`` are
what it goes through, ``measurements`` says what one sample is, ``rounds`` takes turns, ``report`` compares and prints.
"""
