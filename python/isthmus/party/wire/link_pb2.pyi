from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    FROM_DIALLER: _ClassVar[Direction]
    FROM_LISTENER: _ClassVar[Direction]

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    HELLO: _ClassVar[Kind]
    CONFIRM: _ClassVar[Kind]
    DATA: _ClassVar[Kind]
    HEARTBEAT: _ClassVar[Kind]
    CREDIT: _ClassVar[Kind]
    FAILURE: _ClassVar[Kind]
    CANCEL: _ClassVar[Kind]
    CLOSE: _ClassVar[Kind]
DIRECTION_UNSPECIFIED: Direction
FROM_DIALLER: Direction
FROM_LISTENER: Direction
KIND_UNSPECIFIED: Kind
HELLO: Kind
CONFIRM: Kind
DATA: Kind
HEARTBEAT: Kind
CREDIT: Kind
FAILURE: Kind
CANCEL: Kind
CLOSE: Kind

class Frame(_message.Message):
    __slots__ = ("session_id", "direction", "sequence", "kind", "message_type", "total_length", "offset", "payload", "transcript")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    session_id: bytes
    direction: Direction
    sequence: int
    kind: Kind
    message_type: str
    total_length: int
    offset: int
    payload: bytes
    transcript: bytes
    def __init__(self, session_id: _Optional[bytes] = ..., direction: _Optional[_Union[Direction, str]] = ..., sequence: _Optional[int] = ..., kind: _Optional[_Union[Kind, str]] = ..., message_type: _Optional[str] = ..., total_length: _Optional[int] = ..., offset: _Optional[int] = ..., payload: _Optional[bytes] = ..., transcript: _Optional[bytes] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("versions", "party", "peer", "job", "nonce", "suites", "min_key_bits", "window_bytes", "max_message_bytes", "deadline_milliseconds", "certificate")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    SUITES_FIELD_NUMBER: _ClassVar[int]
    MIN_KEY_BITS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedScalarFieldContainer[int]
    party: str
    peer: str
    job: str
    nonce: bytes
    suites: _containers.RepeatedScalarFieldContainer[str]
    min_key_bits: int
    window_bytes: int
    max_message_bytes: int
    deadline_milliseconds: int
    certificate: bytes
    def __init__(self, versions: _Optional[_Iterable[int]] = ..., party: _Optional[str] = ..., peer: _Optional[str] = ..., job: _Optional[str] = ..., nonce: _Optional[bytes] = ..., suites: _Optional[_Iterable[str]] = ..., min_key_bits: _Optional[int] = ..., window_bytes: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., deadline_milliseconds: _Optional[int] = ..., certificate: _Optional[bytes] = ...) -> None: ...

class Confirm(_message.Message):
    __slots__ = ("transcript", "signature")
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    transcript: bytes
    signature: bytes
    def __init__(self, transcript: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("allowed",)
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    allowed: int
    def __init__(self, allowed: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class JobStart(_message.Message):
    __slots__ = ("protocol", "parameters")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    parameters: str
    def __init__(self, protocol: _Optional[str] = ..., parameters: _Optional[str] = ...) -> None: ...

class JobEnd(_message.Message):
    __slots__ = ("sent", "received")
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    sent: bytes
    received: bytes
    def __init__(self, sent: _Optional[bytes] = ..., received: _Optional[bytes] = ...) -> None: ...
