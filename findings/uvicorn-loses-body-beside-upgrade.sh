#!/usr/bin/env bash
# uvicorn 0.54.0 with httptools 0.9.0: the body of a POST that offers an upgrade to h2c is lost.
#
# Expected: a server that does not take an offered upgrade answers the request as if it had not been
#   offered (RFC 9110, 7.8), with its body. `curl --http2` offers h2c with every request over http.
# Found: with httptools the application gets an empty body, and the connection reads nothing more;
#   with h11 in its place it gets the five bytes.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0
cat >"$work/try.py" <<'PY'
import asyncio, socket
import uvicorn

async def app(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    await send(head)
    await send({"type": "http.response.body", "body": str(len(body)).encode()})

async def length_seen(http):
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=http, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Length: 5\r\n\r\nhello"
    )
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    seen = int(await reader.readexactly(1))
    writer.close()
    server.should_exit = True
    await task
    assert answer.startswith(b"HTTP/1.1 200")
    return seen

for http in ("httptools", "h11"):
    print(f"{http}: the application was given {asyncio.run(length_seen(http))} of 5 bytes")
PY
found=$("$work/venv/bin/python" "$work/try.py" 2>/dev/null)
echo "$found"
[ "$found" = $'httptools: the application was given 0 of 5 bytes\nh11: the application was given 5 of 5 bytes' ] ||
    { echo "this is no longer so" >&2; exit 1; }
