"""Who a party is, and who its peer must be.

A party is known by its name and the SHA-256 fingerprint of its public key (SubjectPublicKeyInfo). A
certificate is accepted only if it chains to the configured authority, is in date, carries the peer's name as
its subject alternative name, and has exactly the pinned fingerprint: another tenant of the same authority is
not the peer.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from isthmus.errors import ConfigError, NotAuthorised, TlsAuth

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_name(name: str, key: str = "name") -> str:
    """Return ``name`` if it can name a party: a DNS label in lower case. A ConfigError names ``key``."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{key}: up to 63 lower-case letters, digits and inner hyphens")
    return name


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the pin of a certificate: SHA-256 of its SubjectPublicKeyInfo, in hex."""
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(key).hexdigest()


@dataclass(frozen=True)
class Identity:
    """This party's certificate and key, and the pin of its peer. Its repr and pickle hold no key."""

    name: str
    certificate_path: Path
    private_key_path: Path
    authority_path: Path
    peer_name: str
    peer_fingerprint: str
    revoked: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_name(self.name, "party.name")
        check_name(self.peer_name, "peer.name")
        if self.name == self.peer_name:
            raise ConfigError("peer.name: the peer must have another name than this party")
        for pin in (self.peer_fingerprint, *self.revoked):
            if not _FINGERPRINT.fullmatch(pin):
                raise ConfigError("peer.fingerprint, peer.revoked: 64 hex digits, as party init prints them")
        if self._private_key().public_key() != self._certificate().public_key():
            raise ConfigError("party.private_key: does not belong to party.certificate")

    @property
    def authority_pem(self) -> bytes:
        """The certificates that the peer's must chain to."""
        return _read(self.authority_path, "party.authority")

    @property
    def certificate_der(self) -> bytes:
        """This party's certificate."""
        return self._certificate().public_bytes(serialization.Encoding.DER)

    def sign(self, data: bytes) -> bytes:
        """Sign with ECDSA on P-256 and SHA-256."""
        return self._private_key().sign(data, ec.ECDSA(hashes.SHA256()))

    def derive_key(self, purpose: bytes, salt: bytes) -> bytes:
        """Return 32 secret bytes that only the holder of the private key can derive (HKDF with SHA-256)."""
        secret = self._private_key().private_numbers().private_value
        width = (self._private_key().key_size + 7) // 8
        hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose)
        return hkdf.derive(secret.to_bytes(width, "big"))

    def check_peer(self, certificate_der: bytes) -> None:
        """Raise unless this is the peer's: TlsAuth if revoked or out of date, NotAuthorised if another's."""
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            pin, names = fingerprint(certificate), certificate_names(certificate)
        except (ValueError, UnsupportedAlgorithm):
            raise TlsAuth("the peer gave no readable certificate") from None
        if pin in self.revoked:
            raise TlsAuth("the peer's certificate is revoked")
        if pin != self.peer_fingerprint or self.peer_name not in names:
            raise NotAuthorised(f"the certificate is valid but is not the one pinned for {self.peer_name}")
        now = datetime.now(timezone.utc)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise TlsAuth("the peer's certificate is out of date")

    def verify_peer(self, certificate_der: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the key of a certificate that :meth:`check_peer` passed made this signature."""
        key = x509.load_der_x509_certificate(certificate_der).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        try:
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def _certificate(self) -> x509.Certificate:
        return load_certificate(self.certificate_path, "party.certificate")

    def _private_key(self) -> ec.EllipticCurvePrivateKey:
        if self.private_key_path.is_file() and self.private_key_path.stat().st_mode & 0o077:
            raise ConfigError("party.private_key: others can read the file; chmod 600 it")
        try:
            key = serialization.load_pem_private_key(_read(self.private_key_path, "party.private_key"), None)
        except (ValueError, TypeError):
            raise ConfigError("party.private_key: not an unencrypted PEM private key") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError("party.private_key: must be an elliptic-curve key (P-256)")
        return key


def load_certificate(path: Path, key: str) -> x509.Certificate:
    """Read one PEM certificate; ``key`` is named in the ConfigError."""
    try:
        return x509.load_pem_x509_certificate(_read(path, key))
    except ValueError:
        raise ConfigError(f"{key}: not a PEM certificate") from None


def _read(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{key}: cannot read the file: {error.strerror}") from None


def certificate_names(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names that a certificate carries."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)
