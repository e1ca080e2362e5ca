"""A short-lived process that makes the broker ready for a pipeline: topics first, then the routing table."""

from __future__ import annotations

import json
import sys

from alto_streams.errors import AltoError


def main() -> int:
    try:
        print(json.dumps(prepare()), flush=True)
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def prepare() -> dict[str, object]:
    """Provisions the broker of `ALTO_BROKERS`; the pipeline's name and the instances of its stages."""
    from alto_streams.controller.publish import publish_routing
    from alto_streams.pipeline import load
    from alto_streams.settings import settings
    from alto_streams.supervisor.instances import instances, partitions_of
    from topics.definitions import definitions
    from topics.provision import provision

    chosen = settings()
    pipeline = load(chosen.pipeline)
    counts = instances(pipeline, chosen)
    partitions = partitions_of(counts)
    provision(chosen.brokers, definitions(pipeline.name, partitions))
    publish_routing(chosen.brokers, pipeline.name, partitions)
    return {"pipeline": pipeline.name, "instances": counts}


if __name__ == "__main__":
    sys.exit(main())
