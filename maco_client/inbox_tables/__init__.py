"""What the inbox keeps in SQLite: tables, and plain functions over an open database. No threads, no clock."""
