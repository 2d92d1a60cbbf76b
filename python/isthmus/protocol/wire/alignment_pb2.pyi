from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class TableShape(_message.Message):
    __slots__ = ("rows", "features", "active", "nonce")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    features: int
    active: bool
    nonce: bytes
    def __init__(self, rows: _Optional[int] = ..., features: _Optional[int] = ..., active: bool = ..., nonce: _Optional[bytes] = ...) -> None: ...
