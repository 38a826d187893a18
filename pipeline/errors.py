"""One root for every fault raised here: a code, an id, a place, never payload."""

from typing import ClassVar

from schemas.codes import ErrorCode


class VeilError(Exception):
    """Base of every error raised here; carries a code and never payload text.

    `detail` names a place (a field path, a topic, a file) or a count. It must
    be text of the project's own: never a value of a job, and never
    `str(third_party_exception)`.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code.value)
        self.detail = detail


class DetectionFailed(VeilError):
    """A recognizer raised or ran out of time; the job is refused, never sent unchecked."""

    code = ErrorCode.DETECTION_FAILED
