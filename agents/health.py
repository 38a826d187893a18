"""The worker's own port: `/metrics`, `/livez`, `/readyz`. Numbers and role names, no payload."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.settings import HealthSettings


class HealthServer:
    """Serves metrics and probes until it is closed."""

    def __init__(
        self,
        settings: HealthSettings,
        registry: CollectorRegistry,
        *,
        alive: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._alive = alive
        self._ready = ready
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen; returns the port, which the system chose where the setting is 0."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain", charset="utf-8")

    async def _livez(self, _: web.Request) -> web.Response:
        return _verdict(self._alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _verdict(self._ready())


def _verdict(good: bool) -> web.Response:
    return web.Response(status=200 if good else 503, text="ok\n" if good else "no\n")
