"""Quantise a GGUF file by llama.cpp.

python benchmarks/quantise.py full.gguf quantised.gguf Q8_0
"""

import sys
from pathlib import Path

import llama_cpp


def quantise(full: Path, quantised: Path, kind: str) -> None:
    """Write the weights of a GGUF file in another type, such as "Q8_0", "Q4_0" or "Q4_K_M".

    Raises:
        ValueError: If llama.cpp cannot do that.
    """
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    if llama_cpp.llama_model_quantize(str(full).encode(), str(quantised).encode(), settings):
        raise ValueError(f"llama.cpp cannot quantise {full} to {kind}")


if __name__ == "__main__":
    quantise(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
