"""Imports point inwards: from channels and actions to replies, from replies to knowledge. Read from the code, not by running it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from bot import house

STDLIB = frozenset(sys.stdlib_module_names)
# The seams: where Rasa (or its server) calls us, or we call it. Each is a screen; everything else can be read without knowing Rasa.
SEAMS = frozenset(
    {
        "bot.importer",
        "bot.nlu",
        "bot.policy",
        "bot.nlg",
        "bot.local_actions",
        "bot.in_order",
        "bot.conversation",
        "bot.tracker_store",
        "bot.commands",
        "bot.channels.start",
        "bot.channels.turns",
        "bot.channels.volunteers",
        "bot.channels.events",
        "bot.desk.channel",
        "bot.desk.views",
        "bot.desk.chats",
        "bot.desk.entry",
        "bot.desk.directory",
        "bot.desk.due",
        "bot.desk.news",
        "bot.desk.give",
        "bot.desk.switches",
        "bot.desk.lookup",
        "bot.desk.timeline",
        "bot.channels.web",
        "bot.channels.sms",
        "bot.channels.messaging",
        "bot.channels.twilio_channel",
        "bot.channels.providers",
        "bot.channels.whatsapp",
    }
)
# What decides what is said: no framework, no network, no wall clock.
CORE = (
    "bot.knowledge",
    "bot.replies",
    "bot.reply",
    "bot.words",
    "bot.languages",
    "bot.dialogue",
    "bot.handoff",
    "bot.dates",
    "bot.places",
    "bot.text",
    "bot.reading",
)
OUTER = (
    "bot.channels",
    "bot.desk",
    "bot.commands",
    "bot.nlg",
    "bot.nlu",
    "bot.conversation",
    "bot.importer",
    "bot.local_actions",
    "bot.policy",
    "actions",
)
FRAMEWORKS = ("rasa", "rasa_sdk", "sanic", "aiohttp", "requests", "redis")


def module_name(path: Path) -> str:
    parts = path.relative_to(house.ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """The full names of the modules that a file imports, anywhere in it."""
    name, found = module_name(path), set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found.add(origin)
            found |= {f"{origin}.{alias.name}" for alias in node.names if (house.ROOT / origin.replace(".", "/") / f"{alias.name}.py").is_file()}
    return found


FILES = {module_name(path): path for folder in ("bot", "actions") for path in sorted((house.ROOT / folder).rglob("*.py"))}
MODULES = sorted(FILES)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_the_modules_were_found() -> None:
    assert {"bot.knowledge", "bot.knowledge.loader", "bot.replies", "bot.languages", "bot.nlg", "actions.say"} <= set(MODULES)
    assert "bot.knowledge.model" in imports(FILES["bot.knowledge.loader"]), "relative imports are resolved"
    assert "rasa.core.run" in imports(FILES["bot.commands"]), "imports inside functions are seen"


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, ("bot.knowledge",))])
def test_knowledge_imports_only_the_standard_library_yaml_and_itself(module: str) -> None:
    foreign = {name for name in imports(FILES[module]) if name.split(".")[0] not in STDLIB | {"yaml"} and not within(name, ("bot.knowledge",))}
    assert not foreign


@pytest.mark.parametrize("module", MODULES)
def test_only_languages_and_the_tools_of_catalogues_know_babel(module: str) -> None:
    uses = any(within(name, ("babel",)) for name in imports(FILES[module]))
    assert not uses or module in {"bot.languages", "bot.catalogues", "bot.review"}


@pytest.mark.parametrize("module", MODULES)
def test_only_the_seams_know_rasa_and_its_server(module: str) -> None:
    uses = {name for name in imports(FILES[module]) if within(name, ("rasa", "rasa_sdk", "sanic"))}
    assert not uses or module in SEAMS or module.startswith("actions"), f"{module} imports {uses}; move that into a seam"


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, CORE)])
def test_the_core_knows_no_framework_and_nothing_outside_it(module: str) -> None:
    outward = {name for name in imports(FILES[module]) if within(name, FRAMEWORKS) or within(name, OUTER)}
    assert not outward


@pytest.mark.parametrize("module", ["bot.replies", "bot.reply", "bot.words", "bot.languages"])
def test_replies_and_languages_rest_on_knowledge_alone(module: str) -> None:
    ours = {name for name in imports(FILES[module]) if name.startswith("bot.") and not within(name, ("bot.knowledge",))}
    assert ours <= {"bot.languages", "bot.text", "bot.reply", "bot.words", "bot.calendars"}


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, ("bot.channels",))])
def test_channels_never_ask_what_a_policy_says(module: str) -> None:
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not named & {"as_of", "Ruling", "NotYetRuled", "Rule"}


@pytest.mark.parametrize("module", [name for name in MODULES if within(name, CORE)])
def test_the_core_is_told_the_day_and_never_reads_a_clock(module: str) -> None:
    calls = {
        f"{ast.unparse(node.func)}:{node.lineno}"
        for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"today", "now", "utcnow"}
    }
    assert not calls, f"{module} reads the clock at {sorted(calls)}; take `today` as a parameter"


def test_no_import_goes_round_in_a_circle() -> None:
    inner = {name: {other for other in imports(path) if other in FILES and other != name} for name, path in FILES.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for other in sorted(inner[name]):
                # A package's __init__ gathers its modules; a module that imports a sibling "from ." means the sibling.
                if not name.startswith(f"{other}."):
                    visit(other, (*above, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())
