"""From a network in torch to a model folder: the ONNX graph, the proof that it gives the same, and the files."""
