from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Passage(_message.Message):
    __slots__ = ("title", "text")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    title: str
    text: str
    def __init__(self, title: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Passages(_message.Message):
    __slots__ = ("passages",)
    PASSAGES_FIELD_NUMBER: _ClassVar[int]
    passages: _containers.RepeatedCompositeFieldContainer[Passage]
    def __init__(self, passages: _Optional[_Iterable[_Union[Passage, _Mapping]]] = ...) -> None: ...

class Sentence(_message.Message):
    __slots__ = ("text", "sources")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    text: str
    sources: _containers.RepeatedCompositeFieldContainer[Passage]
    def __init__(self, text: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[Passage, _Mapping]]] = ...) -> None: ...

class Support(_message.Message):
    __slots__ = ("title", "score")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    title: str
    score: float
    def __init__(self, title: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Citation(_message.Message):
    __slots__ = ("text", "titles")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TITLES_FIELD_NUMBER: _ClassVar[int]
    text: str
    titles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., titles: _Optional[_Iterable[str]] = ...) -> None: ...

class Draw(_message.Message):
    __slots__ = ("problem", "number")
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    problem: str
    number: int
    def __init__(self, problem: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Line(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Solution(_message.Message):
    __slots__ = ("answer",)
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    answer: str
    def __init__(self, answer: _Optional[str] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("topic", "title")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    title: str
    def __init__(self, topic: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class Paragraph(_message.Message):
    __slots__ = ("title", "text")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    title: str
    text: str
    def __init__(self, title: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Article(_message.Message):
    __slots__ = ("paragraphs",)
    PARAGRAPHS_FIELD_NUMBER: _ClassVar[int]
    paragraphs: _containers.RepeatedCompositeFieldContainer[Paragraph]
    def __init__(self, paragraphs: _Optional[_Iterable[_Union[Paragraph, _Mapping]]] = ...) -> None: ...

class Trail(_message.Message):
    __slots__ = ("question", "facts", "answer")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    question: str
    facts: _containers.RepeatedScalarFieldContainer[str]
    answer: str
    def __init__(self, question: _Optional[str] = ..., facts: _Optional[_Iterable[str]] = ..., answer: _Optional[str] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("name", "reviews", "offers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVIEWS_FIELD_NUMBER: _ClassVar[int]
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    reviews: _containers.RepeatedScalarFieldContainer[str]
    offers: _containers.RepeatedCompositeFieldContainer[Offer]
    def __init__(self, name: _Optional[str] = ..., reviews: _Optional[_Iterable[str]] = ..., offers: _Optional[_Iterable[_Union[Offer, _Mapping]]] = ...) -> None: ...

class Offer(_message.Message):
    __slots__ = ("shop", "price")
    SHOP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    shop: str
    price: float
    def __init__(self, shop: _Optional[str] = ..., price: _Optional[float] = ...) -> None: ...

class Mood(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: float
    def __init__(self, value: _Optional[float] = ...) -> None: ...

class Card(_message.Message):
    __slots__ = ("name", "pitch", "shop", "price", "mood")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PITCH_FIELD_NUMBER: _ClassVar[int]
    SHOP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    name: str
    pitch: str
    shop: str
    price: float
    mood: float
    def __init__(self, name: _Optional[str] = ..., pitch: _Optional[str] = ..., shop: _Optional[str] = ..., price: _Optional[float] = ..., mood: _Optional[float] = ...) -> None: ...

class Told(_message.Message):
    __slots__ = ("question_id", "lines", "failure")
    QUESTION_ID_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    question_id: str
    lines: _containers.RepeatedScalarFieldContainer[str]
    failure: str
    def __init__(self, question_id: _Optional[str] = ..., lines: _Optional[_Iterable[str]] = ..., failure: _Optional[str] = ...) -> None: ...
