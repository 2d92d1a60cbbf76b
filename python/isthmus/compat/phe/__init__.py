"""The public interface of python-paillier (``phe`` 1.5): ``from isthmus.compat import phe``.

Keys, ciphertexts and encodings are the same numbers, so either library decrypts what the other encrypted.
For new code :mod:`isthmus.paillier` is the better interface: batches, threads, and keys that never leave
native memory.

Notes
-----
* Keys of 2048 to 4096 bits decrypt in constant time, blinded, and every result is checked. Shorter keys,
  which phe allows and which protect nothing, and longer ones take a plain path.
* A ciphertext that is no unit raises :class:`isthmus.errors.CiphertextRange` or
  :class:`isthmus.errors.CiphertextNotUnit` under keys of 2048 to 4096 bits; phe returns a meaningless number.
* As in phe, primes are attributes of the private key and are pickled with it, a number's exponent is in the
  clear, and products take a time that depends on the factor.
"""

from __future__ import annotations

from isthmus.compat.phe import encoding, paillier, util
from isthmus.compat.phe.encoding import EncodedNumber
from isthmus.compat.phe.paillier import (
    EncryptedNumber,
    PaillierPrivateKey,
    PaillierPrivateKeyring,
    PaillierPublicKey,
    generate_paillier_keypair,
)

__version__ = "1.5.0"  # of the interface

__all__ = [
    "EncodedNumber",
    "EncryptedNumber",
    "PaillierPrivateKey",
    "PaillierPrivateKeyring",
    "PaillierPublicKey",
    "__version__",
    "encoding",
    "generate_paillier_keypair",
    "paillier",
    "util",
]
