"""A bundle for the service's image on Amazon SageMaker."""
