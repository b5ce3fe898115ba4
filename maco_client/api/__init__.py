"""MaCo's own JSON API: what its screens configure, by curl or by a page, while it runs; this machine only."""
