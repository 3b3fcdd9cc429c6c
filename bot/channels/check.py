"""For operators: whether a channel is set up rightly, and what its answers cost to send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import aiohttp

from .. import languages
from ..knowledge import Knowledge
from ..replies import compose
from .messaging import MessagingChannel, NotSetUp
from .providers import TIMEOUT
from .segments import size
from .sms import SmsChannel
from .texts import as_texts
from .whatsapp import WhatsApp, WhatsAppByTwilio

CHANNELS: tuple[type[MessagingChannel], ...] = (SmsChannel, WhatsApp, WhatsAppByTwilio)


async def problems() -> dict[str, list[str] | None]:
    """Each channel's problems, none when it is ready; None for a channel that is off."""
    found: dict[str, list[str] | None] = {}
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        for kind in CHANNELS:
            try:
                channel = kind.from_credentials({})
            except NotSetUp as error:
                found[kind.name()] = [str(error)]
                continue
            found[kind.name()] = None if channel.settings is None else [*await _webhook(session, channel), *await channel.credentials(session)]
    return found


async def _webhook(session: aiohttp.ClientSession, channel: MessagingChannel) -> list[str]:
    """Whether the world reaches the webhook, and whether it refuses what nobody signed."""
    address = f"{channel.site}{channel.url_prefix()}/webhook"
    if not address.startswith("https://") and "//127.0.0.1" not in address:
        return [f"CONFIDE_PUBLIC_URL is {channel.site}; providers deliver to https addresses only"]
    try:
        async with session.post(address, data=b"") as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return [f"{address} cannot be reached ({type(error).__name__}); start the server, and see that CONFIDE_PUBLIC_URL leads to it"]
    if status == 404:
        return [f"{address} is not there; the server at CONFIDE_PUBLIC_URL runs without this channel's variables"]
    if status != 403:
        return [f"{address} answered a webhook that nobody signed with {status}, not 403; something before the server answers for it"]
    body, headers = channel.signed_probe()
    async with session.post(address, data=body, headers=headers) as answer:
        if answer.status == 403:
            return [f"{address} refuses what is signed with the secret that is set here; the server runs with another secret or CONFIDE_PUBLIC_URL"]
    return []


def costs(knowledge: Knowledge, today: date) -> Iterator[tuple[str, str, int, int]]:
    """What the first answer to a question costs by SMS in England: topic, language, messages, segments."""
    for topic in knowledge.topics:
        for language in languages.languages():
            reply = compose(knowledge, topic, today, language, "england").for_patients()
            messages = as_texts([reply], False, "https://chat.example.org").messages
            yield topic, language, len(messages), sum(size(message).segments for message in messages)
