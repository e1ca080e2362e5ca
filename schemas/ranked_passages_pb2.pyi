from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RankedPassage(_message.Message):
    __slots__ = ("passage", "title", "text", "bm25", "late_interaction", "weakest")
    PASSAGE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BM25_FIELD_NUMBER: _ClassVar[int]
    LATE_INTERACTION_FIELD_NUMBER: _ClassVar[int]
    WEAKEST_FIELD_NUMBER: _ClassVar[int]
    passage: int
    title: str
    text: str
    bm25: float
    late_interaction: float
    weakest: float
    def __init__(self, passage: _Optional[int] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., bm25: _Optional[float] = ..., late_interaction: _Optional[float] = ..., weakest: _Optional[float] = ...) -> None: ...

class RankedPassages(_message.Message):
    __slots__ = ("passages",)
    PASSAGES_FIELD_NUMBER: _ClassVar[int]
    passages: _containers.RepeatedCompositeFieldContainer[RankedPassage]
    def __init__(self, passages: _Optional[_Iterable[_Union[RankedPassage, _Mapping]]] = ...) -> None: ...
