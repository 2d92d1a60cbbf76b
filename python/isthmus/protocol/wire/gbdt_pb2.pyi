from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Setup(_message.Message):
    __slots__ = ("public_key",)
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    def __init__(self, public_key: _Optional[bytes] = ...) -> None: ...

class TreeStart(_message.Message):
    __slots__ = ("tree", "sample")
    TREE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    tree: int
    sample: bytes
    def __init__(self, tree: _Optional[int] = ..., sample: _Optional[bytes] = ...) -> None: ...

class Gradients(_message.Message):
    __slots__ = ("tree", "start", "count", "ciphertexts")
    TREE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXTS_FIELD_NUMBER: _ClassVar[int]
    tree: int
    start: int
    count: int
    ciphertexts: bytes
    def __init__(self, tree: _Optional[int] = ..., start: _Optional[int] = ..., count: _Optional[int] = ..., ciphertexts: _Optional[bytes] = ...) -> None: ...

class Sums(_message.Message):
    __slots__ = ("tree", "node", "count", "candidates", "row_counts", "ciphertexts")
    TREE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNTS_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXTS_FIELD_NUMBER: _ClassVar[int]
    tree: int
    node: int
    count: int
    candidates: bytes
    row_counts: bytes
    ciphertexts: bytes
    def __init__(self, tree: _Optional[int] = ..., node: _Optional[int] = ..., count: _Optional[int] = ..., candidates: _Optional[bytes] = ..., row_counts: _Optional[bytes] = ..., ciphertexts: _Optional[bytes] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("node", "leaf", "own_split", "peer_split")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    OWN_SPLIT_FIELD_NUMBER: _ClassVar[int]
    PEER_SPLIT_FIELD_NUMBER: _ClassVar[int]
    node: int
    leaf: bool
    own_split: bytes
    peer_split: int
    def __init__(self, node: _Optional[int] = ..., leaf: bool = ..., own_split: _Optional[bytes] = ..., peer_split: _Optional[int] = ...) -> None: ...

class Decisions(_message.Message):
    __slots__ = ("tree", "level", "decisions")
    TREE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    tree: int
    level: int
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    def __init__(self, tree: _Optional[int] = ..., level: _Optional[int] = ..., decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ...) -> None: ...

class Partition(_message.Message):
    __slots__ = ("node", "left")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    node: int
    left: bytes
    def __init__(self, node: _Optional[int] = ..., left: _Optional[bytes] = ...) -> None: ...

class Partitions(_message.Message):
    __slots__ = ("tree", "level", "partitions")
    TREE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    tree: int
    level: int
    partitions: _containers.RepeatedCompositeFieldContainer[Partition]
    def __init__(self, tree: _Optional[int] = ..., level: _Optional[int] = ..., partitions: _Optional[_Iterable[_Union[Partition, _Mapping]]] = ...) -> None: ...

class SplitBits(_message.Message):
    __slots__ = ("first_record", "records", "left")
    FIRST_RECORD_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    first_record: int
    records: int
    left: bytes
    def __init__(self, first_record: _Optional[int] = ..., records: _Optional[int] = ..., left: _Optional[bytes] = ...) -> None: ...
