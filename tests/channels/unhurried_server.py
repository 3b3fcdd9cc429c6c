"""The server, but a person may send any number of messages a minute: a test reads a whole answer, part by part.

`python tests/channels/unhurried_server.py serve --port 5005`
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot import __main__
from bot.channels.limits import Limits

if __name__ == "__main__":
    Limits.wait = lambda *_: 0  # type: ignore[method-assign]
    sys.exit(__main__.main())
