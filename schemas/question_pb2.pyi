from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Question(_message.Message):
    __slots__ = ("question_id", "text", "deadline_ms")
    QUESTION_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    question_id: str
    text: str
    deadline_ms: int
    def __init__(self, question_id: _Optional[str] = ..., text: _Optional[str] = ..., deadline_ms: _Optional[int] = ...) -> None: ...
