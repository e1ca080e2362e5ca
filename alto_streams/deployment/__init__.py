"""Deployment in two files: the pipeline as its code says it is, and how many instances run. docs/deployment.md."""

from alto_streams.deployment.build import build_pipeline, load_pipeline
from alto_streams.deployment.deployment_file import Deployment, read_deployment
from alto_streams.deployment.marked_yaml import FileError
from alto_streams.deployment.pipeline_file import check_pipeline, pipeline_yaml, read_pipeline
from alto_streams.deployment.topology import Topology, topology

__all__ = [
    "Deployment",
    "FileError",
    "Topology",
    "build_pipeline",
    "check_pipeline",
    "load_pipeline",
    "pipeline_yaml",
    "read_deployment",
    "read_pipeline",
    "topology",
]
