"""The service with a leak: it keeps every body. What memory.py must catch."""

from starlette.types import Message, Receive, Scope, Send

from clickthrough.serving.app import from_environment

service = from_environment()
kept: list[Message] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    async def keeping() -> Message:
        message = await receive()
        kept.append(message)
        return message

    await service(scope, keeping if scope["type"] == "http" else receive, send)
