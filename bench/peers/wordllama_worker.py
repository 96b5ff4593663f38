"""Embeddings of sentences by the vectors that wordllama ships, in its own venv: a text a line in, an npy file
out. Its loader looks for them in the network first; the mean over tokens is what its `embed` gives."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import wordllama
from safetensors.numpy import load_file
from tokenizers import Tokenizer

folder = Path(wordllama.__file__).parent
(weights,) = load_file(next((folder / "weights").glob("*_256.safetensors"))).values()
tokenizer = Tokenizer.from_file(str(next((folder / "tokenizers").glob("*.json"))))
texts = Path(sys.argv[1]).read_text().splitlines()
tokens = [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
np.save(sys.argv[2], np.stack([weights[ids].astype(np.float32).mean(0) for ids in tokens]))
print(json.dumps({"texts": len(texts), "dim": int(weights.shape[1])}))
