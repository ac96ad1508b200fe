"""What pipelines do, whoever runs them: ``python deploy/ci VERB --help``."""
