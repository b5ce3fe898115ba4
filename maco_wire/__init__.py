"""What the bytes mean: pure machines and values, with no sockets, no clock and no event loop.

Every machine has the same shape: ``receive_data(data)`` takes bytes in pieces of any size and returns the events they
complete, ``data_to_send()`` hands out the bytes to write, and nothing is ever read from or written to a socket here.
"""
