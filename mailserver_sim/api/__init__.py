"""The mail server's API: its accounts, mailboxes and messages for programs that test with it, as JSON on loopback."""
