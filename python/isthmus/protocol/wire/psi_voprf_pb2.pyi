from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_RECEIVER: _ClassVar[Role]
    ROLE_SENDER: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_RECEIVER: Role
ROLE_SENDER: Role

class Start(_message.Message):
    __slots__ = ("role", "count", "nonce", "public_key")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    role: Role
    count: int
    nonce: bytes
    public_key: bytes
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., count: _Optional[int] = ..., nonce: _Optional[bytes] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class Blinded(_message.Message):
    __slots__ = ("index", "elements")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    index: int
    elements: bytes
    def __init__(self, index: _Optional[int] = ..., elements: _Optional[bytes] = ...) -> None: ...

class Evaluated(_message.Message):
    __slots__ = ("index", "elements", "proof")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    index: int
    elements: bytes
    proof: bytes
    def __init__(self, index: _Optional[int] = ..., elements: _Optional[bytes] = ..., proof: _Optional[bytes] = ...) -> None: ...

class Tags(_message.Message):
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
