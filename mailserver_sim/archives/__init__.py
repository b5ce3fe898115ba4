"""Mail in files, as other programs keep it: Maildir, mbox and folders of ``.eml``, into the store and out of it."""
