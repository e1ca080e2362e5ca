"""FacTool as plain Faust agents on Faust's own transport, an honest best effort: see perf/peers/README.md."""
