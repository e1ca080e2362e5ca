"""Asks one question with nothing but a Kafka client and the generated schemas: JSON in, Protobuf out.

python examples/plain_kafka.py localhost:9092 "Who wrote The Old Man and the Sea?"
"""

import json
import sys
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.outcome_pb2 import Outcome
from schemas.verified_claim_pb2 import Verdict, VerifiedClaim

brokers, text, *rest = sys.argv[1:]
pipeline = rest[0] if rest else "factool"
question_id = str(uuid.uuid4())

# Listen from the end of every partition before asking, so that nothing is missed.
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "plain-kafka", "enable.auto.commit": False})
topic = f"{pipeline}.verified-claims"
partitions = [TopicPartition(topic, index) for index in consumer.list_topics(topic, 10).topics[topic].partitions]
for partition in partitions:
    partition.offset = consumer.get_watermark_offsets(partition)[1]
consumer.assign(partitions)

producer = Producer({"bootstrap.servers": brokers})
question = json.dumps({"text": text, "deadline_ms": 60_000})
producer.produce(f"{pipeline}.questions", question, question_id, headers={"content-type": "application/json"})
producer.flush()

seen = set()  # at least once: the same claim may come again
while True:
    record = consumer.poll(90)
    if record is None:
        sys.exit("no answer: is the stack running?")
    if record.error() or record.key() != question_id.encode():
        continue
    kind = dict(record.headers())["type"]
    if kind == b"verified_claim":
        claim = VerifiedClaim.FromString(record.value())
        if claim.claim_id not in seen:
            seen.add(claim.claim_id)
            print(f"{Verdict.Name(claim.verdict)} {claim.score:.2f} {claim.claim}")
    elif kind == b"outcome":
        outcome = Outcome.FromString(record.value())
        print(f"{Outcome.Status.Name(outcome.status)}: {len(outcome.claims)} claims {outcome.failure.message}".rstrip())
        break
consumer.close()
