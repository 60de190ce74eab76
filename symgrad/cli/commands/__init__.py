"""One file for each command; each defines ``COMMAND`` and imports the rooms it needs when it runs."""
