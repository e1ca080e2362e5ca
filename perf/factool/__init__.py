"""The pipelines that benchmarks run: FacTool with emulated retrieval models, as we ship it and in the paper's shape."""
