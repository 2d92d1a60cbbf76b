"""Encrypted private-key files: scrypt and AES-256-GCM in a PEM-like envelope.

The payload is magic, scrypt's log2(N), r and p (one byte each), salt (16), nonce (12), ciphertext, tag (16);
all before the ciphertext is authenticated. References: RFC 7914 (scrypt), NIST SP 800-38D (GCM).
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import textwrap

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from isthmus.errors import KeyCorrupt, PathError, StorageError

_BEGIN = "-----BEGIN ISTHMUS ENCRYPTED PRIVATE KEY-----"
_END = "-----END ISTHMUS ENCRYPTED PRIVATE KEY-----"
_MAGIC = b"IKF1"
_LOG2_N, _R, _P = 16, 8, 1  # 64 MiB and about 0.2 s for one guess
_SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 12, 16
_HEADER_BYTES = len(_MAGIC) + 3 + _SALT_BYTES + _NONCE_BYTES
_MAX_FILE_BYTES = 1 << 16


def write_key_file(path: str | os.PathLike[str], passphrase: str, secret: bytearray) -> None:
    """Encrypt `secret`, wipe it, and put the file in place in one step, mode 0600."""
    try:
        header = _MAGIC + bytes((_LOG2_N, _R, _P)) + os.urandom(_SALT_BYTES + _NONCE_BYTES)
        encryptor = Cipher(algorithms.AES(_derive(passphrase, header)), _mode(header)).encryptor()
        encryptor.authenticate_additional_data(header)
        payload = header + encryptor.update(secret) + encryptor.finalize() + encryptor.tag
    finally:
        secret[:] = bytes(len(secret))
    lines = textwrap.wrap(base64.b64encode(payload).decode("ascii"), 64)
    _replace_file(os.fspath(path), "\n".join([_BEGIN, *lines, _END, ""]).encode("ascii"))


def read_key_file(path: str | os.PathLike[str], passphrase: str) -> bytearray:
    """Return what :func:`write_key_file` was given; the caller wipes it."""
    payload = _unwrap(_read_regular_file(os.fspath(path)))
    header, body = payload[:_HEADER_BYTES], payload[_HEADER_BYTES:-_TAG_BYTES]
    if not header.startswith(_MAGIC) or header[4:7] != bytes((_LOG2_N, _R, _P)):
        raise KeyCorrupt("the file is not an isthmus key file of this version")
    mode = _mode(header, payload[-_TAG_BYTES:])
    decryptor = Cipher(algorithms.AES(_derive(passphrase, header)), mode).decryptor()
    decryptor.authenticate_additional_data(header)
    secret = bytearray(len(body) + 15)  # update_into asks for one block more
    decryptor.update_into(body, secret)
    del secret[len(body) :]
    try:
        decryptor.finalize()
    except InvalidTag:
        secret[:] = bytes(len(secret))
        raise KeyCorrupt("the passphrase is wrong or the key file is damaged") from None
    return secret


def _derive(passphrase: str, header: bytes) -> bytes:
    salt = header[7 : 7 + _SALT_BYTES]
    return Scrypt(salt=salt, length=32, n=1 << _LOG2_N, r=_R, p=_P).derive(passphrase.encode("utf-8"))


def _mode(header: bytes, tag: bytes | None = None) -> modes.GCM:
    return modes.GCM(header[-_NONCE_BYTES:], tag)


def _unwrap(text: bytes) -> bytes:
    lines = text.decode("ascii", errors="replace").split()
    joined = " ".join(lines)
    if not joined.startswith(_BEGIN) or not joined.endswith(_END):
        raise KeyCorrupt("the file is not an isthmus key file")
    try:
        encoded = "".join(joined.removeprefix(_BEGIN).removesuffix(_END).split())
        payload = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyCorrupt("the key file is damaged") from None
    if len(payload) <= _HEADER_BYTES + _TAG_BYTES:
        raise KeyCorrupt("the key file is truncated")
    return payload


def _read_regular_file(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PathError("the key file is not a regular file")
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise StorageError(f"the key file cannot be read: {error.strerror}") from None


def _replace_file(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise StorageError(f"the key file cannot be written: {error.strerror}") from None
