from schemas import verified_claim_pb2 as _verified_claim_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(_message.Message):
    __slots__ = ("question_id", "status", "claims", "failure")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Outcome.Status]
        COMPLETE: _ClassVar[Outcome.Status]
        FAILED: _ClassVar[Outcome.Status]
    STATUS_UNSPECIFIED: Outcome.Status
    COMPLETE: Outcome.Status
    FAILED: Outcome.Status
    QUESTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    question_id: str
    status: Outcome.Status
    claims: _containers.RepeatedCompositeFieldContainer[_verified_claim_pb2.VerifiedClaim]
    failure: Failure
    def __init__(self, question_id: _Optional[str] = ..., status: _Optional[_Union[Outcome.Status, str]] = ..., claims: _Optional[_Iterable[_Union[_verified_claim_pb2.VerifiedClaim, _Mapping]]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("stage", "kind", "message")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    kind: str
    message: str
    def __init__(self, stage: _Optional[str] = ..., kind: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
