"""Mail at rest: accounts, mailboxes and messages in one SQLite file, and nothing about any protocol's syntax."""
