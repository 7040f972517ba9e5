"""Value operators, usable on traits and on event properties: one file per family."""
