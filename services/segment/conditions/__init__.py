"""Conditions: one file per condition with its definition, its SQL and its who-must-be-asked-again."""
