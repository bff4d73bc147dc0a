"""An adapter for the weights of `put_weights`."""

from pathlib import Path

import gguf
import numpy as np

from app.models.e5_reader import BIAS, HEAD


def put_adapter(
    path: Path, *, strength: float = 0.3, head: int = 384, bias: float = 0.25, seed: int = 3
) -> Path:
    """A LoRA of rank 2 for the query matrix of the only layer, and the linear layer."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0)
    if head:
        writer.add_array(HEAD, random.normal(0, 1, head).tolist())
        writer.add_float32(BIAS, bias)
    for name in ("attn_q", "attn_v"):
        for side, shape in (("a", (2, 384)), ("b", (384, 2))):
            matrix = random.normal(0, strength, shape).astype(np.float16)
            writer.add_tensor(f"blk.0.{name}.weight.lora_{side}", matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
