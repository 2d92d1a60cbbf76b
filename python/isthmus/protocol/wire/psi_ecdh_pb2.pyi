from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_RECEIVER: _ClassVar[Role]
    ROLE_SENDER: _ClassVar[Role]
    ROLE_BOTH: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_RECEIVER: Role
ROLE_SENDER: Role
ROLE_BOTH: Role

class Start(_message.Message):
    __slots__ = ("role", "count", "nonce", "resume")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    role: Role
    count: int
    nonce: bytes
    resume: Resume
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., count: _Optional[int] = ..., nonce: _Optional[bytes] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("run", "masked", "answered")
    RUN_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    run: bytes
    masked: int
    answered: int
    def __init__(self, run: _Optional[bytes] = ..., masked: _Optional[int] = ..., answered: _Optional[int] = ...) -> None: ...

class Masked(_message.Message):
    __slots__ = ("index", "points")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    index: int
    points: bytes
    def __init__(self, index: _Optional[int] = ..., points: _Optional[bytes] = ...) -> None: ...

class DoubleMasked(_message.Message):
    __slots__ = ("index", "tags")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    index: int
    tags: bytes
    def __init__(self, index: _Optional[int] = ..., tags: _Optional[bytes] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: bool = ...) -> None: ...
