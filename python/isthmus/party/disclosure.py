"""Which error codes the peer may be told.

Codes about the conversation tell the peer nothing that it does not know. A code about this party's data, keys
or disk would: that a label column holds one class, say. Those cross as the generic ``ERR_INTERNAL``.
"""

from __future__ import annotations

from isthmus import errors

_PUBLIC = frozenset(
    kind.code
    for kind in (
        errors.AlignmentError,
        errors.CancelledError,
        errors.CiphertextNotUnit,
        errors.CiphertextRange,
        errors.DeadlineError,
        errors.DecodeError,
        errors.KeyRejected,
        errors.NoCommonSuite,
        errors.NotAuthorised,
        errors.ParameterMismatch,
        errors.PeerDuplicate,
        errors.PeerTruncated,
        errors.PeerValue,
        errors.PointEncoding,
        errors.PointInvalid,
        errors.ProofInvalid,
        errors.ProtocolCount,
        errors.ProtocolState,
        errors.ReplayError,
        errors.ResultTooSmall,
        errors.ResumeMismatch,
        errors.SequenceError,
        errors.SessionError,
        errors.TlsAuth,
        errors.TooLarge,
        errors.TranscriptError,
        errors.VersionError,
    )
)


def public_code(error: BaseException) -> str:
    """Return the code that the peer may see for ``error``."""
    code = getattr(error, "code", "")
    return code if code in _PUBLIC else errors.IsthmusError.code
