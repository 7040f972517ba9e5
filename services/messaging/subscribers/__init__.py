"""What messaging hears."""
