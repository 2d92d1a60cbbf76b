"""Oblivious pseudorandom functions (RFC 9497): learn F(key, input), show no input, see no key.

>>> import isthmus as ist
>>> suite = ist.oprf.suite("ristretto255-SHA512", mode="voprf")
>>> server = ist.oprf.Server(suite.generate_key())
>>> client = ist.oprf.Client(suite, server.public_key)
>>> blinded = client.blind([b"alice", b"bob"])
>>> evaluation = server.evaluate(blinded.elements)      # the only thing the server sees
>>> outputs = client.finalize(blinded, evaluation)      # uint8, shape (2, 64)
>>> bool((outputs == server.evaluate_directly([b"alice", b"bob"])).all())
True

Every call takes a whole batch and runs on all threads. Limit how often a client may ask: what a server
evaluates, the client knows, and every query wears the key a little (``docs/protocols/oprf.md``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from isthmus import _core
from isthmus.errors import (
    DecodeError,
    InvalidArgument,
    IsthmusError,
    PointEncoding,
    ProofInvalid,
    ProtocolCount,
)
from isthmus.groups import Group, group

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Blinded", "Client", "Evaluation", "PrivateKey", "Server", "Suite", "suite", "suite_names"]

Mode = Literal["oprf", "voprf"]
Elements = NDArray[np.uint8]


@dataclass(frozen=True)
class Suite:
    """A ciphersuite in a mode; get one from :func:`suite`. Both parties must use the same.

    Attributes
    ----------
    identifier
        The RFC's name, for example ``"ristretto255-SHA512"``.
    mode
        ``"oprf"``, or ``"voprf"``: the server proves that it used the key behind its public key.
    group
        The group whose encoded elements travel.
    output_bytes
        Width of one output.
    """

    identifier: str
    mode: Mode
    group: Group
    output_bytes: int
    _native: _core.oprf.Oprf = field(repr=False, compare=False)

    def generate_key(self) -> PrivateKey:
        """Draw a fresh key from the operating system's randomness."""
        return PrivateKey(self, self.group.random_scalar())

    def derive_key(self, seed: bytes, info: bytes = b"") -> PrivateKey:
        """Return the key that follows from 32 secret uniform bytes and a public label, the same each time.

        Keep the seed to have the key again. The same seed gives another key in another mode.

        Raises
        ------
        InvalidArgument
            The seed does not have 32 bytes, or ``info`` more than 65535.
        """
        return PrivateKey(self, self._native.derive_key(seed, info))


class PrivateKey:
    """A server's key: opaque, wiped from memory when released, not picklable.

    Attributes
    ----------
    suite
        What it is a key of.
    public_key
        The encoded element that clients check proofs against; give it to them over a channel they trust.
    """

    def __init__(self, suite: Suite, scalar: _core.group.Scalar) -> None:
        self.suite = suite
        self._scalar = scalar
        generator = np.frombuffer(suite.group.generator, dtype=np.uint8).reshape(1, -1)
        self.public_key = suite.group.scalar_mult(scalar, generator).tobytes()

    def __repr__(self) -> str:
        return f"PrivateKey({self.suite.identifier!r}, {self.suite.mode!r}, secret)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key cannot be pickled; derive it again from its seed")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a server answers.

    Attributes
    ----------
    elements
        Encoded elements, one per blinded element, in the same order: ``uint8``, ``(n, element_bytes)``.
    proof
        In verifiable mode one proof for every 65535 elements begun: ``uint8`` of shape ``(k, 2 *
        scalar_bytes)``, so one row for most batches. None in the other mode.
    """

    elements: Elements
    proof: Elements | None = None


class Server:
    """Holds the key.

    Parameters
    ----------
    key
        From :meth:`Suite.generate_key` or :meth:`Suite.derive_key`. It must serve nothing else.
    """

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    @property
    def suite(self) -> Suite:
        """The suite and mode of the key."""
        return self._key.suite

    @property
    def public_key(self) -> bytes:
        """What clients check proofs against."""
        return self._key.public_key

    def evaluate(self, blinded: Elements) -> Evaluation:
        """Multiply a client's elements by the key and, in verifiable mode, prove it.

        Parameters
        ----------
        blinded
            Shape ``(n, element_bytes)``. Each element is validated first.

        Raises
        ------
        PointEncoding, PointInvalid
            An element is not canonical, is none, or is the identity; ``row`` says which.
        """
        return self._evaluate(blinded, None)

    def _evaluate(self, blinded: Elements, nonce: _core.group.Scalar | None) -> Evaluation:
        key = self._key._scalar
        elements = self.suite.group.scalar_mult(key, blinded)
        if self.suite.mode == "oprf":
            return Evaluation(elements)
        prover = self.suite._native.proof
        points = np.ascontiguousarray(blinded)
        proofs = [
            prover.prove(key, self.public_key, points[rows], elements[rows], nonce)
            for rows in _proof_batches(len(points))
        ]
        return Evaluation(elements, _proof_rows(proofs, prover.proof_bytes))

    def evaluate_directly(self, inputs: Sequence[bytes] | pa.BinaryArray) -> NDArray[np.uint8]:
        """Return F(key, input) for inputs that the server itself knows.

        Returns
        -------
        numpy.ndarray
            Shape ``(n, output_bytes)``; equal to what a client's :meth:`Client.finalize` returns.

        Raises
        ------
        InvalidArgument
            An input is longer than 65535 bytes; ``row`` says which.
        """
        return self.suite._native.evaluate_directly(_listed(inputs), self._key._scalar)


class Blinded:
    """A batch of inputs under fresh blinds, from :meth:`Client.blind`.

    It holds the inputs and the blinds, which are wiped from memory when it is released; it prints neither and
    cannot be pickled.

    Attributes
    ----------
    elements
        What to send: uniform elements that say nothing about the inputs. Shape ``(n, element_bytes)``.
    """

    def __init__(self, suite: Suite, inputs: list[bytes], blinds: _core.group.Scalars) -> None:
        self.elements: Elements = suite._native.blind(inputs, blinds)
        self._suite = suite
        self._inputs = inputs
        self._blinds = blinds

    def __len__(self) -> int:
        return len(self._inputs)

    def __repr__(self) -> str:
        return f"Blinded({len(self)} inputs, secret)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("blinded inputs cannot be pickled; send their elements")


class Client:
    """Has inputs, and learns F of them.

    Parameters
    ----------
    suite
        As the server's.
    public_key
        The server's, in verifiable mode and only then; learned over a channel the client trusts.

    Raises
    ------
    InvalidArgument
        The public key is missing, or given in a mode that has no use for it.
    PointEncoding, PointInvalid
        It is not a valid element.
    """

    def __init__(self, suite: Suite, public_key: bytes | None = None) -> None:
        if (public_key is not None) != (suite.mode == "voprf"):
            raise InvalidArgument("a client needs the server's public key in voprf mode, and only there")
        if public_key is not None:
            suite._native.proof.check_public_key(public_key)
        self.suite = suite
        self._public_key = public_key

    def blind(self, inputs: Sequence[bytes] | pa.BinaryArray) -> Blinded:
        """Hash each input to the group and multiply it by a blind of its own.

        Raises
        ------
        InvalidArgument
            An input is longer than 65535 bytes; ``row`` says which.
        """
        listed = _listed(inputs)
        return Blinded(self.suite, listed, self.suite.group._native.random_scalars(len(listed)))

    def finalize(self, blinded: Blinded, evaluation: Evaluation) -> NDArray[np.uint8]:
        """Check the server's answer, take the blinds off, and hash to the outputs.

        Returns
        -------
        numpy.ndarray
            Shape ``(n, output_bytes)``.

        Raises
        ------
        ProofInvalid
            The server did not multiply all elements by the key behind its public key, or sent no proof.
        ProtocolCount
            Another number of elements or proofs came than belong to the batch.
        PointEncoding, PointInvalid
            An element is not canonical, is none, or is the identity; ``row`` says which.
        DecodeError
            A proof does not parse.
        InvalidArgument
            The inputs were blinded for another suite or mode.
        """
        if blinded._suite != self.suite:
            raise InvalidArgument("these inputs were blinded for another suite or mode")
        elements = evaluation.elements
        if elements.dtype != np.uint8 or elements.ndim != 2:
            raise PointEncoding("elements must be a uint8 array of shape (n, element_bytes)")
        elements = np.ascontiguousarray(elements)
        if len(elements) != len(blinded):
            raise ProtocolCount(f"the server answered {len(elements)} elements to {len(blinded)}")
        if self._public_key is not None:
            self._verify(self._public_key, blinded.elements, elements, evaluation.proof)
        return self.suite._native.finalize(blinded._inputs, blinded._blinds, elements)

    def _verify(
        self, public_key: bytes, points: Elements, multiples: Elements, proof: Elements | None
    ) -> None:
        if proof is None:
            raise ProofInvalid("the server sent no proof")
        prover = self.suite._native.proof
        if proof.dtype != np.uint8 or proof.ndim != 2 or proof.shape[1] != prover.proof_bytes:
            raise DecodeError(f"proofs must be a uint8 array of shape (k, {prover.proof_bytes})")
        batches = list(_proof_batches(len(points)))
        if len(proof) != len(batches):
            raise ProtocolCount(f"the server sent {len(proof)} proofs for {len(batches)} batches")
        for rows, one in zip(batches, proof, strict=True):
            try:
                prover.verify(public_key, points[rows], multiples[rows], one.tobytes())
            except IsthmusError as error:
                if error.row is not None:
                    error.row += rows.start
                raise


def suite(identifier: str, mode: Mode = "voprf") -> Suite:
    """Return a ciphersuite of RFC 9497 in a mode.

    Raises
    ------
    InvalidArgument
        The name or the mode is unknown; the message lists those that exist.
    """
    if mode not in ("oprf", "voprf"):
        raise InvalidArgument(f"unknown OPRF mode {mode!r}; there is: oprf, voprf")
    native = _core.oprf.Oprf(identifier, mode == "voprf")
    return Suite(identifier, mode, group(native.group), native.output_bytes, native)


def suite_names() -> list[str]:
    """Names that :func:`suite` accepts."""
    return _core.oprf.suite_identifiers()


def _listed(inputs: Sequence[bytes] | pa.BinaryArray) -> list[bytes]:
    # A list of our own: the native code reads it while other threads run.
    return inputs.to_pylist() if hasattr(inputs, "to_pylist") else list(inputs)


def _proof_batches(count: int) -> Iterator[slice]:
    step = _core.oprf.MAX_PROOF_BATCH
    return (slice(first, min(first + step, count)) for first in range(0, count, step))


def _proof_rows(proofs: list[bytes], width: int) -> Elements:
    return np.frombuffer(b"".join(proofs), dtype=np.uint8).reshape(len(proofs), width)


def __dir__() -> list[str]:
    return sorted(__all__)
