#!/usr/bin/env bash
# uvicorn 0.54.0, uvloop 0.23.0: a connection to a socket of `Config.bind_socket()`, as `--workers`
# and `--reload` open it, has TCP_NODELAY off with `--loop asyncio`, and on with uvloop.
#
# Expected: the option does not depend on the loop, nor on whether there are workers.
# Found: off only for that socket under asyncio, which sets it where the socket's protocol number
#   says TCP; a socket that is made with its family alone says 0. The body of an answer is then held
#   back until the head is acknowledged, which a client may delay by some 40 ms.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq uvicorn==0.54.0 uvloop==0.23.0 h11==0.16.0
cat >"$work/try.py" <<'PY'
import asyncio
import socket

import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

seen = []


class Noting(H11Protocol):
    def connection_made(self, transport):
        connection = transport.get_extra_info("socket")
        on = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        seen.append("on" if on else "off")
        super().connection_made(transport)


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


async def once(bound):
    config = uvicorn.Config(
        app, port=0, http=Noting, lifespan="off", log_config=None
    )
    sockets = [config.bind_socket()] if bound else None
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    server.should_exit = True
    await serving


for name, factory in (("asyncio", asyncio.new_event_loop), ("uvloop", uvloop.new_event_loop)):
    for bound in (False, True):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(once(bound))
        print(f"{name}, {'bind_socket()' if bound else 'host and port'}: {seen[-1]}")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='asyncio, host and port: on
asyncio, bind_socket(): off
uvloop, host and port: on
uvloop, bind_socket(): on'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
