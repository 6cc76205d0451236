"""A TCP proxy in front of PostgreSQL that loses the reply to a chosen COMMIT, or the COMMIT itself."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_COMMIT = b"COMMIT\x00"  # the simple query as psycopg sends it
_PIECE = 65_536


class CuttingProxy:
    """Forwards to the server's socket; cuts the connection at the commits with the numbers in `cut_at`.

    forwarded   whether the server still gets the COMMIT (and has done it when the connection is cut) or never sees it
    cuts        how many were cut so far
    """

    def __init__(self, server: Path, cut_at: set[int], *, forwarded: bool) -> None:
        """Listen on a free port of the loopback."""
        self._server, self._cut_at, self._forwarded = server, cut_at, forwarded
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._commits = 0
        self.cuts = 0
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def running(self) -> Iterator["CuttingProxy"]:
        """Serve until the block ends."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the end
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):  # cut by the other direction
            while piece := client.recv(_PIECE):
                cut = _COMMIT in piece and self._is_cut()
                if cut:
                    client.shutdown(socket.SHUT_RDWR)  # from here on no reply can reach the client
                if not cut or self._forwarded:
                    server.sendall(piece)
                if cut:
                    break
        _shut(server, socket.SHUT_WR)  # the server does what it was sent, then sees the end

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with client, server:
            with suppress(OSError):
                while piece := server.recv(_PIECE):
                    client.sendall(piece)
            _shut(client, socket.SHUT_RDWR)
            _shut(server, socket.SHUT_RDWR)

    def _is_cut(self) -> bool:
        with self._lock:
            self._commits += 1
            self.cuts += self._commits in self._cut_at
            return self._commits in self._cut_at


def _shut(end: socket.socket, how: int) -> None:
    with suppress(OSError):  # it is shut already
        end.shutdown(how)
