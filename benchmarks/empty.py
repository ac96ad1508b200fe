"""An empty FastAPI route: what service.py measures the service against."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/empty")
async def empty() -> dict[str, str]:
    return {}


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    return {}
