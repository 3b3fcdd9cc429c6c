"""The SMS channel, by Twilio."""

from __future__ import annotations

import os
from typing import Any

from .messaging import settings
from .texts import Texts, as_texts
from .turns import Replies
from .twilio_channel import NAMES, TwilioChannel


class SmsChannel(TwilioChannel):
    """Answers text messages. Settings: environment variables (docs/channels.md), and limits in credentials.yml."""

    sender_setting = "CONFIDE_SMS_FROM"
    is_brief = True

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "sms"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> SmsChannel:
        """The channel as the environment and credentials.yml set it; off without its variables.

        Raises:
            NotSetUp: when only some of its variables are set.
        """
        # An account without any number was meant for this channel, most likely.
        on = bool(os.environ.get(cls.sender_setting)) or ("CONFIDE_TWILIO_ACCOUNT_SID" in os.environ and "CONFIDE_WHATSAPP_FROM" not in os.environ)
        found = settings("SMS", {**NAMES, cls.sender_setting: None}) if on else None
        a_day = os.environ.get("CONFIDE_SMS_SEGMENTS_A_DAY")
        return cls.limited(found, {**(credentials or {}), **({"daily_segments": a_day} if a_day else {})}, "daily_segments")

    def _told(self, replies: Replies, first: bool) -> Texts:
        return as_texts(replies, first, self.site)
