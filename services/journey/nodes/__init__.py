"""The kinds of nodes: one file each, found by `discover`."""
