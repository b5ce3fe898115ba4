"""The administration's pages: static files that use the REST API, and what they need beside it (signing in, users)."""
