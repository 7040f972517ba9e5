"""What messaging tells again on demand."""
