"""The policy timeline for machines: JSON, and Atom (RFC 4287)."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from .. import languages
from ..knowledge import Knowledge, timeline

_ATOM = "http://www.w3.org/2005/Atom"


def as_json(knowledge: Knowledge) -> dict[str, Any]:
    """Every event that can be told, oldest first, with its sources; the rules with their values."""
    return {
        "events": [
            {
                "id": event.name,
                "first": event.period.first.isoformat(),
                "last": event.period.last.isoformat(),
                "precision": event.period.precision,
                "title": event.title,
                "kind": event.kind,
                "nations": sorted(event.nations),
                "happened": event.happened,
                "decided_by": event.decided_by,
                "reported_as": [{"says": item.says, "by": item.by, "we_say": item.we_say} for item in event.reported_as],
                "sources": [
                    {"title": source.title, "publisher": source.publisher, "url": source.url, "read": source.read.isoformat(), "quote": source.quote}
                    for source in event.sources
                ],
            }
            for event in timeline(knowledge)
        ],
        "rules": [
            {"id": rule.name, "question": rule.question, "values": [{"event": name, "outcome": outcome} for name, outcome in rule.values.items()]}
            for rule in knowledge.rules.values()
        ],
    }


def as_atom(knowledge: Knowledge, address: str) -> bytes:
    """The events as an Atom feed, newest first; `address` is the site's own, as people reach it."""
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en-GB"})
    events = list(reversed(timeline(knowledge)))
    newest = max(source.read for event in events for source in event.sources)
    for tag, text in (("title", knowledge.messages["timeline_title"]), ("id", f"{address}/timeline"), ("updated", f"{newest}T00:00:00Z")):
        ElementTree.SubElement(feed, f"{{{_ATOM}}}{tag}").text = text
    ElementTree.SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": f"{address}/timeline.atom"})
    author = ElementTree.SubElement(feed, f"{{{_ATOM}}}author")
    ElementTree.SubElement(author, f"{{{_ATOM}}}name").text = "Confide"
    for event in events:
        entry = ElementTree.SubElement(feed, f"{{{_ATOM}}}entry")
        day = event.shown_as or languages.in_words(event.period, languages.SOURCE)
        read = max((source.read for source in event.sources), default=newest)
        for tag, text in (
            ("title", f"{day}: {event.title}"),
            ("id", f"{address}/timeline#{event.name}"),
            ("updated", f"{read}T00:00:00Z"),
            ("summary", event.happened),
        ):
            ElementTree.SubElement(entry, f"{{{_ATOM}}}{tag}").text = text
        ElementTree.SubElement(entry, f"{{{_ATOM}}}link", {"href": f"{address}/timeline#{event.name}"})
    return bytes(ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True))
