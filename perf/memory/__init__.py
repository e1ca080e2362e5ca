"""Whether memory stays flat while questions pass: the core in one process, on a Kafka in memory that forgets."""
