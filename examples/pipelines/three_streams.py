"""A join of streams that meet at different levels: what a product is for, its best offer, the mood of its reviews.

python -m examples.pipelines.three_streams
python -m examples.pipelines.three_streams --kafka "a toaster and a kettle"
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from alto_streams.context import Context
from alto_streams.engines.protocol import Prompt
from alto_streams.failure import Failure
from alto_streams.operators import Mean, TopK
from alto_streams.pipeline import Pipeline, join
from examples.pipelines.asking import agrees, first
from examples.pipelines.command import main
from examples.pipelines.messages_pb2 import Card, Line, Mood, Offer, Product, Told
from examples.pipelines.scripted import Scripted, simulated
from schemas.question_pb2 import Question

PITCH = Prompt.few_shot(
    "pitch", "Say in a few words what the product is for.", [("umbrella", "keeps you dry in the rain")]
)
MOOD = Prompt.few_shot(
    "mood", "Does the writer like the product? yes or no", [("I love it.", "yes"), ("It broke.", "no")]
)
SHELF = {
    "kettle": Product(
        name="kettle",
        reviews=["Boils fast. I like it.", "It leaks! I sent it back. A pity."],
        offers=[Offer(shop="Ada", price=30), Offer(shop="Bob", price=25), Offer(shop="Cy", price=25)],
    ),
    "toaster": Product(name="toaster", reviews=["I like the colour."], offers=[]),
    "radio": Product(name="radio", reviews=[], offers=[Offer(shop="Ada", price=80)]),
}


async def products_of(wish: Question, ctx: Context) -> AsyncIterator[Product]:
    for name in dict.fromkeys(re.findall(r"[a-z]+", wish.text.lower())):
        if name in SHELF:
            yield SHELF[name]


async def pitch(product: Product, ctx: Context) -> Line:
    return Line(text=await first(ctx.engine, PITCH.ask(product.name), "line", max_tokens=24))


async def offers_of(product: Product, ctx: Context) -> AsyncIterator[Offer]:
    for offer in product.offers:
        yield offer


def cheapness(offer: Offer) -> float:
    return -offer.price


async def reviews_of(product: Product, ctx: Context) -> AsyncIterator[Line]:
    for text in product.reviews:
        yield Line(text=text)


async def read(review: Line, ctx: Context) -> AsyncIterator[str]:
    yield review.text


async def mood_of(sentence: Line, ctx: Context) -> Mood:
    return Mood(value=await agrees(ctx.engine, MOOD.ask(sentence.text)))


async def fill(product: Product, line: Line, cheapest: list[Offer], mood: float, ctx: Context) -> Card:
    """A product that nobody offers has a card without a shop; one that nobody reviewed has no mood, and no card."""
    offer = cheapest[0] if cheapest else Offer()
    return Card(name=product.name, pitch=line.text, shop=offer.shop, price=offer.price, mood=mood)


def conclude(question_id: str, cards: Sequence[Card], failure: Failure | None) -> Told:
    lines = [
        f"{c.name}: {c.pitch}; {f'{c.price:g} at {c.shop}' if c.shop else 'sold out'}; {c.mood:.2f}" for c in cards
    ]
    return Told(question_id=question_id, lines=lines, failure=failure.message if failure else "")


pipeline = p = Pipeline("three-streams", source=Question)

products = p.source.expand(products_of, "product")
pitches = products.map(pitch, uses="lm", prompt=PITCH)
offers = products.expand(offers_of, "offer")
sentences = products.expand(reviews_of, "review").expand(read, "sentence", cut="sentence", item=Line)
moods = sentences.map(mood_of, uses="lm", prompt=MOOD)

cheapest = offers.aggregate(TopK(1, key=cheapness), over="offer")
mood = moods.aggregate(Mean("value"), over=("review", "sentence"))
cards = join(products, pitches, cheapest, mood).map(fill)

p.publish(pitches, "pitch")
p.publish(moods, "mood")
p.output(cards, "card", conclude=conclude)


def say(name: str, asked: str, seed: int) -> str:
    return f"a {asked} for the kitchen"


def judge(name: str, asked: str) -> float:
    return -8.0 if "like" in asked or "fast" in asked else -10.0


simulation = simulated(pipeline, Scripted(say, judge), "kettle toaster radio", "radio", "toaster spoon kettle", "")

if __name__ == "__main__":
    main("three_streams", "kettle toaster radio", Scripted(say, judge))
