"""What brings the project to where it runs."""
