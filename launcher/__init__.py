"""The launcher: sets up, starts, watches and stops the whole system from one command."""
