"""Reals as integers with a public exponent, as python-paillier encodes them."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from isthmus.compat.phe.public import PaillierPublicKey

Self = TypeVar("Self", bound="EncodedNumber")


class EncodedNumber:
    """The number ``mantissa * BASE ** exponent``, the mantissa as a residue modulo n.

    Residues up to ``max_int`` are non-negative mantissas, those from ``n - max_int`` on negative ones; what
    lies between tells of an overflow. Other bases: subclasses that set ``BASE`` and ``LOG2_BASE``.

    Parameters
    ----------
    public_key : PaillierPublicKey
    encoding : int
        The residue.
    exponent : int
        Never encrypted.
    """

    BASE: ClassVar[int] = 16
    LOG2_BASE: ClassVar[float] = math.log2(16)
    FLOAT_MANTISSA_BITS: ClassVar[int] = sys.float_info.mant_dig

    def __init__(self, public_key: PaillierPublicKey, encoding: int, exponent: int) -> None:
        self.public_key = public_key
        self.encoding = encoding
        self.exponent = exponent

    @classmethod
    def encode(
        cls: type[Self],
        public_key: PaillierPublicKey,
        scalar: Any,
        precision: float | None = None,
        max_exponent: int | None = None,
    ) -> Self:
        """Encode an int or a float.

        Parameters
        ----------
        precision : float, optional
            A difference that must not be lost. By default integers get the exponent 0, and floats one that
            keeps their last bit.
        max_exponent : int, optional
            The exponent is at most this.

        Raises
        ------
        TypeError
            If the precision of this type is not known.
        ValueError
            If the mantissa exceeds ``public_key.max_int``.
        """
        exponent = cls._natural_exponent(scalar, precision)
        if max_exponent is not None:
            exponent = min(exponent, max_exponent)
        mantissa = round(Fraction(scalar) * Fraction(cls.BASE) ** -exponent)
        if abs(mantissa) > public_key.max_int:
            raise ValueError(f"the number does not fit: its mantissa exceeds {public_key.max_int}")
        return cls(public_key, mantissa % public_key.n, exponent)

    @classmethod
    def _natural_exponent(cls, scalar: Any, precision: float | None) -> int:
        if precision is not None:
            return math.floor(math.log(precision, cls.BASE))
        if isinstance(scalar, int):
            return 0
        if isinstance(scalar, float):
            last_bit = math.frexp(scalar)[1] - cls.FLOAT_MANTISSA_BITS
            return math.floor(last_bit / cls.LOG2_BASE)
        raise TypeError(f"the precision of a {type(scalar).__name__} is not known")

    def decode(self) -> int | float:
        """Return the number: an int where the exponent is not negative.

        Raises
        ------
        OverflowError
            If the residue lies between the positive and the negative mantissas, or the result is beyond
            floats.
        ValueError
            If the residue is not below n.
        """
        key = self.public_key
        if self.encoding >= key.n:
            raise ValueError("the encoding is not below n")
        if self.encoding <= key.max_int:
            mantissa = self.encoding
        elif self.encoding >= key.n - key.max_int:
            mantissa = self.encoding - key.n
        else:
            raise OverflowError("the number overflowed")
        scale = int(self.BASE ** abs(self.exponent))
        if self.exponent >= 0:
            return mantissa * scale
        return mantissa / scale  # of two ints: correctly rounded, or OverflowError

    def decrease_exponent_to(self: Self, new_exp: int) -> Self:
        """Return the same number with a lower exponent; an overflow of the mantissa goes unnoticed.

        Raises
        ------
        ValueError
            If `new_exp` is above the exponent.
        """
        if new_exp > self.exponent:
            raise ValueError(f"the exponent {self.exponent} cannot be raised to {new_exp}")
        factor = self.BASE ** (self.exponent - new_exp)
        return self.__class__(self.public_key, self.encoding * factor % self.public_key.n, new_exp)
