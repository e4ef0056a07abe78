"""A language model for all of them, which has a lot to say."""

from collections.abc import AsyncGenerator

import anyio

__all__ = ["generate", "running"]

running: list[str] = []
"""The questions that are being answered."""


async def generate(question: str) -> AsyncGenerator[str]:
    running.append(question)
    try:
        for number in range(1000):
            yield f"{question} {number}"
            await anyio.sleep(0.01)
    finally:
        running.remove(question)
