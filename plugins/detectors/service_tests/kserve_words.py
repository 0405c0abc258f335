"""A model in KServe's own Python server that scores texts by a word."""

from __future__ import annotations

import sys

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Words(Model):
    def load(self) -> bool:
        self.ready = True
        return True

    async def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        texts = [text.decode() if isinstance(text, bytes) else text for text in payload.inputs[0].data]
        scores = np.array([[0.1, 0.9] if "blockhead" in text else [0.9, 0.1] for text in texts], dtype=np.float32)
        output = InferOutput("scores", list(scores.shape), "FP32", data=scores.flatten().tolist())
        return InferResponse(payload.id, self.name, [output])


if __name__ == "__main__":
    model = Words("words")
    model.load()
    ModelServer(http_port=int(sys.argv[1]), enable_grpc=False).start([model])
