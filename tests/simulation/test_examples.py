"""The example pipelines give, in memory and under faults, what a plain nested loop over the same scripts gives.

`make simulate` plays a thousand seeds of each.
"""

from __future__ import annotations

import math
import re
import runpy
from collections import Counter
from collections.abc import Callable
from types import ModuleType

import pytest

from alto_streams.testing import Simulated, run, simulate_case
from alto_streams.testing.load import load
from examples.pipelines import best_of_n, multi_hop, peers, rag, three_streams, writer
from examples.pipelines.library import look_up
from examples.pipelines.messages_pb2 import Told
from examples.pipelines.scripted import Scripted

Loop = Callable[[str], list[str]]


def weighed_by_peers(question: str) -> list[str]:
    drafts = [text for text in peers.say("draft", question, 0).split("\n") if text.endswith(".")]
    scores = [1 / (1 + math.exp(-9 - peers.judge("judge", "\n".join([*drafts, draft])))) for draft in drafts]
    ranked = sorted(zip(drafts, scores, strict=True), key=lambda one: -one[1])
    return [f"{draft} {score:.2f}" for draft, score in ranked]


def cited(question: str) -> list[str]:
    found = look_up(question, 4)
    said = [passage.text.split(". ")[0].rstrip(".") + "." for passage in found] + ["It is well known."]
    lines = []
    for sentence in said:
        sources = [passage.title for passage in found if sentence.rstrip(".") in passage.text]
        lines.append(f"{sentence} [{', '.join(sources[:2]) or 'no source'}]")
    return lines


def elected(problem: str) -> list[str]:
    ends = [best_of_n.say("solve", problem, seed).split("\n")[-1] for seed in range(5)]
    votes = Counter(end.split(": ")[1] for end in ends if end.startswith("Answer: "))
    return [answer for answer, _ in votes.most_common(1)]  # of equal ones the first


def written(topic: str) -> list[str]:
    body = []
    for heading in writer.say("outline", topic, 0).split("\n"):
        notes: list[str] = []
        for query in writer.say("ask", f"{topic}: {heading}", 0).splitlines():
            notes += [p.text for p in look_up(query, 2) if p.text not in notes]
        text = writer.say("write", "\n".join([heading, *notes]), 0)
        body += [(heading, paragraph) for paragraph in text.split("\n\n") if paragraph]
    lead = writer.say("lead", "\n".join(paragraph for _, paragraph in body), 0)
    return [lead, *(f"{heading}: {paragraph}" for heading, paragraph in body)]


def weighed(wish: str) -> list[str]:
    lines = []
    for name in wish.split():
        product = three_streams.SHELF.get(name)
        if product is None or not product.reviews:
            continue
        moods = []
        for review in product.reviews:
            for sentence in review.replace("!", "!.").rstrip(".").split(". "):
                moods.append(1 / (1 + math.exp(-9 - three_streams.judge("mood", sentence))))
        price, shop = min(((offer.price, offer.shop) for offer in product.offers), default=(0, ""))
        offer = f"{price:g} at {shop}" if shop else "sold out"
        lines.append(f"{name}: {three_streams.say('pitch', name, 0)}; {offer}; {sum(moods) / len(moods):.2f}")
    return lines


def reached(question: str) -> list[str]:
    """Depth first; the deepest trail that answers, the first of them in order."""

    def search(facts: list[str]) -> list[str] | None:
        if len(facts) < 3:
            for query in multi_hop.say("next", "\n".join([question, *facts]), 0).splitlines():
                found = search([*facts, multi_hop.FACTS[query]]) if query in multi_hop.FACTS else None
                if found:
                    return found
        said = multi_hop.say("answer", "\n".join([question, *facts]), 0)
        return [said, *facts] if facts and said != "unknown" else None

    return search([]) or []


EXAMPLES: dict[str, tuple[ModuleType, Loop]] = {
    "rag": (rag, cited),
    "best_of_n": (best_of_n, elected),
    "peers": (peers, weighed_by_peers),
    "writer": (writer, written),
    "three_streams": (three_streams, weighed),
    "multi_hop": (multi_hop, reached),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_a_nested_loop_gives(name: str) -> None:
    case = load(f"examples.pipelines.{name}")
    assert isinstance(case, Simulated)
    wanted = {q: Told(question_id=q, lines=EXAMPLES[name][1](question.text)) for q, question in case.questions.items()}
    assert any(told.lines for told in wanted.values())
    assert run(case.pipeline, case.questions, pool=case.pool).outcomes == wanted
    faults: Counter[str] = Counter()
    for seed in range(25):
        result = simulate_case(case, seed)
        assert result.outcomes == wanted
        faults.update(result.faults)
    assert all(faults[kind] for kind in ("crash", "move", "copy", "readmit", "epoch"))


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_run_and_shows_what_streams(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [name])
    runpy.run_module(f"examples.pipelines.{name}", run_name="__main__")
    streamed, _, outcome = capsys.readouterr().out.partition("outcome:\n")
    types = [type for _, type in EXAMPLES[name][0].pipeline.published] + [EXAMPLES[name][0].pipeline.result_type]
    assert {re.split("[ :]", line)[0] for line in streamed.splitlines()} == set(types)
    assert outcome.strip()


def test_a_model_that_fails_fails_the_question_and_says_where() -> None:
    def broken(name: str, asked: str, seed: int) -> str:
        raise OSError("no model today")

    for module, _ in EXAMPLES.values():
        first = {"q": module.simulation.questions["q0"]}
        told = run(module.pipeline, first, pool=Scripted(broken)).outcomes["q"]
        assert told.failure == "OSError: no model today"
