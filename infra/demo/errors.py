"""Why the demo could not go on."""


class DemoFailed(Exception):
    """One line that says what went wrong and, where there is something, what to do."""
