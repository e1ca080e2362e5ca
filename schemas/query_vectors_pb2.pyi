from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class QueryVectors(_message.Message):
    __slots__ = ("tokens", "dimensions", "values")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    tokens: int
    dimensions: int
    values: bytes
    def __init__(self, tokens: _Optional[int] = ..., dimensions: _Optional[int] = ..., values: _Optional[bytes] = ...) -> None: ...
