"""Rasa's seam for scripted actions: runs the package `actions` in this process instead of over HTTP."""

from __future__ import annotations

from typing import Any

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor


class LocalActions(EndpointConfig):  # type: ignore[misc]
    """An action endpoint whose request is a call: a stock action server adds 13 ms and a long tail to a turn (docs/understanding.md)."""

    def __init__(self) -> None:
        super().__init__(url="local")
        self._executor = ActionExecutor()
        self._executor.register_package("actions")

    async def request(
        self, method: str = "post", subpath: str | None = None, content_type: str | None = None, compress: bool = False, **kwargs: Any
    ) -> Any:
        """Run the action that Rasa's call names; its events and responses."""
        return await self._executor.run(kwargs["json"])
