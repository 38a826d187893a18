"""The plug-in processes of a worker."""

from collections.abc import Iterable

from pipeline.adapters.recognizers.process import PluginUnavailable, ProcessRecognizer
from pipeline.detection import Recognizer
from pipeline.policy import MalformedPolicy, PluginUse


class RunningPlugins:
    """The plug-ins of a worker; policies that use one with the same options share its process."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, bytes, float], ProcessRecognizer] = {}

    def __call__(self, use: PluginUse) -> Recognizer:
        """Give the plug-in, started if it wasn't.

        Raises:
            MalformedPolicy: It cannot be; the message names the place that asks for it.

        """
        key = _key(use)
        if key not in self._running:
            try:
                self._running[key] = ProcessRecognizer(*key)
            except PluginUnavailable as exc:
                raise MalformedPolicy(f"{use.place}: {exc.detail}") from None
        return self._running[key]

    def keep(self, uses: Iterable[PluginUse]) -> None:
        """End the processes of all others."""
        wanted = set(map(_key, uses))
        for key in self._running.keys() - wanted:
            self._running.pop(key).close()

    def close(self) -> None:
        """End their processes; they end with the worker, too."""
        for recognizer in self._running.values():
            recognizer.close()
        self._running.clear()


def _key(use: PluginUse) -> tuple[str, bytes, float]:
    return use.name, bytes(use.options), use.time_limit
