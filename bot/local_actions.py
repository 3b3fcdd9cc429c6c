"""Rasa's seam for scripted actions: runs the package `actions` in this process instead of over HTTP."""

from __future__ import annotations

from typing import Any

from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

_SCHEMA = RemoteAction.action_response_format_spec()
_VALIDATOR = validator_for(_SCHEMA)(_SCHEMA)


def _validate(_: RemoteAction, result: dict[str, Any]) -> bool:
    """Whether an action gave what Rasa expects; jsonschema.ValidationError when not."""
    _VALIDATOR.validate(result)
    return True


class LocalActions(EndpointConfig):  # type: ignore[misc]
    """An action endpoint whose request is a call: a stock action server adds 13 ms and a long tail to a turn (docs/understanding.md)."""

    def __init__(self) -> None:
        super().__init__(url="local")
        self._executor = ActionExecutor()
        self._executor.register_package("actions")
        # Rasa checks its own schema anew before it checks a result by it: 8 ms of each scripted action's 9.
        RemoteAction._validate_action_result = _validate

    async def request(
        self, method: str = "post", subpath: str | None = None, content_type: str | None = None, compress: bool = False, **kwargs: Any
    ) -> Any:
        """Run the action that Rasa's call names; its events and responses."""
        return await self._executor.run(kwargs["json"])
