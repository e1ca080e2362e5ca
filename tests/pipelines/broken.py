"""A module that fails while it is imported, as a user's may."""

pipeline = missing  # type: ignore[name-defined]  # noqa: F821
