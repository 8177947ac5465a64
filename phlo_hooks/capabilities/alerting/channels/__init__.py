"""Where messages go: one file for each channel, each with its own rendering."""
