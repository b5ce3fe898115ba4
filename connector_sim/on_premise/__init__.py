"""The customer's side: the Cloud Connector, which dials out and opens what its access control allows."""
