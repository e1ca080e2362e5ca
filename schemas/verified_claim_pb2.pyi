from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    SUPPORTED: _ClassVar[Verdict]
    REFUTED: _ClassVar[Verdict]
    NOT_ENOUGH_EVIDENCE: _ClassVar[Verdict]
VERDICT_UNSPECIFIED: Verdict
SUPPORTED: Verdict
REFUTED: Verdict
NOT_ENOUGH_EVIDENCE: Verdict

class Evidence(_message.Message):
    __slots__ = ("title", "text", "score")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    title: str
    text: str
    score: float
    def __init__(self, title: _Optional[str] = ..., text: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class VerifiedClaim(_message.Message):
    __slots__ = ("question_id", "claim_id", "claim", "verdict", "score", "evidence")
    QUESTION_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    question_id: str
    claim_id: str
    claim: str
    verdict: Verdict
    score: float
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    def __init__(self, question_id: _Optional[str] = ..., claim_id: _Optional[str] = ..., claim: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., score: _Optional[float] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ...) -> None: ...
