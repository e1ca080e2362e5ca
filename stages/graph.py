"""The FacTool pipeline: a question is answered, the answer's claims are checked against Wikipedia."""

from alto_streams.pipeline import Pipeline, join
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from stages.answer import ANSWER_PROMPT, answer
from stages.appraise import appraise
from stages.best_evidence import BestEvidence
from stages.bm25 import Bm25
from stages.encode_query import EncodeQuery
from stages.extract_claims import CLAIMS_PROMPT, extract_claims
from stages.generate_queries import QUERIES_PROMPT, generate_queries
from stages.outcome import conclude
from stages.rerank import Rerank

pipeline = p = Pipeline("factool", source=Question)

sentences = p.source.expand(answer, "sentence", uses="lm", prompt=ANSWER_PROMPT)
claims = sentences.expand(extract_claims, "claim", uses="lm", prompt=CLAIMS_PROMPT)
queries = claims.expand(generate_queries, "query", cut="lines", item=Query, uses="lm", prompt=QUERIES_PROMPT)
hits = queries.cut("token", at="words", item=QueryToken).aggregate(Bm25())  # closes the token level
vectors = queries.map(EncodeQuery())  # reads the same queries whole
ranked = join(hits, vectors).map(Rerank())
evidence = ranked.aggregate(BestEvidence(), over="query")
verdicts = join(claims, evidence).map(appraise, uses="lm")

p.publish(sentences, "sentence")
p.publish(claims, "claim")
p.output(verdicts, "verified_claim", conclude=conclude)
