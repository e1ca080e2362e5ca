from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Item(_message.Message):
    __slots__ = ("question", "path", "siblings", "children", "value")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIBLINGS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    question: str
    path: _containers.RepeatedScalarFieldContainer[int]
    siblings: int
    children: int
    value: bytes
    def __init__(self, question: _Optional[str] = ..., path: _Optional[_Iterable[int]] = ..., siblings: _Optional[int] = ..., children: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...
