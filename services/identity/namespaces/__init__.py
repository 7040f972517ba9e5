"""The kinds of identifiers, a file each; adding one adds a namespace."""
