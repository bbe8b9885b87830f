"""A neural network in TensorFlow Lite's format, run by LiteRT on one core."""

from __future__ import annotations

from typing import Any

from ai_edge_litert.interpreter import Interpreter

from clipgen_engine.native_libraries import native_stderr_logged
from clipgen_engine.types import Float32Array


class Network:
    """One loaded network with one input. Not thread-safe.

    Raises:
        RuntimeError, ValueError: not a network.
    """

    def __init__(self, content: bytes) -> None:
        with native_stderr_logged():
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input: Any = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def __call__(self, values: Float32Array) -> list[Float32Array]:
        """Run the network and return copies of its outputs."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
