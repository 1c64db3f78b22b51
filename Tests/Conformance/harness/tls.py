"""TLS in front of a plain server on loopback, with a certificate of its own making."""

import asyncio
import pathlib
import ssl
import subprocess
import threading


def certificate(folder):
    """A key and a certificate for 127.0.0.1 that signs itself; returns both paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key, chain = folder / "key.pem", folder / "certificate.pem"
    if not chain.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return key, chain


class TLSFront:
    """Accepts TLS on a port of its own and passes what is inside on to `port`."""

    def __init__(self, port, folder):
        key, chain = certificate(folder)
        self.authority = str(chain)
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context, limit=1 << 17)

    async def _serve(self, reader, writer):
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=1 << 17)
        except OSError:
            writer.transport.abort()
            return
        # TLS has no half-closed connections: the first end is the end of both.
        pumps = [asyncio.ensure_future(self._pump(reader, inner_writer)), asyncio.ensure_future(self._pump(inner_reader, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in (writer, inner_writer):
            end.close()

    @staticmethod
    async def _pump(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass

    def close(self):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
