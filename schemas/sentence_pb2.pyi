from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Sentence(_message.Message):
    __slots__ = ("text", "question", "context")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    question: str
    context: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., question: _Optional[str] = ..., context: _Optional[_Iterable[str]] = ...) -> None: ...
