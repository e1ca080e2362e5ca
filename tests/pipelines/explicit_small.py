"""The pipeline of `small` written by hand: the same functions, and the outcomes that `small.expected` gives."""

from examples.explicit_factool import Parts, factool
from tests.pipelines import small

pipeline = factool(
    "explicit",
    Parts(
        small.answer,
        small.extract_claims,
        small.generate_queries,
        small.SortedWords(),
        small.encode_query,
        small.rerank,
        small.Titles(),
        small.appraise,
    ),
)
for stage in pipeline.plan.stages:
    stage.pool = None  # nobody here asks a model
