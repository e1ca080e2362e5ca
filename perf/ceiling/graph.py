"""FacTool's graph as in stages.graph, over retrieval and appraisal that cost next to nothing."""

from alto_streams.pipeline import Pipeline, join
from perf.ceiling.retrieval import BestEvidence, Bm25, appraise, encode_query, rerank
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from stages.answer import ANSWER_PROMPT, answer
from stages.extract_claims import CLAIMS_PROMPT, extract_claims
from stages.generate_queries import QUERIES_PROMPT, generate_queries
from stages.outcome import conclude

BATCH = 64  # requests of a stage at a time

pipeline = p = Pipeline("ceiling", source=Question)

sentences = p.source.expand(answer, "sentence", uses="lm", prompt=ANSWER_PROMPT, concurrency=BATCH)
claims = sentences.expand(extract_claims, "claim", uses="lm", prompt=CLAIMS_PROMPT, concurrency=BATCH)
queries = claims.expand(
    generate_queries, "query", cut="lines", item=Query, uses="lm", prompt=QUERIES_PROMPT, concurrency=BATCH
)
hits = queries.cut("token", at="words", item=QueryToken).aggregate(Bm25())
ranked = join(hits, queries.map(encode_query)).map(rerank)
verdicts = join(claims, ranked.aggregate(BestEvidence(), over="query")).map(appraise, uses="lm", concurrency=BATCH)

p.publish(sentences, "sentence")
p.publish(claims, "claim")
p.output(verdicts, "verified_claim", conclude=conclude)
