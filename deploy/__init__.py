"""What brings the service to machines, and their programs."""
