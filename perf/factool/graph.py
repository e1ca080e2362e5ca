"""FacTool as we ship it (stages/graph.py), its retrieval models emulated, on engines that batch what they are given."""

from alto_streams.pipeline import Pipeline, Stream, join
from perf.factool.retrieval import ENCODE_S, RERANK_S, EncodeQuery, Rerank
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from stages.answer import ANSWER_PROMPT, answer
from stages.appraise import appraise
from stages.best_evidence import BestEvidence
from stages.bm25 import Bm25
from stages.extract_claims import CLAIMS_PROMPT, extract_claims
from stages.generate_queries import QUERIES_PROMPT, generate_queries
from stages.outcome import conclude

BATCH = 256  # requests at a time: an instance of the emulated engine takes no more


def factool(encode_s: float = ENCODE_S, rerank_s: float = RERANK_S) -> Pipeline:
    """The retrieval models take so many seconds a query; with none at all, it runs in virtual time too."""
    p = Pipeline("factool", source=Question)

    sentences = p.source.expand(answer, "sentence", uses="lm", prompt=ANSWER_PROMPT, concurrency=BATCH)
    claims = sentences.expand(extract_claims, "claim", uses="lm", prompt=CLAIMS_PROMPT, concurrency=BATCH)
    queries = claims.expand(
        generate_queries, "query", cut="lines", item=Query, uses="lm", prompt=QUERIES_PROMPT, concurrency=BATCH
    )
    p.publish(sentences, "sentence")
    check(p, claims, queries, encode_s, rerank_s)
    return p


def check(p: Pipeline, claims: Stream, queries: Stream, encode_s: float, rerank_s: float) -> None:
    """From queries to verdicts."""
    hits = queries.cut("token", at="words", item=QueryToken).aggregate(Bm25())
    vectors = queries.map(EncodeQuery(encode_s), concurrency=BATCH)
    ranked = join(hits, vectors).map(Rerank(rerank_s))
    evidence = ranked.aggregate(BestEvidence(), over="query")
    verdicts = join(claims, evidence).map(appraise, uses="lm", concurrency=BATCH)
    p.publish(claims, "claim")
    p.output(verdicts, "verified_claim", conclude=conclude)


pipeline = factool()
