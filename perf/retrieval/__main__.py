"""Prints MRR@10 and recall@100 of BM25 and of the reranker, and what each costs; keeps them in perf/results.

Costs are of the thread's processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import platform
import resource
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from alto_streams.settings import settings
from perf.retrieval.labelled import LabelledCorpus, LabelledQuery, demo_corpus, read_corpus, read_queries
from perf.retrieval.quality import recall, reciprocal_rank
from stages.retrieval import index as bm25
from stages.retrieval.encoder import Encoder, open_encoder
from stages.retrieval.index import Index, build_index
from stages.retrieval.late_interaction import CompactEmbeddings
from stages.retrieval.reranker import encoded_text, open_reranker

CANDIDATES = 100
COLUMNS = ("ranking", "MRR@10", "recall@100", "ms cached", "ms uncached")


def main(
    queries: Annotated[Path, typer.Option(exists=True, help="Labelled queries, JSON lines (.gz too).")],
    passages: Annotated[Path | None, typer.Option(exists=True, help="Another corpus than the demo's.")] = None,
    depths: Annotated[str, typer.Option(help="Candidates to rerank; empty: BM25 only.")] = "10,20,32,50,100",
    limit: Annotated[int, typer.Option(help="Use the first so many queries; 0: all.")] = 0,
    k1: float = bm25.K1,
    b: float = bm25.B,
    title_weight: int = bm25.TITLE_WEIGHT,
    output: Path = Path("perf/results/retrieval.json"),
) -> None:
    """Measures retrieval on labelled queries.

    python -m perf.retrieval --queries ../shared/data/retrieval-fever-dev.jsonl
    """
    home = settings().cache / "retrieval"
    labelled = read_corpus(passages, home) if passages else demo_corpus()
    asked = read_queries(queries)[: limit or None]
    begun = time.perf_counter()
    index = build_index(labelled.corpus, home, k1, b, title_weight)
    opened = time.perf_counter() - begun

    first, rows, costs = _first_stage(index, labelled, asked)
    depth_list = [int(depth) for depth in depths.split(",") if depth]
    if depth_list:
        more_rows, more_costs = _reranked(labelled, asked, first, depth_list)
        rows, costs = rows + more_rows, costs | more_costs
    result = {
        "command": shlex.join(["python", "-m", "perf.retrieval", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "queries": len(asked),
        "passages": len(labelled.corpus),
        "bm25": {"k1": k1, "b": b, "title_weight": title_weight, "open_or_build_s": round(opened, 3)},
        "rankings": rows,
        "cost": costs | {"peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024},
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    _show(result)


def _first_stage(
    index: Index, labelled: LabelledCorpus, asked: list[LabelledQuery]
) -> tuple[list[list[int]], list[dict[str, Any]], dict[str, float]]:
    hits, adds, tops = [], [], []
    for query in asked:
        scorer = index.scorer()
        for word in query.text.split():
            begun = time.thread_time()
            scorer.add(word)
            adds.append(time.thread_time() - begun)
        begun = time.thread_time()
        hits.append([passage for passage, _ in scorer.top(CANDIDATES)])
        tops.append(time.thread_time() - begun)
    costs = {
        "bm25_ms_per_word_p50": _ms(np.median(adds)),
        "bm25_ms_per_word_p99": _ms(np.percentile(adds, 99)),
        "bm25_top_ms_p50": _ms(np.median(tops)),
    }
    return hits, [_row("BM25", labelled, asked, hits)], costs


def _reranked(
    labelled: LabelledCorpus, asked: list[LabelledQuery], first: list[list[int]], depths: list[int]
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    encoder = open_encoder()
    reranker = open_reranker(labelled.corpus, cache_bytes=0, store_bytes=512 << 20)
    embeddings: dict[int, CompactEmbeddings] = {}
    query_times = []
    rankings: dict[int, list[list[int]]] = {depth: [] for depth in depths}
    rank_times: dict[int, list[float]] = {depth: [] for depth in depths}
    for query, hits in track(list(zip(asked, first, strict=True)), "reranking", console=Console(stderr=True)):
        begun = time.thread_time()
        [vectors] = encoder.encode([query.text])
        query_times.append(time.thread_time() - begun)
        for passage in hits[: max(depths)]:
            if passage not in embeddings:
                embeddings[passage] = reranker.embed(passage)
        for depth in depths:
            begun = time.thread_time()
            best = reranker.rank(vectors, {passage: embeddings[passage] for passage in hits[:depth]})
            rank_times[depth].append(time.thread_time() - begun)
            rankings[depth].append([ranked.passage for ranked in best] + hits[depth:])
    each = _passage_seconds(encoder, labelled, sorted(embeddings)[:: max(1, len(embeddings) // 100)])
    rows = []
    for depth in depths:
        cached = float(np.median(rank_times[depth]))
        cost = {"ms_cached": _ms(cached), "ms_uncached": _ms(cached + depth * each)}
        rows.append(_row(f"reranked {depth}", labelled, asked, rankings[depth]) | cost)
    costs = {"encode_query_ms_p50": _ms(np.median(query_times)), "encode_passage_ms_mean": _ms(each)}
    return rows, costs


def _passage_seconds(encoder: Encoder, labelled: LabelledCorpus, sample: list[int]) -> float:
    """Mean time to encode one; a sample, because most embeddings may come from the store."""
    begun = time.thread_time()
    encoder.encode([encoded_text(labelled.corpus[passage]) for passage in sample])
    return (time.thread_time() - begun) / len(sample)


def _row(name: str, labelled: LabelledCorpus, asked: list[LabelledQuery], rankings: list[list[int]]) -> dict[str, Any]:
    named = [[labelled.names[passage] for passage in ranking] for ranking in rankings]
    pairs = list(zip(named, asked, strict=True))
    return {
        "ranking": name,
        "mrr@10": round(float(np.mean([reciprocal_rank(names, query.relevant) for names, query in pairs])), 4),
        "recall@100": round(float(np.mean([recall(names, query.relevant) for names, query in pairs])), 4),
    }


def _ms(seconds: float | np.floating[Any]) -> float:
    return round(float(seconds) * 1000, 3)


def _show(result: dict[str, Any]) -> None:
    table = Table(*COLUMNS)
    for row in result["rankings"]:
        table.add_row(*(str(row.get(column.replace(" ", "_").lower(), "")) for column in COLUMNS))
    console = Console()
    console.print(table)
    for name, value in result["cost"].items():
        console.print(f"{name}: {value}")


if __name__ == "__main__":
    typer.run(main)
