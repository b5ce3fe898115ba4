"""The load: a sink that serves and counts, and clients that ask it, each in processes of their own."""
