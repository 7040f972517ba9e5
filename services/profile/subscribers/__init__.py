"""Events heard, a file each."""
