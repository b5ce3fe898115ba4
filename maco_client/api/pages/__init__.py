"""MaCo's pages: static files that use its API."""
