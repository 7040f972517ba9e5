"""What journey tells again on demand."""
