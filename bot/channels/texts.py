"""Replies as text messages: the short form first, the rest for who asks for it with a number, nothing telling on a locked phone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import house, languages
from ..handoff import OFFER
from ..words import knowledge_message
from .segments import parts, plain

MOST_SEGMENTS = 3
MORE, _SOURCES, VOLUNTEER, MENU = 1, 2, 3, 0
_WITH_CHOICES = frozenset({"help_menu"})  # whose choices are what was asked for
_LAST_WORDS = frozenset({"delete_my_chat", "stop"})  # after which there is nothing to ask more about
Reply = Mapping[str, Any]


@dataclass(frozen=True)
class Offered:
    """What the numbers after a reply bring: the rest of the answer, its sources."""

    language: str
    rest: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    volunteer: bool = False


@dataclass(frozen=True)
class Texts:
    """Messages to send, in order, and what may be asked for next."""

    messages: tuple[str, ...]
    offered: Offered | None = None
    choosing: int = 0  # the message that the last reply's choices belong to, where a channel has buttons


def as_texts(replies: Sequence[Reply], first: bool, site: str, records: str = "text_records") -> Texts:
    """Replies as messages of at most three segments each.

    `first`: nothing was said before, so the first words are neutral (phones show them while they are locked), and what
    phone companies keep is told (`records` names that sentence). `site` is where the chat page is, for links to all sources.
    """
    language = str(replies[-1].get("language") or languages.SOURCE)
    blocks: list[str] = []
    offered: Offered | None = None
    for reply in replies:
        told, offered = _of_reply(reply, language, site)
        blocks += told
    if first:
        blocks[0] = _joined(_words("text_hello", language), blocks[0])
        blocks.append(_words(records, language))
    if offered:
        # The line of numbers stands under the answer; where that would cost a message more, under what phone companies keep.
        answer = len(blocks) - (2 if first else 1)
        place = next((place for place in range(answer, len(blocks)) if _with_menu(blocks[place], offered) != blocks[place]), answer)
        blocks[place] = _with_menu(blocks[place], offered)
    return Texts(tuple(message for block in blocks for message in _parted(block, language)), offered)


def _parted(text: str, language: str, tail: str = "") -> list[str]:
    """A text in messages that fit, each with a tail. Vietnamese keeps its accents: without them too many words are one."""
    accents = language == "vi"
    return parts(plain(text, accents=accents), MOST_SEGMENTS, plain(tail, accents=accents))


def in_full(replies: Sequence[Reply], first: bool, site: str, records: str, most: int) -> Texts:
    """Replies as whole messages of at most `most` letters, for a channel that does not bill them by segments; sources by their link."""
    language = str(replies[-1].get("language") or languages.SOURCE)
    messages: list[str] = []
    for reply in replies:
        link = f"{_words('text_sources', language)}: {_page(reply, site)}" if reply.get("sources") else ""
        paragraphs = _paragraphs(reply)
        told = "\n\n".join(filter(None, (*paragraphs, *reply.get("notes", ()), *_people(reply), link)))
        messages += [told[start : start + most] for start in range(0, len(told), most)] or [_words("choose_language", language)]
    choosing = len(messages) - 1
    if first:
        messages[0] = _joined(_words("text_hello", language), messages[0])[:most]
        messages.append(_words(records, language))
    return Texts(tuple(messages), choosing=choosing)


def _paragraphs(reply: Reply) -> list[str]:
    """What a reply says. "Choose your language" in each of them costs as much again as their names, which say it."""
    paragraphs = list(reply.get("paragraphs") or [reply.get("text", "")])
    return paragraphs[:-1] if reply.get("topic") == "change_language" and reply.get("choices") else paragraphs


def _page(reply: Reply, site: str) -> str:
    return f"{site}/chat/{reply.get('language')}?topic={reply.get('topic')}"


def _of_reply(reply: Reply, language: str, site: str) -> tuple[list[str], Offered | None]:
    """What is said first, each block to be sent by itself, and what is offered."""
    choices = reply.get("choices", ())
    if not reply.get("short") or (choices and reply.get("status") == "choose"):
        told = [_joined(*_paragraphs(reply), *reply.get("notes", ()), *_people(reply), *_numbered(reply))]
        sources = () if choices else _sources(reply, site)
        return told, Offered(language, sources=sources) if sources else None
    hidden = _words("hidden", str(reply.get("language") or languages.SOURCE))
    notes = [note for note in reply.get("notes", ()) if reply.get("status") == "needs_check" or note == hidden][:1]
    short = " ".join(reply["short"])
    if choices and (reply.get("topic") in _WITH_CHOICES or reply.get("view") == "precaution"):
        whole, listed = _joined(short, *_numbered(reply)), _joined(*_numbered(reply))
        # A menu that is longer than one message is its list alone; words of caution are never left out.
        is_menu = reply.get("topic") in _WITH_CHOICES and len(_parted(whole, language)) > 1
        return [*notes, listed if is_menu else whole], None
    if reply.get("topic") in _LAST_WORDS:
        return [*notes, short], None
    rest = _joined(*reply["paragraphs"], *reply.get("notes", ()), *_people(reply))
    volunteer = any(choice["message"] == f"/{OFFER}" for choice in choices)
    offered = Offered(language, (), _sources(reply, site), volunteer)
    if rest != short:
        line = "\n" + _menu(replace(offered, rest=(rest,)))
        offered = replace(offered, rest=tuple(_parted(rest, language, line)))
    return [*notes, short], offered


def _numbered(reply: Reply) -> list[str]:
    """A reply's choices, numbered as the conversation numbers them."""
    language = str(reply.get("language") or languages.SOURCE)
    return [f"{languages.figure(number, language)} {choice['title']}" for number, choice in enumerate(reply.get("choices", ()), 1)]


def _people(reply: Reply) -> list[str]:
    return [" ".join([contact["line"], *contact["details"]]) for contact in reply.get("people", ())]


def _sources(reply: Reply, site: str) -> tuple[str, ...]:
    """The first sources by publisher and title, as many as one message holds, and where all are with their links."""
    language, link, told = str(reply.get("language")), _page(reply, site), ""
    for source in reply.get("sources", ()):
        more = _joined(told, f"{source['publisher']}: {source['title']}")
        if len(_parted(_joined(more, link), language)) > 1:
            break
        told = more
    return tuple(_parted(_joined(told, link), language)) if reply.get("sources") else ()


def _with_menu(text: str, offered: Offered) -> str:
    """The text and the line of numbers; less of that line, or none, where it would need another message. The numbers work all the same."""
    menu = _menu(offered)
    lines = (menu, menu.split(" · ")[0])
    return next((whole for line in lines if len(_parted(whole := _joined(text, line), offered.language)) == 1), text)


def _menu(offered: Offered) -> str:
    # What stands first is said also where the line must be short.
    told = [
        (VOLUNTEER, "handoff_offer", offered.volunteer),
        (MORE, "text_more", bool(offered.rest)),
        (_SOURCES, "text_sources", bool(offered.sources)),
        (MENU, "text_menu", True),
    ]
    return " · ".join(f"{languages.figure(number, offered.language)} {_words(name, offered.language)}" for number, name, there in told if there)


def picked(number: int, offered: Offered) -> Texts:
    """What a number brings of what was offered; where it means nothing, what the numbers mean."""
    if number == MORE and offered.rest:
        left = replace(offered, rest=offered.rest[1:])
        return Texts(tuple(_parted(_with_menu(offered.rest[0], left), offered.language)), left)
    if number == _SOURCES and offered.sources:
        left = replace(offered, sources=())
        *messages, last = offered.sources
        return Texts((*messages, *_parted(_with_menu(last, left), offered.language)), left)
    return Texts(tuple(_parted(_menu(offered), offered.language)), offered)


def _words(name: str, language: str) -> str:
    knowledge = house.knowledge()
    text = knowledge_message(knowledge, name, language)
    services = knowledge.services
    phones = {"{phone}": services["dotw-advice-line"].phone, "{emergency}": services["emergency-999"].phone}
    for placeholder, phone in phones.items():
        text = text.replace(placeholder, languages.isolated(phone or "", language))
    return text


def sentence(name: str, language: str, is_brief: bool = True, **values: str) -> list[str]:
    """One of the channel's own sentences, as messages (`is_brief`: each letter costs); `values` fill its placeholders."""
    text = _words(name, language)
    for placeholder, value in values.items():
        text = text.replace(f"{{{placeholder}}}", value)
    return _parted(text, language) if is_brief else [text]


def _joined(*pieces: str) -> str:
    return "\n".join(filter(None, pieces))
