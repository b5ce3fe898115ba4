"""A mail as MaCo hands it on: what its MIME structure holds, and what is wrong with it. Pure; the raw mail stays."""
