"""Programs and pipelines to start from."""
