"""What explains the project by running it."""
