"""``uvicorn app:app --host 0.0.0.0 --port 8000`` serves the bundle in CTR_BUNDLE or models/."""

from clickthrough.serving.app import from_environment

app = from_environment()
