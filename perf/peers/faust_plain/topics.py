"""The topics of the plain Faust pipeline: one for each kind of item, read by every stage that wants it."""

from __future__ import annotations

from topics.definitions import TopicDefinition

QUESTIONS = "faust-plain.questions"
SENTENCES = "faust-plain.sentences"
CLAIMS = "faust-plain.claims"  # read by generate_queries and, by key, by appraise
QUERIES = "faust-plain.queries"
WORDS = "faust-plain.words"
HITS = "faust-plain.hits"
VECTORS = "faust-plain.vectors"
EVIDENCE = "faust-plain.evidence"
COUNTS = "faust-plain.counts"
VERDICTS = "faust-plain.verdicts"  # read by whoever asked and, by key, by collect
OUTCOMES = "faust-plain.outcomes"

READ_BY = {
    "answer": (QUESTIONS,),
    "extract_claims": (SENTENCES,),
    "generate_queries": (CLAIMS,),
    "bm25": (WORDS,),
    "encode_query": (QUERIES,),
    "rerank": (HITS, VECTORS),
    "appraise": (CLAIMS, EVIDENCE),
    "collect": (COUNTS, VERDICTS),
}
"""The stages, and the topics that each reads."""

ALL = (*{topic: None for topics in READ_BY.values() for topic in topics}, OUTCOMES)


def definitions(partitions: int) -> list[TopicDefinition]:
    """Every topic with as many partitions: equal keys then meet at one worker, whatever the topic."""
    return [TopicDefinition(topic, partitions) for topic in ALL]
