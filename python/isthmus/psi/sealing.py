"""Boxes between two members of a run that a third one carries: X25519, HKDF-SHA256, ChaCha20-Poly1305."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from isthmus.errors import PeerValue, TranscriptError

_KEY_BYTES = 32


class _Lane:
    """One direction between two members: a key of its own, and a counter for nonces."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._boxes = 0

    def seal(self, content: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(), content, None)

    def open(self, box: bytes) -> bytes:
        return self._cipher.decrypt(self._nonce(), box, None)

    def _nonce(self) -> bytes:
        self._boxes += 1
        return self._boxes.to_bytes(12, "big")


class RunKey:
    """This member's key for one run; implements :class:`isthmus.protocol.psi_star_steps.Seals`."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()
        self.public_key = self._private.public_key().public_bytes_raw()
        self._outgoing: dict[int, _Lane] = {}
        self._incoming: dict[int, _Lane] = {}

    def bind(self, own: int, public_keys: Sequence[bytes], context: bytes) -> None:
        """Agree on keys with everyone; ``context`` stands for all that the members were told of the run."""
        for other, public_key in enumerate(public_keys):
            if other == own:
                continue
            try:
                shared = self._private.exchange(X25519PublicKey.from_public_bytes(public_key))
            except ValueError:
                raise PeerValue("a member's key for the run is no key") from None
            self._outgoing[other] = _Lane(_derive(shared, context, own, other))
            self._incoming[other] = _Lane(_derive(shared, context, other, own))

    def seal(self, to: int, content: bytes) -> bytes:
        """Return the next box for a member."""
        return self._outgoing[to].seal(content)

    def open(self, sender: int, box: bytes) -> bytes:
        """Return the content of a member's next box."""
        try:
            return self._incoming[sender].open(box)
        except InvalidTag:
            raise TranscriptError("a message between members was altered on its way") from None


def _derive(shared: bytes, context: bytes, sender: int, to: int) -> bytes:
    info = b"isthmus psi_star/2 box" + bytes([sender, to])
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=context, info=info).derive(shared)
