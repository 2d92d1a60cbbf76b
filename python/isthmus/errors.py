"""Typed errors: one class per cause, each with a stable ``code``.

The codes that the native core raises are mirrored one to one from ``cpp/include/isthmus/core/error.hpp``.
Messages never hold identifiers, keys or plaintexts. ``row`` is the position in the caller's batch that
failed, where one position did.
"""

from __future__ import annotations


class IsthmusError(Exception):
    """Base of every error that isthmus raises on purpose."""

    code = "ERR_INTERNAL"

    def __init__(self, message: str = "", *, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row

    def __str__(self) -> str:
        where = "" if self.row is None else f" (row {self.row})"
        return f"{self.code}: {self.args[0]}{where}"


class InvalidArgument(IsthmusError, ValueError):
    """A call's own argument is wrong; nothing was computed."""

    code = "ERR_INVALID_ARGUMENT"


# --- cryptography (raised by the core) ---------------------------------------------------------------------


class CiphertextRange(IsthmusError):
    """A ciphertext does not lie in 0 < c < n²."""

    code = "ERR_CIPHERTEXT_RANGE"


class CiphertextNotUnit(IsthmusError):
    """A ciphertext shares a factor with n."""

    code = "ERR_CIPHERTEXT_NOT_UNIT"


class KeyMismatch(IsthmusError):
    """Two things that must belong to one key belong to different keys."""

    code = "ERR_KEY_MISMATCH"


class KeyRejected(IsthmusError):
    """A public key breaks a rule; the message names the rule."""

    code = "ERR_KEY_REJECTED"


class KeyCorrupt(IsthmusError):
    """A private key file or its contents are damaged or inconsistent."""

    code = "ERR_KEY_CORRUPT"


class DecodeError(IsthmusError):
    """Bytes do not parse as what was expected."""

    code = "ERR_DECODE"


class PlaintextOverflow(IsthmusError, OverflowError):
    """A plaintext, a scale or a number of additions exceeds the proven bound."""

    code = "ERR_PLAINTEXT_OVERFLOW"


class FaultDetected(IsthmusError):
    """A private-key computation failed its own check; its output was destroyed."""

    code = "ERR_FAULT_DETECTED"


class RngError(IsthmusError):
    """The operating system's random number generator failed."""

    code = "ERR_RNG"


class PointInvalid(IsthmusError):
    """An encoded group element is not a valid element, or is the identity."""

    code = "ERR_POINT_INVALID"


class PointEncoding(IsthmusError):
    """An encoded group element is not in canonical form."""

    code = "ERR_POINT_ENCODING"


class HashToCurveError(IsthmusError):
    """Hashing to the group was asked for parameters outside RFC 9380's bounds."""

    code = "ERR_H2C"


class IdEncoding(IsthmusError):
    """An identifier is not valid text, or is too long; ``row`` says which."""

    code = "ERR_ID_ENCODING"


class ProofInvalid(IsthmusError):
    """A proof does not hold: its author did not compute what it claims."""

    code = "ERR_PROOF_INVALID"


# --- protocol and transport --------------------------------------------------------------------------------


class PeerDuplicate(IsthmusError):
    """The peer sent the same masked element twice."""

    code = "ERR_PEER_DUPLICATE"


class ProtocolCount(IsthmusError):
    """The peer sent a different number of elements than the protocol requires."""

    code = "ERR_PROTOCOL_COUNT"


class ProtocolState(IsthmusError):
    """A message arrived that this state of the protocol does not accept."""

    code = "ERR_PROTOCOL_STATE"


class ReplayError(IsthmusError):
    """A frame arrived twice."""

    code = "ERR_REPLAY"


class SessionError(IsthmusError):
    """A frame belongs to another session or direction."""

    code = "ERR_SESSION"


class SequenceError(IsthmusError):
    """A frame is missing or out of order."""

    code = "ERR_SEQUENCE"


class TooLarge(IsthmusError):
    """A frame or message exceeds its limit; nothing was allocated for it."""

    code = "ERR_TOO_LARGE"


class PeerTruncated(IsthmusError):
    """The peer's stream ended in the middle of a message."""

    code = "ERR_PEER_TRUNCATED"


class PeerGone(IsthmusError):
    """The peer closed the connection before the protocol ended."""

    code = "ERR_PEER_GONE"


class PeerFailed(IsthmusError):
    """The peer reported an error of its own; ``peer_code`` holds its code."""

    code = "ERR_PEER_FAILED"

    def __init__(self, message: str = "", *, row: int | None = None, peer_code: str = "") -> None:
        super().__init__(message, row=row)
        self.peer_code = peer_code


class DeadlineError(IsthmusError, TimeoutError):
    """The peer stayed silent for longer than the deadline."""

    code = "ERR_DEADLINE"


class PeerSilent(DeadlineError):
    """A connection brought nothing for longer than the deadline: the peer hangs, or the network lost it."""


class CancelledError(IsthmusError):
    """One side cancelled the task."""

    code = "ERR_CANCELLED"


class VersionError(IsthmusError):
    """The parties have no protocol version in common; the message lists the supported ones."""

    code = "ERR_VERSION"


class NoCommonSuite(IsthmusError):
    """The parties' suites or minimum strengths do not meet; there is no silent downgrade."""

    code = "ERR_NO_COMMON_SUITE"


class ParameterMismatch(IsthmusError):
    """The parties started the same protocol with different parameters; the message names them."""

    code = "ERR_PARAMETERS"


class TranscriptError(IsthmusError):
    """The parties' transcripts differ: something altered the conversation."""

    code = "ERR_TRANSCRIPT"


class TlsAuth(IsthmusError):
    """The peer's certificate is untrusted, expired or revoked."""

    code = "ERR_TLS_AUTH"


class NotAuthorised(IsthmusError):
    """The peer's certificate is valid but belongs to another party."""

    code = "ERR_NOT_AUTHORISED"


class PeerValue(IsthmusError):
    """A value from the peer lies outside what an honest party can send."""

    code = "ERR_PEER_VALUE"


# --- data --------------------------------------------------------------------------------------------------


class EmptyInput(IsthmusError):
    """A file or table holds no rows."""

    code = "ERR_EMPTY_INPUT"


class DuplicateId(IsthmusError):
    """An identifier occurs more than once, and the policy is to refuse that."""

    code = "ERR_DUPLICATE_ID"


class SchemaError(IsthmusError):
    """Columns are missing, extra, renamed or of another type; the message lists them."""

    code = "ERR_SCHEMA"


class CsvError(IsthmusError):
    """A CSV file is malformed; the message gives the row."""

    code = "ERR_CSV"


class FeatureValue(IsthmusError):
    """A feature holds NaN, an infinity, or a value outside the fixed-point range."""

    code = "ERR_FEATURE_VALUE"


class LabelError(IsthmusError):
    """Labels are not 0/1, hold a single class, or are missing."""

    code = "ERR_LABEL"


class AlignmentError(IsthmusError):
    """The parties' aligned row counts differ."""

    code = "ERR_ALIGNMENT"


class ResultTooSmall(IsthmusError):
    """The intersection is smaller than the agreed minimum; neither side is shown its size."""

    code = "ERR_RESULT_TOO_SMALL"


class ResumeMismatch(IsthmusError):
    """An interrupted run cannot go on: the input, the parameters or the peer's record of it differ."""

    code = "ERR_RESUME_MISMATCH"


class CheckpointError(IsthmusError):
    """A saved state is damaged, of another version or of another party."""

    code = "ERR_CHECKPOINT"


class ModelFileError(CheckpointError):
    """A saved model is damaged, of another version or of another party."""


class ResourceError(IsthmusError):
    """Memory, or a machine that computes for this party, was lost."""

    code = "ERR_RESOURCE"


class BusyError(IsthmusError):
    """Another process works with the same state."""

    code = "ERR_BUSY"


class StorageError(IsthmusError):
    """A file could not be read or written."""

    code = "ERR_STORAGE"


class PathError(IsthmusError):
    """A path is not a regular file where one is needed."""

    code = "ERR_PATH"


class ConfigError(IsthmusError):
    """A job or party file is wrong; the message names the key."""

    code = "ERR_CONFIG"


def _collect(cls: type[IsthmusError]) -> dict[str, type[IsthmusError]]:
    found: dict[str, type[IsthmusError]] = {}
    for child in cls.__subclasses__():
        found.update(_collect(child))
    return {**found, cls.code: cls}


BY_CODE: dict[str, type[IsthmusError]] = _collect(IsthmusError)


def class_for_code(code: str) -> type[IsthmusError]:
    """Return the class with this stable code; unknown codes give :class:`IsthmusError`."""
    return BY_CODE.get(code, IsthmusError)
