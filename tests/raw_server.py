"""A server on a real socket that sends whatever bytes a test gives it."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator

Answering = Callable[[bytes], Iterable[bytes]]
"""Returns the parts of the answer to one request, given its head; they may be endless."""

CLOSE = b""
"""As the last part of an answer: close the connection."""


@contextlib.contextmanager
def raw_server(answering: Answering, *, pause_s: float = 0.0) -> Iterator[int]:
    """Answer each request until the client leaves; yields the port.

    Args:
        pause_s: seconds between two parts.
    """
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                thread = threading.Thread(target=talk, args=(connection,))
                threads.append(thread)
                thread.start()

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while head := _request(connection):
                for part in answering(head):
                    if part == CLOSE:
                        return
                    connection.sendall(part)
                    if pause_s:
                        time.sleep(pause_s)

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _request(connection: socket.socket) -> bytes:
    """Read one request with its body; b"" if the client left."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536)
    return head


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer."""
    length = b"content-length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


def endless(piece: bytes) -> Iterator[bytes]:
    """The same bytes again and again."""
    while True:
        yield piece
