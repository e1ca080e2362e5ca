"""Pipelines to read and run: each file is a graph, its stages, a scripted model and a question."""
