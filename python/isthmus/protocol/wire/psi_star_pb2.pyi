from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Join(_message.Message):
    __slots__ = ("count", "nonce", "public_key")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    count: int
    nonce: bytes
    public_key: bytes
    def __init__(self, count: _Optional[int] = ..., nonce: _Optional[bytes] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("name", "join")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    join: Join
    def __init__(self, name: _Optional[str] = ..., join: _Optional[_Union[Join, _Mapping]] = ...) -> None: ...

class Roster(_message.Message):
    __slots__ = ("members",)
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[Member]
    def __init__(self, members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ...) -> None: ...

class Sealed(_message.Message):
    __slots__ = ("box",)
    BOX_FIELD_NUMBER: _ClassVar[int]
    box: bytes
    def __init__(self, box: _Optional[bytes] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("released", "shared")
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    shared: bytes
    def __init__(self, released: bool = ..., shared: _Optional[bytes] = ...) -> None: ...
