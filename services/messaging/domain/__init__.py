"""Pure: what a message may become, what the rules allow, what a template says."""
