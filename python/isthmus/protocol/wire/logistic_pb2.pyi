from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_UNSPECIFIED: _ClassVar[Stage]
    MOMENT_ROWS: _ClassVar[Stage]
    MOMENT_SUMS: _ClassVar[Stage]
    TRIPLE_VECTORS: _ClassVar[Stage]
    TRIPLE_PRODUCTS: _ClassVar[Stage]
    OPEN_MATRIX: _ClassVar[Stage]
    OPEN_VECTORS: _ClassVar[Stage]
    PEER_WEIGHTS: _ClassVar[Stage]
    FORWARD: _ClassVar[Stage]
    SCORE_POWERS: _ClassVar[Stage]
    CUBES: _ClassVar[Stage]
    RESIDUALS: _ClassVar[Stage]
    GRADIENT: _ClassVar[Stage]
    REVEAL: _ClassVar[Stage]
STAGE_UNSPECIFIED: Stage
MOMENT_ROWS: Stage
MOMENT_SUMS: Stage
TRIPLE_VECTORS: Stage
TRIPLE_PRODUCTS: Stage
OPEN_MATRIX: Stage
OPEN_VECTORS: Stage
PEER_WEIGHTS: Stage
FORWARD: Stage
SCORE_POWERS: Stage
CUBES: Stage
RESIDUALS: Stage
GRADIENT: Stage
REVEAL: Stage

class Key(_message.Message):
    __slots__ = ("public_key",)
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    def __init__(self, public_key: _Optional[bytes] = ...) -> None: ...

class Ciphertexts(_message.Message):
    __slots__ = ("stage", "start", "count", "data")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    stage: Stage
    start: int
    count: int
    data: bytes
    def __init__(self, stage: _Optional[_Union[Stage, str]] = ..., start: _Optional[int] = ..., count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RingWords(_message.Message):
    __slots__ = ("stage", "count", "data")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    stage: Stage
    count: int
    data: bytes
    def __init__(self, stage: _Optional[_Union[Stage, str]] = ..., count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class PartialScores(_message.Message):
    __slots__ = ("start", "count", "data")
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    start: int
    count: int
    data: bytes
    def __init__(self, start: _Optional[int] = ..., count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
