"""Whether a Cloud Connector reaches the internal system of a mapping, and if not, what would help."""
