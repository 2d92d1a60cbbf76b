"""Keys and certificates for parties: ECDSA on P-256, which every TLS 1.3 stack accepts.

Two institutions need no common authority: each makes a self-signed certificate, they exchange the certificate
files, and each compares the fingerprint by another way (a telephone call) before it pins the other's.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isthmus.errors import StorageError
from isthmus.party.identity import check_name, fingerprint

_CLOCK_SKEW = timedelta(minutes=5)


class Authority:
    """A certificate authority in memory; its key is never written."""

    def __init__(self, name: str = "isthmus-authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        self.certificate = _sign(subject, subject, self._key.public_key(), self._key, days=30, authority=True)

    def issue(self, folder: Path, name: str, *, days: int = 30) -> str:
        """Write ``name.key`` and ``name.crt`` into ``folder``; return the fingerprint."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(
            _subject(check_name(name)), self.certificate.subject, key.public_key(), self._key, days=days
        )
        return _write(folder, name, key, certificate)

    def write_certificate(self, path: Path) -> None:
        """Write the authority's own certificate, which the parties trust."""
        write_file(path, self.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def self_signed(folder: Path, name: str, *, days: int = 730) -> str:
    """Write ``name.key`` and a self-signed ``name.crt``; return the fingerprint to tell the peer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(check_name(name))
    return _write(folder, name, key, _sign(subject, subject, key.public_key(), key, days=days))


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Create ``path`` with these permissions. Raises StorageError if it exists: no key is overwritten."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        raise StorageError(f"cannot create {path.name}: {error.strerror}") from None


def _write(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> str:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_file(folder / f"{name}.key", private, 0o600)
    write_file(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return fingerprint(certificate)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    end = now + timedelta(days=days)
    name = subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, end) - _CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if not authority:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(str(name))]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    return builder.sign(issuer_key, hashes.SHA256())
