"""A knowledge endpoint with handlers of its own.

    KB_TOKEN=… python examples/custom_endpoint.py

Needs a store: `kbserver ingest ./docs`. Every other label is answered as the settings say
(kbserver.toml).
"""

from kbserver import Hit, KBServer, Turn

server = KBServer()

OUTAGES = {
    "north": "There is an outage in the north since eight o'clock. It will be over by noon."
}


@server.route("support-{call}")
async def support(turn: Turn) -> list[Hit]:
    """Search as usual, but say one thing only: callers of this line are in a hurry."""
    return await turn.retrieve(top_k=1)


@server.route("status-{region}")
def status(turn: Turn) -> str | None:
    """Answer from live data instead of documents; None is an honest empty grounding."""
    return OUTAGES.get(turn.parameters["region"])


if __name__ == "__main__":
    server.run()
